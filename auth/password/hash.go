// Package password parses and formats password hashes (argon2id in PHC strings), normalises passwords, and checks new ones against
// the policy. It does not hash: ratelimit.Hasher does, within limits.
package password

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/secure/precis"
)

// Errors of Prepare and Parse.
var (
	ErrRefused   = errors.New("password: characters that RFC 8265 refuses")
	ErrMalformed = errors.New("password: malformed password hash")
)

// None stands in the place of the hash of an account that has no password. The character is stored.
const None = "!"

// Params are the costs of argon2id (RFC 9106 §3.1).
type Params struct {
	MemoryKiB uint32
	Time      uint32 // passes over the memory
	Threads   uint8  // degree of parallelism
}

// DefaultParams are the smallest costs that OWASP calls sufficient for argon2id.
var DefaultParams = Params{MemoryKiB: 19456, Time: 2, Threads: 1}

// The lengths of new salts and keys, in bytes, and the limits on stored ones.
const (
	SaltLen = 16
	KeyLen  = 32

	// The costs that a stored hash may demand. A person who can write one row of the database must not be able to take all memory,
	// or a core for minutes, with one sign-in.
	maxHashMemoryKiB = 256 << 10
	maxHashTime      = 16
	maxHashThreads   = 16
	minHashSaltLen   = 8
	minHashKeyLen    = 16
	maxHashFieldLen  = 64
	maxPHCLen        = 256

	// maxRawPassword limits, in bytes, what is normalised at all. It is four times the size of 256 characters of four bytes, so it
	// affects no password that the policy allows.
	maxRawPassword = 4096
)

// PHC is a parsed PHC string.
type PHC struct {
	Params
	Salt, Key []byte
}

func (p PHC) String() string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		p.MemoryKiB, p.Time, p.Threads, b64.EncodeToString(p.Salt), b64.EncodeToString(p.Key))
}

// Parse parses exactly what PHC.String returns, within the limits above. It returns ErrMalformed for any other order, sign, leading
// zero, padding or line break.
func Parse(s string) (PHC, error) {
	var p PHC
	parts := strings.Split(s[:min(len(s), maxPHCLen+1)], "$")
	if len(s) > maxPHCLen || len(parts) != 6 {
		return PHC{}, ErrMalformed
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.MemoryKiB, &p.Time, &p.Threads); err != nil {
		return PHC{}, ErrMalformed
	}
	var err error
	if p.Salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil {
		return PHC{}, ErrMalformed
	}
	if p.Key, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil {
		return PHC{}, ErrMalformed
	}
	if !p.WithinLimits() || len(p.Salt) < minHashSaltLen || len(p.Salt) > maxHashFieldLen ||
		len(p.Key) < minHashKeyLen || len(p.Key) > maxHashFieldLen {
		return PHC{}, ErrMalformed
	}
	if p.String() != s { // the parsers above are lenient; this is not
		return PHC{}, ErrMalformed
	}
	return p, nil
}

// WithinLimits reports whether a stored hash may have these costs.
func (p Params) WithinLimits() bool {
	return p.Time >= 1 && p.Time <= maxHashTime && p.Threads >= 1 && p.Threads <= maxHashThreads &&
		p.MemoryKiB >= 8*uint32(p.Threads) && p.MemoryKiB <= maxHashMemoryKiB
}

// Below reports whether one of the costs, or a length, is less than that of new hashes.
func (p PHC) Below(now Params) bool {
	return p.MemoryKiB < now.MemoryKiB || p.Time < now.Time || p.Threads < now.Threads ||
		len(p.Salt) < SaltLen || len(p.Key) < KeyLen
}

// Prepare normalises a password so that all ways to type it are equal: OpaqueString of RFC 8265 §4.2, which applies NFC and turns
// every kind of space into a plain one. It keeps case. It returns ErrRefused for control characters, the empty string and invalid
// text.
func Prepare(s string) (string, error) {
	if len(s) > maxRawPassword || !utf8.ValidString(s) {
		return "", ErrRefused
	}
	prepared, err := precis.OpaqueString.String(s)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return prepared, nil
}
