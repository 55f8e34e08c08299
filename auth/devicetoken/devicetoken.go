package devicetoken

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash"
	"math"
	"strings"
	"sync"

	"github.com/google/uuid"
)

const (
	prefix     = "lk1."
	bodySize   = 1 + 16 + 16 + 8 + SecretSize
	size       = bodySize + sha256.Size
	encodedLen = len(prefix) + (size*8+5)/6

	// SecretSize is the length of a device secret in bytes.
	SecretSize = 16
)

// encoding is strict, so that each token has exactly one spelling.
var encoding = base64.RawURLEncoding.Strict()

// ErrMalformed says that a text is not a device token of this server: wrong form, wrong MAC, or an unknown key.
var ErrMalformed = errors.New("malformed device token")

// Token is the content of a device token.
type Token struct {
	UserID     uuid.UUID
	DeviceID   uuid.UUID
	Generation int64 // never negative
	Secret     [SecretSize]byte
}

// SecretHash returns what the device's row stores of a device secret.
func SecretHash(secret [SecretSize]byte) []byte {
	sum := sha256.Sum256(secret[:])
	return sum[:]
}

type key struct {
	id   byte
	macs sync.Pool // of hash.Hash: setting one up costs as much as using it
}

func newKey(k []byte) *key {
	made := &key{macs: sync.Pool{New: func() any { return hmac.New(sha256.New, k) }}}
	made.id = made.sum([]byte("key id"))[0]
	return made
}

// sum returns the MAC of a text.
func (k *key) sum(text []byte) [sha256.Size]byte {
	mac, _ := k.macs.Get().(hash.Hash)
	defer k.macs.Put(mac)
	mac.Reset()
	mac.Write(text)
	var sum [sha256.Size]byte
	mac.Sum(sum[:0])
	return sum
}

// Codec mints tokens with the current key, and also accepts tokens of previous ones. It is safe for concurrent use.
type Codec struct{ keys []*key }

// New returns a codec for HMAC keys. A key's id derives from the key itself, not from its position, so that replicas agree while
// the operator changes the secret.
func New(current []byte, previous ...[]byte) *Codec {
	c := &Codec{}
	for _, k := range append([][]byte{current}, previous...) {
		c.keys = append(c.keys, newKey(k))
	}
	return c
}

// Mint returns the text of t under the current key. It is always the same for the same t.
func (c *Codec) Mint(t Token) string {
	raw := make([]byte, 0, size)
	raw = append(raw, c.keys[0].id)
	raw = append(raw, t.UserID[:]...)
	raw = append(raw, t.DeviceID[:]...)
	raw = binary.BigEndian.AppendUint64(raw, uint64(t.Generation))
	raw = append(raw, t.Secret[:]...)
	mac := c.keys[0].sum(raw)
	raw = append(raw, mac[:]...)
	return prefix + encoding.EncodeToString(raw)
}

// Parse parses a token and checks its MAC in constant time. It returns ErrMalformed for all other texts, and for generations of
// 2^63 and above.
func (c *Codec) Parse(s string) (Token, error) {
	if len(s) != encodedLen || !strings.HasPrefix(s, prefix) {
		return Token{}, ErrMalformed
	}
	var raw [size]byte
	if n, err := encoding.Decode(raw[:], []byte(s[len(prefix):])); err != nil || n != size {
		return Token{}, ErrMalformed
	}
	for _, k := range c.keys {
		if k.id != raw[0] {
			continue
		}
		if mac := k.sum(raw[:bodySize]); !hmac.Equal(mac[:], raw[bodySize:]) {
			continue
		}
		generation := binary.BigEndian.Uint64(raw[33:])
		if generation > math.MaxInt64 {
			return Token{}, ErrMalformed
		}
		t := Token{Generation: int64(generation)}
		copy(t.UserID[:], raw[1:])
		copy(t.DeviceID[:], raw[17:])
		copy(t.Secret[:], raw[41:])
		return t, nil
	}
	return Token{}, ErrMalformed
}
