package password

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// Shortest is the least minimum length that an operator can set, in characters.
	Shortest = 8   // NIST SP 800-63B §3.1.1.2
	longest  = 256 // enough for any passphrase or password manager
)

// Check returns why a new password cannot be used, as one sentence for the form, or "". least is the minimum length. Characters are
// counted after Prepare, as the password is stored. There are no composition rules: they lead to passwords that people forget and
// programs guess.
func Check(password, email string, least int) string {
	least = min(max(least, Shortest), longest)
	if password == "" {
		return passwordTooShort(least)
	}
	if len(password) > maxRawPassword {
		return passwordTooLong()
	}
	if strings.ContainsFunc(password, unicode.IsControl) {
		return "Choose a password without control characters, such as tabs and line breaks."
	}
	prepared, err := Prepare(password)
	if err != nil {
		return "Use only letters, digits, spaces, punctuation and plain symbols."
	}
	switch n := utf8.RuneCountInString(prepared); {
	case n < least:
		return passwordTooShort(least)
	case n > longest:
		return passwordTooLong()
	case isOwnAddress(prepared, email):
		return "Choose a password that isn’t your e-mail address."
	case isCommonPassword(prepared):
		return "Choose another password. This one is among the first that attackers try."
	}
	return ""
}

// IsCommon tells whether a password is on the list of common ones, as a prepared text without regard to case.
func IsCommon(typed string) bool {
	prepared, err := Prepare(typed)
	return err == nil && isCommonPassword(prepared)
}

func passwordTooShort(least int) string { return fmt.Sprintf("Use at least %d characters.", least) }
func passwordTooLong() string           { return fmt.Sprintf("Use at most %d characters.", longest) }

// isOwnAddress reports whether a password is the account's address or the part before its @, regardless of case.
func isOwnAddress(prepared, email string) bool {
	if p, err := Prepare(strings.TrimSpace(email)); err == nil {
		email = p
	}
	if strings.EqualFold(prepared, email) {
		return true
	}
	at := strings.LastIndexByte(email, '@')
	return at > 0 && strings.EqualFold(prepared, email[:at])
}
