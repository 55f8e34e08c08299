// Package totp makes and checks the codes of authenticator apps: time-based one-time passwords (RFC 6238) with SHA-1, six digits and
// steps of 30 seconds, the one form that every app knows. It keeps nothing: its callers store the sealed secret, and the last step that
// was used.
package totp

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
)

const (
	// SecretSize is the length of a secret in bytes, as RFC 4226, section 4 recommends.
	SecretSize = 20
	// Period is the length of a step.
	Period = 30 * time.Second
	// Digits is the length of a code.
	Digits = 6

	minSecretSize = 16 // RFC 4226, section 4, R6
	skew          = 1  // steps either side: RFC 6238, section 5.2
	maxTyped      = 64 // bytes of a code as people type it
)

var encoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// NewSecret returns a random secret of SecretSize bytes.
func NewSecret() []byte {
	secret := make([]byte, SecretSize)
	_, _ = rand.Read(secret) // never fails: crypto/rand ends the program instead
	return secret
}

// Text returns the secret as people type it into an app: base32 in groups of four letters.
func Text(secret []byte) string {
	letters := encoding.EncodeToString(secret)
	var groups []string
	for len(letters) > 4 {
		groups = append(groups, letters[:4])
		letters = letters[4:]
	}
	return strings.Join(append(groups, letters), " ")
}

// URL returns the key URI that apps read from the QR code, in Google's Key Uri Format. The issuer is both in the label and a parameter:
// some apps read only one of them. A colon separates the two parts of the label, so colons within them are dropped.
func URL(secret []byte, issuer, account string) string {
	issuer, account = withoutColons(issuer), withoutColons(account)
	return "otpauth://totp/" + escape(issuer) + ":" + escape(account) +
		"?secret=" + encoding.EncodeToString(secret) + "&issuer=" + escape(issuer) + "&algorithm=SHA1&digits=6&period=30"
}

func withoutColons(text string) string { return strings.TrimSpace(strings.ReplaceAll(text, ":", "")) }

// escape writes a space as %20: apps show a "+" as it stands. It escapes "+" and "@", too, which no app takes amiss.
func escape(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }

// Step returns the number of the step that a time lies in, counted from 1970.
func Step(at time.Time) int64 {
	seconds, period := at.Unix(), int64(Period/time.Second)
	if seconds < 0 {
		return (seconds+1)/period - 1
	}
	return seconds / period
}

// Check returns the step that a code belongs to. It accepts the step of the given time and one step either side, and only steps above
// after: a used step must never work again. The caller stores the step in the same statement that checks the old one, or two requests
// at once could both use it. What is not a code (see LooksLikeCode) is refused before anything is computed.
func Check(secret []byte, code string, at time.Time, after int64) (step int64, ok bool) {
	digits, ok := normalise(code)
	if !ok || len(secret) < minSecretSize {
		return 0, false
	}
	ok = false
	now, text := Step(at), encoding.EncodeToString(secret)
	for candidate := max(now-skew, 0); candidate <= now+skew; candidate++ {
		if candidate <= after {
			continue
		}
		want, err := hotp.GenerateCodeCustom(text, uint64(candidate), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err == nil && subtle.ConstantTimeCompare([]byte(want), []byte(digits)) == 1 {
			step, ok = candidate, true // the last one: when two steps have the same code, it must not work a second time
		}
	}
	return step, ok
}

// LooksLikeCode reports whether a text is a code: six digits, with any spaces. Full-width, Arabic and Devanagari digits count.
func LooksLikeCode(text string) bool {
	_, ok := normalise(text)
	return ok
}

// zeros are the zeros of the digits that people have on their keyboards; the other nine follow each.
var zeros = []rune{'0', '٠', '۰', '०', '０'}

func normalise(typed string) (digits string, ok bool) {
	if len(typed) > maxTyped {
		return "", false
	}
	var found []byte
	for _, r := range typed {
		if unicode.IsSpace(r) {
			continue
		}
		digit, ok := digitOf(r)
		if !ok {
			return "", false
		}
		found = append(found, digit)
	}
	return string(found), len(found) == Digits
}

func digitOf(r rune) (digit byte, ok bool) {
	for _, zero := range zeros {
		if r >= zero && r <= zero+9 {
			return '0' + byte(r-zero), true
		}
	}
	return 0, false
}
