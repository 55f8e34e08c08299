package support

import (
	"strings"
	"unicode"

	"latchkey/auth"
	"latchkey/models"
)

// MaxReason is the longest reason for a look, in characters.
const MaxReason = 200

// Reason trims the reason that a member of the staff gives for a look, and returns what is wrong with it, or "". No reason is fine. The
// person who is looked at reads it, and no one can take it back, so it is refused if it may hold a token.
func Reason(s string) (reason, problem string) {
	if reason = strings.TrimSpace(s); reason == "" {
		return "", ""
	}
	if problem = auth.ProblemWithText(reason, MaxReason); problem != "" {
		return reason, problem
	}
	if models.NameIsBlank(reason) {
		return reason, "A reason needs at least one visible character."
	}
	for _, word := range strings.FieldsFunc(reason, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("._-", r)
	}) {
		if looksLikeToken(word) {
			return reason, tokenProblem
		}
	}
	if strings.Contains(reason, "token=") {
		return reason, tokenProblem
	}
	return reason, ""
}

// Check returns what is wrong with the text of a search and with the reason for the looks that follow it: KindInvalidRequest about the
// fields q and reason, or nil. It records nothing.
func Check(text, reason string) error {
	var bad auth.Fields
	bad.Refuse("q", problemWithSearch(auth.TrimEmail(text)))
	_, problem := Reason(reason)
	bad.Refuse("reason", problem)
	return bad.Err()
}

const tokenProblem = "This looks like a token. Tokens are passwords: do not ask people for them, and paste them nowhere."

// looksLikeToken reports whether a text begins like a device token or a JWT.
func looksLikeToken(s string) bool {
	return strings.HasPrefix(s, "lk1.") || strings.HasPrefix(s, "eyJ")
}
