package foreign

import (
	"crypto/sha512"
	"crypto/subtle"
	"fmt"
	"strings"

	"github.com/go-crypt/x/crypt"
)

// The costs of sha512-crypt (https://www.akkadia.org/drepper/SHA-crypt.txt). Each round hashes the password again, so its length counts,
// too: crypt(3) of libxcrypt refuses passwords of more than 512 bytes.
const (
	shaCryptRounds      = 5000 // when the hash names none
	minShaCryptAllowed  = 1000
	maxShaCryptRounds   = 500_000
	shaCryptFloor       = 50_000
	maxShaCryptPassword = 512
	maxShaCryptSalt     = 16
	shaCryptKey         = 86
	shaCryptAlphabet    = bcryptAlphabet
)

// parseSHA512Crypt parses "rounds=5000$salt$key" or "salt$key".
func parseSHA512Crypt(rest string) (Hash, error) {
	rounds := shaCryptRounds
	if text, ok := strings.CutPrefix(rest, "rounds="); ok {
		count, tail, _ := strings.Cut(text, "$")
		var err error
		if rounds, err = number("number of rounds", count); err != nil {
			return Hash{}, err
		}
		rest = tail
	}
	if rounds < minShaCryptAllowed {
		return Hash{}, fmt.Errorf("%w: fewer than %d rounds", ErrMalformed, minShaCryptAllowed)
	}
	if err := above("number of rounds", rounds, maxShaCryptRounds); err != nil {
		return Hash{}, err
	}
	salt, key, _ := strings.Cut(rest, "$")
	if salt == "" || len(salt) > maxShaCryptSalt || strings.ContainsFunc(salt, func(r rune) bool { return r <= ' ' || r > '~' || r == ':' }) {
		return Hash{}, fmt.Errorf("%w: the salt is not 1 to %d characters", ErrMalformed, maxShaCryptSalt)
	}
	if len(key) != shaCryptKey || strings.Trim(key, shaCryptAlphabet) != "" {
		return Hash{}, fmt.Errorf("%w: the key is not %d characters", ErrMalformed, shaCryptKey)
	}
	weak := below("number of rounds", rounds, shaCryptFloor)
	if weak == "" {
		weak = below("length of the salt", len(salt), fineSalt)
	}
	return Hash{weak: weak, matches: func(password []byte) bool {
		if len(password) > maxShaCryptPassword {
			return false
		}
		got := crypt.KeySHACrypt(sha512.New, password, []byte(salt), rounds)
		return subtle.ConstantTimeCompare(got, []byte(key)) == 1
	}}, nil
}
