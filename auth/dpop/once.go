package dpop

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"sync"
	"time"
)

// ErrCrowded says that too many proofs came to remember them all; the same request may succeed within a minute.
var ErrCrowded = errors.New("too many DPoP proofs to remember")

// maxSeen bounds the memory of one half to about 10 MB, and maxShare what one presenter takes of it: a proof needs no
// permission, so that without shares one device could use up the memory of all.
const (
	maxSeen  = 200_000
	maxShare = 1000
)

// Seen remembers proofs for as long as they could be replayed, in this process. The zero value is ready.
type Seen struct {
	mu            sync.Mutex
	current, last map[[16]byte]struct{}
	shares        map[string]int // proofs of this turn, by who presented them
	turned        time.Time
}

// Once takes a proof the first time and returns ErrInvalid from then on (RFC 9449 §11.1). Call it last, when the rest
// of the request is known to be good: what strangers send is then not remembered. Presenters are told apart by what the
// server knows them by, a device or an account. It returns ErrCrowded past a presenter's share.
func (s *Seen) Once(p Proof, presenter string, now time.Time) error {
	sum := sha256.Sum256([]byte(p.JKT + "\x00" + p.ID))
	key := [16]byte(sum[:16])
	s.mu.Lock()
	defer s.mu.Unlock()
	// A half is kept for one to two turns, and a turn is as long as a proof may be used.
	if age := now.Sub(s.turned); s.current == nil || age > maxPast+maxFuture {
		s.last, s.current, s.turned = s.current, map[[16]byte]struct{}{}, now
		s.shares = map[string]int{}
		if age > 2*(maxPast+maxFuture) {
			s.last = nil
		}
	}
	_, before := s.current[key]
	_, longBefore := s.last[key]
	switch {
	case before || longBefore:
		return invalid("jti was used before")
	case len(s.current) >= maxSeen, s.shares[presenter] >= maxShare:
		return ErrCrowded
	}
	s.shares[presenter]++
	s.current[key] = struct{}{}
	return nil
}

const nonceSlice = time.Minute

// Nonces makes and checks server nonces (RFC 9449 §8) without storing any: a nonce is a keyed hash of its minute, so
// replicas with the same key accept each other's.
type Nonces struct{ key []byte }

// NewNonces takes a key of at least 32 bytes.
func NewNonces(key []byte) *Nonces { return &Nonces{key} }

// At is the nonce to hand out at a moment. It stays good for two to three minutes.
func (n *Nonces) At(now time.Time) string { return n.of(now.Unix() / int64(nonceSlice/time.Second)) }

// Good tells whether a nonce is one of the last three.
func (n *Nonces) Good(nonce string, now time.Time) bool {
	slice := now.Unix() / int64(nonceSlice/time.Second)
	good := 0
	for back := range int64(3) {
		if hmac.Equal([]byte(nonce), []byte(n.of(slice-back))) {
			good = 1
		}
	}
	return good == 1
}

func (n *Nonces) of(slice int64) string {
	mac := hmac.New(sha256.New, n.key)
	mac.Write(binary.BigEndian.AppendUint64([]byte("dpop nonce"), uint64(slice))) //nolint:gosec // wraps in no case that matters
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16])
}
