package foreign

import (
	"crypto/aes"
	"crypto/cipher"
	"fmt"
	"strings"

	"golang.org/x/crypto/scrypt"
)

// The costs of scrypt (RFC 7914). Memory is 128·N·r bytes; the work is that times p. The floor is what Firebase uses: 16 MiB.
const (
	maxScryptMemory = 64  // MiB
	maxScryptWork   = 256 // MiB
	maxScryptP      = 16
	minScryptWork   = 16
	maxScryptLog    = 20
	maxScryptR      = 32
)

type scryptCosts struct{ n, r, p int }

// judgeScrypt checks the costs against the caps and returns them, and why they are weak.
func judgeScrypt(log, r, p int) (c scryptCosts, weak string, err error) {
	if log < 1 || r < 1 || p < 1 {
		return c, "", fmt.Errorf("%w: costs that RFC 7914 forbids", ErrMalformed)
	}
	for _, err := range []error{
		above("ln", log, maxScryptLog), above("r", r, maxScryptR), above("p", p, maxScryptP),
	} {
		if err != nil {
			return c, "", err
		}
	}
	c = scryptCosts{1 << log, r, p}
	kib := c.n * r / 8 // of memory
	if err := above("memory in KiB", kib, maxScryptMemory<<10); err != nil {
		return c, "", err
	}
	if err := above("memory in KiB times p", kib*p, maxScryptWork<<10); err != nil {
		return c, "", err
	}
	return c, below("memory in KiB times p", kib*p, minScryptWork<<10), nil
}

func (c scryptCosts) key(password, salt []byte, size int) ([]byte, error) {
	return scrypt.Key(password, salt, c.n, c.r, c.p, size)
}

func parseScrypt(rest string) (Hash, error) {
	params, rest, _ := strings.Cut(rest, "$")
	costs, err := numbers(params, "ln", "r", "p")
	if err != nil {
		return Hash{}, err
	}
	c, weak, err := judgeScrypt(costs[0], costs[1], costs[2])
	if err != nil {
		return Hash{}, err
	}
	salt, key, err := saltAndKey(rest)
	if err != nil {
		return Hash{}, err
	}
	return derived(salt, key, weak, func(password []byte) ([]byte, error) { return c.key(password, salt, len(key)) })
}

// parseFirebase parses "v=1,n=14,r=8,p=1,ss=…,sk=…$salt$key". n is Firebase's mem_cost, r its rounds, ss its salt separator, sk its
// signer key, all of the project. The key is the signer key, encrypted under a key that scrypt derives from the password
// (https://github.com/firebase/scrypt).
func parseFirebase(rest string) (Hash, error) {
	params, rest, _ := strings.Cut(rest, "$")
	list := strings.Split(params, ",")
	if len(list) != 6 || !strings.HasPrefix(list[4], "ss=") || !strings.HasPrefix(list[5], "sk=") {
		return Hash{}, fmt.Errorf("%w: the parameters are not v, n, r, p, ss, sk", ErrMalformed)
	}
	costs, err := numbers(strings.Join(list[:4], ","), "v", "n", "r", "p")
	if err != nil {
		return Hash{}, err
	}
	if costs[0] != 1 {
		return Hash{}, fmt.Errorf("%w: the version is not 1", ErrMalformed)
	}
	c, weak, err := judgeScrypt(costs[1], costs[2], costs[3])
	if err != nil {
		return Hash{}, err
	}
	separator, err := decode("salt separator", list[4][len("ss="):])
	if err != nil {
		return Hash{}, err
	}
	signer, err := decode("signer key", list[5][len("sk="):])
	if err != nil {
		return Hash{}, err
	}
	salt, key, err := saltAndKey(rest)
	if err != nil {
		return Hash{}, err
	}
	if len(signer) != len(key) {
		return Hash{}, fmt.Errorf("%w: the key has %d bytes, the signer key %d", ErrMalformed, len(key), len(signer))
	}
	salted := append(salt[:len(salt):len(salt)], separator...)
	return derived(salt, key, weak, func(password []byte) ([]byte, error) {
		secret, err := c.key(password, salted, 32)
		if err != nil {
			return nil, err
		}
		block, err := aes.NewCipher(secret)
		if err != nil {
			return nil, err
		}
		got := make([]byte, len(signer))
		cipher.NewCTR(block, make([]byte, aes.BlockSize)).XORKeyStream(got, signer) //nolint:gosec // Firebase has a counter of zero: the key is another one for each password
		return got, nil
	})
}
