package auth

import (
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

// TrimEmail is a typed address without the white space around it, of every kind, and without the byte-order mark that a
// copied one may begin with.
func TrimEmail(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || r == '\ufeff' })
}

// FoldEmail is the form in which addresses are compared: composed and lower-case throughout.
func FoldEmail(s string) string { return strings.ToLower(norm.NFC.String(TrimEmail(s))) }

// SameEmail is the form of which one mailbox has only one: folded, with its domain as people read it, where xn--bcher-kva.example is
// bücher.example. New addresses are kept under it.
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

// KeysOf are the keys under which the account of a typed address may be kept. Of two old accounts of one mailbox the first is the
// one whose address was typed. Keys were once made of addresses as they were typed, with the spelling of their domain and a
// byte-order mark in them; an account that has such a key keeps it.
func KeysOf(typed string) (keys []string) {
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

// ProblemWithEmail says why an address cannot be given to an account: it is no address (RFC 5322 addr-spec, no display
// name), or no mail can ever be sent to it. People who have such an address sign in with it all the same.
func ProblemWithEmail(s string) string {
	if problem := ProblemWithText(s, MaxEmail); problem != "" {
		return problem
	}
	if strings.ContainsFunc(s, models.IsInvisible) {
		return "There is an invisible character in this e-mail address. Type it instead of pasting it."
	}
	address, err := netmail.ParseAddress(s)
	if err != nil || address.Address != s || len(s) > MaxEmail {
		return "This is not an e-mail address."
	}
	if _, err := mail.Deliverable(s); err != nil {
		return "No mail can be sent to this e-mail address: " + err.Error() + "."
	}
	if _, domain, _ := strings.Cut(FoldEmail(s), "@"); !plainDomain(domain) {
		return "Some characters after the @ only stand for others. Type the e-mail address instead of pasting it."
	}
	return ""
}

// plainDomain tells whether a folded domain is written as itself. Wide letters, ideographic full stops and their like are taken for
// others (UTS 46): one mailbox would have accounts under addresses that are told apart.
func plainDomain(domain string) bool {
	ascii, err := mail.Domain(domain)
	if err != nil {
		return false
	}
	shown, err := idna.Lookup.ToUnicode(ascii)
	return domain == ascii || err == nil && domain == shown
}

// maskedDomain is how many characters of a domain a veiled address has.
const maskedDomain = 40

// MaskEmail is an address as its former owner, who may be anybody by now, is told of it. Of a long domain the end is left: it could
// hold whole sentences.
func MaskEmail(email string) string {
	at := strings.LastIndexByte(email, '@')
	domain := []rune(email[at+1:])
	if len(domain) > maskedDomain {
		domain = append([]rune{'…'}, domain[len(domain)-maskedDomain+1:]...)
	}
	_, first := utf8.DecodeRuneInString(email)
	return email[:first] + "…@" + string(domain)
}
