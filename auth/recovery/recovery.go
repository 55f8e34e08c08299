// Package recovery makes, reads and hashes recovery codes: what gets people in who have lost their second factor. It keeps nothing: its
// callers store the hashes and mark the codes that were used.
package recovery

import (
	"crypto/rand"
	"crypto/sha256"
	"strings"
	"unicode"
)

const (
	// Count is the number of codes in a set.
	Count = 10

	// alphabet is Crockford's base32, which has no I, L, O or U.
	alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

	groups    = 6
	groupSize = 4
	letters   = groups * groupSize // 120 bits: more than the 112 from which a plain hash is enough (ASVS 5.0, 6.5.2)
	maxTyped  = 128                // bytes of a code as people type it
)

// New returns a set of Count random codes of 120 bits each, in their canonical form: "7K3M-Q9XT-VB2F-0HRD-C8PW-2ZJE".
func New() []string {
	codes := make([]string, Count)
	for i := range codes {
		var random [letters]byte
		_, _ = rand.Read(random[:]) // never fails: crypto/rand ends the program instead
		for j := range random {
			random[j] = alphabet[int(random[j])%len(alphabet)] // 32 divides 256: each letter is as likely as any other
		}
		codes[i] = grouped(random[:])
	}
	return codes
}

func grouped(code []byte) string {
	parts := make([]string, 0, groups)
	for i := 0; i < len(code); i += groupSize {
		parts = append(parts, string(code[i:i+groupSize]))
	}
	return strings.Join(parts, "-")
}

// Normalise returns the canonical form of a code as people type it: in either case, with any spaces and hyphens, and with O for 0
// and I or L for 1. It reports false for all texts that cannot be a code.
func Normalise(typed string) (code string, ok bool) {
	if len(typed) > maxTyped {
		return "", false
	}
	found := make([]byte, 0, letters)
	for _, r := range typed {
		if unicode.IsSpace(r) || unicode.Is(unicode.Dash, r) { // a word processor makes dashes of hyphens
			continue
		}
		letter, ok := letterOf(r)
		if !ok {
			return "", false
		}
		found = append(found, letter)
	}
	if len(found) != letters {
		return "", false
	}
	return grouped(found), true
}

func letterOf(r rune) (letter byte, ok bool) {
	if r >= 'a' && r <= 'z' {
		r -= 'a' - 'A'
	}
	switch r {
	case 'O':
		return '0', true
	case 'I', 'L':
		return '1', true
	}
	if r > unicode.MaxASCII || !strings.ContainsRune(alphabet, r) {
		return 0, false
	}
	return byte(r), true
}

// Hash returns what the database stores of a code in its canonical form. A plain SHA-256 suffices: a thief of the database would have
// to try 2^120 codes, and can prepare nothing that is cheaper. A slow hash protects what people choose, and would cost ten times its
// time for each new set.
func Hash(code string) []byte {
	sum := sha256.Sum256([]byte(code))
	return sum[:]
}
