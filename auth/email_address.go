package auth

import (
	"context"
	"errors"
	netmail "net/mail"
	"strings"
	"unicode"

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

// foldEmail is the form in which addresses are compared: composed and lower-case throughout.
func foldEmail(s string) string { return strings.ToLower(norm.NFC.String(TrimEmail(s))) }

// emailKey is the folded form under which the account of a typed address is kept. Byte-order marks were once taken for
// a part of it: an account that has one keeps it, and is found by the address as it was then.
func (s *Service) emailKey(ctx context.Context, typed string) (string, error) {
	key, marked := foldEmail(typed), strings.ToLower(norm.NFC.String(strings.TrimSpace(typed)))
	if marked == key {
		return key, nil
	}
	_, err := s.store.UserByEmail(ctx, marked)
	switch {
	case err == nil:
		return marked, nil
	case errors.Is(err, models.ErrNotFound):
		return key, nil
	}
	return "", err
}

// problemWithEmail says why an address cannot be given to an account: it is no address (RFC 5322 addr-spec, no display
// name), or no mail can ever be sent to it. People who have such an address sign in with it all the same.
func problemWithEmail(s string) string {
	if problem := problemWithText(s, maxEmail); problem != "" {
		return problem
	}
	if strings.ContainsFunc(s, models.IsInvisible) {
		return "There is an invisible character in this e-mail address. Type the e-mail address instead of pasting it."
	}
	address, err := netmail.ParseAddress(s)
	if err != nil || address.Address != s || len(s) > maxEmail {
		return "This is not an e-mail address."
	}
	if _, err := mail.Deliverable(s); err != nil {
		return "No mail can be sent to this e-mail address: " + err.Error() + "."
	}
	if _, domain, _ := strings.Cut(foldEmail(s), "@"); !plainDomain(domain) {
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
