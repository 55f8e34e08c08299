package foreign

import (
	"fmt"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// The costs of bcrypt: the logarithm of the number of rounds. At 14 a hash takes about a second.
const (
	minBcryptCost  = 10 // OWASP's minimum
	maxBcryptCost  = 14
	bcryptTail     = 53 // 22 characters of salt, 31 of key
	bcryptAlphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	maxBcryptBytes = 72 // what bcrypt reads of a password
)

// parseBcrypt parses "10$…" after a version. The versions differ in bugs of old programs, which the library does not have; $2x$, for
// the hashes of such a program, is not accepted. All programs read the first 72 bytes of a password only.
func parseBcrypt(version string) func(rest string) (Hash, error) {
	return func(rest string) (Hash, error) {
		cost, tail, _ := strings.Cut(rest, "$")
		if len(cost) != 2 || strings.Trim(cost, "0123456789") != "" || len(tail) != bcryptTail || strings.Trim(tail, bcryptAlphabet) != "" {
			return Hash{}, fmt.Errorf("%w: it is not two digits and %d characters", ErrMalformed, bcryptTail)
		}
		text := []byte(version + rest)
		n, err := bcrypt.Cost(text)
		if err != nil {
			return Hash{}, fmt.Errorf("%w: the cost is not 4 to 31", ErrMalformed)
		}
		if err := above("cost", n, maxBcryptCost); err != nil {
			return Hash{}, err
		}
		return Hash{weak: below("cost", n, minBcryptCost), matches: func(password []byte) bool {
			return bcrypt.CompareHashAndPassword(text, password[:min(len(password), maxBcryptBytes)]) == nil
		}}, nil
	}
}
