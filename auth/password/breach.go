package password

import (
	"context"
	"crypto/sha1" //nolint:gosec // the protocol's; nothing rests on its strength
	"encoding/hex"
	"errors"
	"strings"
)

// Range asks a service for the breached passwords whose SHA-1 begins with five hexadecimal digits, in upper case, and returns its
// answer: lines of the other 35 digits, a colon and how often that password was seen. The five digits are all that a service is told.
// The protocol is that of Have I Been Pwned (https://haveibeenpwned.com/API/v3#PwnedPasswords).
type Range func(ctx context.Context, prefix string) (string, error)

const (
	prefixLen = 5
	suffixLen = 35
)

// ErrNoRange is an answer that does not follow the protocol.
var ErrNoRange = errors.New("auth: not a range of breached passwords")

// Breached tells whether a service knows a password from breaches. Lines with a count of 0 are padding, which hides the length of the
// answer.
func Breached(ctx context.Context, ask Range, typed string) (bool, error) {
	prepared, err := Prepare(typed)
	if err != nil {
		return false, err
	}
	sum := sha1.Sum([]byte(prepared)) //nolint:gosec // as above
	digits := strings.ToUpper(hex.EncodeToString(sum[:]))
	answer, err := ask(ctx, digits[:prefixLen])
	if err != nil {
		return false, err
	}
	found := false
	for line := range strings.Lines(answer) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			continue
		}
		suffix, count, ok := strings.Cut(line, ":")
		if !ok || len(suffix) != suffixLen || !isMadeOf(suffix, "0123456789ABCDEFabcdef") || count == "" || !isMadeOf(count, "0123456789") {
			return false, ErrNoRange
		}
		if strings.EqualFold(suffix, digits[prefixLen:]) && strings.Trim(count, "0") != "" {
			found = true
		}
	}
	return found, nil
}

func isMadeOf(s, characters string) bool { return strings.Trim(s, characters) == "" }
