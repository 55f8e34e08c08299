package auth

import (
	"errors"
	netmail "net/mail"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"

	"latchkey/auth/mail"
	"latchkey/models"
)

// TrimEmail removes white space of every kind from both ends of a typed address, and the byte-order mark that a copied address may
// begin with.
func TrimEmail(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || r == '\ufeff' })
}

// FoldEmail returns the form in which addresses are compared: trimmed, in NFC and in lower case.
func FoldEmail(s string) string { return strings.ToLower(norm.NFC.String(TrimEmail(s))) }

// SameEmail returns the one form that all spellings of a mailbox have in common: folded, with the domain in Unicode, so that
// xn--bcher-kva.example becomes bücher.example. New accounts are stored under it.
func SameEmail(s string) string {
	s = FoldEmail(s)
	at := strings.LastIndexByte(s, '@')
	ascii, err := mail.Domain(s[at+1:])
	if at < 0 || err != nil {
		return s
	}
	shown, err := idna.Lookup.ToUnicode(ascii)
	if err != nil {
		return s
	}
	return s[:at+1] + shown
}

// keysOf returns the keys under which the account of a typed address may be stored, most specific first. Earlier releases made keys
// of addresses as they were typed, with the domain's spelling and a byte-order mark in them, and their accounts keep those keys. If
// one mailbox has two such accounts, the one whose address was typed exactly comes first.
func keysOf(typed string) (keys []string) {
	same := SameEmail(typed)
	keys = []string{strings.ToLower(norm.NFC.String(strings.TrimSpace(typed))), FoldEmail(typed), same}
	if at := strings.LastIndexByte(same, '@'); at >= 0 {
		if ascii, err := mail.Domain(same[at+1:]); err == nil {
			keys = append(keys, same[:at+1]+ascii)
		}
	}
	for i := len(keys) - 1; i > 0; i-- {
		if slices.Contains(keys[:i], keys[i]) {
			keys = slices.Delete(keys, i, i+1)
		}
	}
	return keys
}

// ProblemWithEmail returns why an account cannot get this address, as a sentence for people, or "". The address must be an
// addr-spec without a display name (RFC 5322 §3.4.1) to which mail can be sent. Accounts that already have another kind of address
// can still sign in.
func ProblemWithEmail(s string) string {
	if problem := ProblemWithText(s, MaxEmail); problem != "" {
		return problem
	}
	if strings.ContainsFunc(s, models.IsInvisible) {
		return "This e-mail address contains an invisible character. Type it instead of pasting it."
	}
	address, err := netmail.ParseAddress(s)
	if err != nil || address.Address != s || len(s) > MaxEmail {
		return "This isn’t a valid e-mail address. Enter one like name@example.com."
	}
	switch _, err := mail.Deliverable(s); {
	case errors.Is(err, mail.ErrLetters):
		return "This e-mail address can’t receive e-mail. Use only plain letters, digits and symbols before the @."
	case errors.Is(err, mail.ErrLongLocalPart):
		return "This e-mail address can’t receive e-mail. Use at most 64 characters before the @."
	case err != nil:
		return "This e-mail address can’t receive e-mail. Check the part after the @."
	}
	if _, domain, _ := strings.Cut(FoldEmail(s), "@"); !plainDomain(domain) {
		return "Some characters after the @ are look-alikes of others. Type the e-mail address instead of pasting it."
	}
	return ""
}

// plainDomain reports whether a folded domain contains no characters that UTS 46 maps to others, such as wide letters or
// ideographic full stops. Otherwise one mailbox could have several accounts under addresses that look different.
func plainDomain(domain string) bool {
	ascii, err := mail.Domain(domain)
	if err != nil {
		return false
	}
	shown, err := idna.Lookup.ToUnicode(ascii)
	return domain == ascii || err == nil && domain == shown
}

// maskedDomain is how many characters of the domain a masked address keeps.
const maskedDomain = 40

// MaskEmail hides most of an address, for a mail to its former owner, who may no longer be the account's owner. It keeps the first
// character and the end of the domain. A longer domain could carry whole sentences.
func MaskEmail(email string) string {
	at := strings.LastIndexByte(email, '@')
	domain := []rune(email[at+1:])
	if len(domain) > maskedDomain {
		domain = append([]rune{'…'}, domain[len(domain)-maskedDomain+1:]...)
	}
	_, first := utf8.DecodeRuneInString(email)
	return email[:first] + "…@" + string(domain)
}
