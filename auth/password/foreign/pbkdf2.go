package foreign

import (
	"crypto/pbkdf2"
	"crypto/sha1" //nolint:gosec // the other system's choice; a floor of its own allows for it
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"hash"
	"strings"
)

// maxIterations is the cap on the iterations of PBKDF2, over all blocks of the key.
const maxIterations = 2_000_000

// prf is PBKDF2 (RFC 8018 §5.2) with the HMAC of a hash function. The floors are about equal in the guesses that a graphics card tries.
type prf struct {
	name  string
	hash  func() hash.Hash
	size  int // bytes of a block
	floor int // iterations
}

var (
	sha1PRF   = prf{"PBKDF2-SHA1", sha1.New, sha1.Size, 400_000}
	sha256PRF = prf{"PBKDF2-SHA256", sha256.New, sha256.Size, 200_000}
	sha512PRF = prf{"PBKDF2-SHA512", sha512.New, sha512.Size, 100_000}
)

// parsePHC parses "i=600000,l=32$salt$key", where l may be missing, or "29000$salt$key" with passlib's base64, which has a dot for a plus.
func (f prf) parsePHC(rest string) (Hash, error) {
	params, rest, _ := strings.Cut(rest, "$")
	length := -1
	var iterations int
	var err error
	switch {
	case !strings.HasPrefix(params, "i="):
		iterations, err = number("number of iterations", params)
		rest = strings.ReplaceAll(rest, ".", "+")
	case strings.Contains(params, ","):
		var list []int
		if list, err = numbers(params, "i", "l"); err == nil {
			iterations, length = list[0], list[1]
		}
	default:
		iterations, err = number("number of iterations", params[len("i="):])
	}
	if err != nil {
		return Hash{}, err
	}
	salt, key, err := saltAndKey(rest)
	if err != nil {
		return Hash{}, err
	}
	if length >= 0 && length != len(key) {
		return Hash{}, fmt.Errorf("%w: the key has %d bytes, not %d", ErrMalformed, len(key), length)
	}
	return f.hashed(iterations, salt, key)
}

// parseDjango parses "600000$salt$key", where the salt is the text itself.
func (f prf) parseDjango(rest string) (Hash, error) {
	count, rest, _ := strings.Cut(rest, "$")
	iterations, err := number("number of iterations", count)
	if err != nil {
		return Hash{}, err
	}
	salt, rest, ok := strings.Cut(rest, "$")
	if !ok || strings.ContainsFunc(salt, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return Hash{}, fmt.Errorf("%w: it has no key, or a salt with other characters than ASCII's", ErrMalformed)
	}
	key, err := decode("key", rest)
	if err != nil {
		return Hash{}, err
	}
	if len(key) != f.size {
		return Hash{}, fmt.Errorf("%w: the key has %d bytes, not %d", ErrMalformed, len(key), f.size)
	}
	return f.hashed(iterations, []byte(salt), key)
}

func (f prf) hashed(iterations int, salt, key []byte) (Hash, error) {
	if iterations < 1 {
		return Hash{}, fmt.Errorf("%w: no iterations", ErrMalformed)
	}
	blocks := (len(key) + f.size - 1) / f.size
	if err := above("number of iterations", iterations*blocks, maxIterations); err != nil {
		return Hash{}, err
	}
	return derived(salt, key, below("number of iterations", iterations, f.floor), func(password []byte) ([]byte, error) {
		return pbkdf2.Key(f.hash, string(password), salt, iterations, len(key))
	})
}
