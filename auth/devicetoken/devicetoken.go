package devicetoken

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math"
	"strings"

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

// encoding is strict: of the many texts that lax base64 would take for one token, exactly one is accepted.
var encoding = base64.RawURLEncoding.Strict()

// ErrMalformed says that a text is not a device token of this service: wrong shape, wrong MAC, or an unknown key.
var ErrMalformed = errors.New("malformed device token")

// Token is the inside of a device token.
type Token struct {
	UserID     uuid.UUID
	DeviceID   uuid.UUID
	Generation int64 // never negative
	Secret     [SecretSize]byte
}

// SecretHash is what the device's row keeps of a device secret.
func SecretHash(secret [SecretSize]byte) []byte {
	sum := sha256.Sum256(secret[:])
	return sum[:]
}

type key struct {
	id  byte
	key []byte
}

// Codec mints with the current key and accepts tokens of previous ones too.
type Codec struct{ keys []key }

// New makes a codec of HMAC keys, the current one first. A key's id derives from the key itself, not from its place
// in the list, so that replicas in the middle of a change of secret agree.
func New(current []byte, previous ...[]byte) *Codec {
	c := &Codec{}
	for _, k := range append([][]byte{current}, previous...) {
		mac := hmac.New(sha256.New, k)
		mac.Write([]byte("key id"))
		c.keys = append(c.keys, key{id: mac.Sum(nil)[0], key: k})
	}
	return c
}

// Mint makes the one text of t under the current key.
func (c *Codec) Mint(t Token) string {
	raw := make([]byte, 0, size)
	raw = append(raw, c.keys[0].id)
	raw = append(raw, t.UserID[:]...)
	raw = append(raw, t.DeviceID[:]...)
	raw = binary.BigEndian.AppendUint64(raw, uint64(t.Generation)) //nolint:gosec // never negative
	raw = append(raw, t.Secret[:]...)
	raw = append(raw, sign(c.keys[0].key, raw)...)
	return prefix + encoding.EncodeToString(raw)
}

// Parse reads a token and checks its MAC in constant time. It returns ErrMalformed for everything else, whatever is
// wrong with it. Generations of 2^63 and above are malformed.
func (c *Codec) Parse(s string) (Token, error) {
	if len(s) != encodedLen || !strings.HasPrefix(s, prefix) {
		return Token{}, ErrMalformed
	}
	var raw [size]byte
	if n, err := encoding.Decode(raw[:], []byte(s[len(prefix):])); err != nil || n != size {
		return Token{}, ErrMalformed
	}
	for _, k := range c.keys {
		if k.id != raw[0] || !hmac.Equal(sign(k.key, raw[:bodySize]), raw[bodySize:]) {
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

func sign(key, body []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(body)
	return mac.Sum(nil)
}
