package dpop

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"
)

const (
	nonceSlice  = time.Minute
	nonceSlices = 3
	nonceLife   = nonceSlices * nonceSlice // at most
)

// Nonces makes and checks server nonces (RFC 9449 §8) without storing them. A nonce is a keyed hash of its minute, so replicas with
// the same key accept each other's nonces.
type Nonces struct{ key []byte }

// NewNonces returns nonces under a key of at least 32 bytes.
func NewNonces(key []byte) *Nonces { return &Nonces{key} }

// At returns the nonce to hand out at a time. It stays valid for two to three minutes.
func (n *Nonces) At(now time.Time) string { return n.of(now.Unix() / int64(nonceSlice/time.Second)) }

// Good reports whether a nonce is one of the last three.
func (n *Nonces) Good(nonce string, now time.Time) bool {
	slice := now.Unix() / int64(nonceSlice/time.Second)
	good := 0
	for back := range int64(nonceSlices) {
		if hmac.Equal([]byte(nonce), []byte(n.of(slice-back))) {
			good = 1
		}
	}
	return good == 1
}

func (n *Nonces) of(slice int64) string {
	mac := hmac.New(sha256.New, n.key)
	mac.Write(binary.BigEndian.AppendUint64([]byte("dpop nonce"), uint64(slice)))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16])
}
