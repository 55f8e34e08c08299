package web

import (
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"latchkey/static"
	"latchkey/views"
)

// Brand is what an operator puts in the place of ours. All of it may be missing.
type Brand struct {
	Name   string         // see CheckBrandName; empty: Latchkey
	Accent *static.Accent // nil: ours
	Logo   *static.Logo   // nil: none, and without a name ours
	// Where people get help, as CheckSupportURL takes it, and what they agree to, as CheckPageURL does; empty: no such link.
	Support, Terms, Privacy, Imprint string
}

// LogoFile is the most bytes of a logo's file.
const LogoFile = static.MaxLogo

// ReadLogo checks the content of a logo's file: an SVG or a PNG.
func ReadLogo(data []byte) (*static.Logo, error) { return static.ReadLogo(data) }

// ParseAccent takes a colour that can be read on our grounds.
func ParseAccent(s string) (*static.Accent, error) { return static.ParseAccent(s) }

// longestBrand is how many characters a brand's name may have. Authenticator apps, tabs and subjects cut longer ones.
const longestBrand = 64

// CheckBrandName takes a name that stands in headers of mails, titles and sentences without damage: no line of its own, nothing that
// turns the writing around, something that is seen.
func CheckBrandName(name string) error {
	switch n := utf8.RuneCountInString(name); {
	case !utf8.ValidString(name) || strings.ContainsRune(name, utf8.RuneError): // the parser of flags puts the latter for the former
		return errors.New("the name is not valid UTF-8")
	case n > longestBrand:
		return fmt.Errorf("the name has %d characters, and may have %d", n, longestBrand)
	case strings.ContainsFunc(name, func(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp) }):
		return errors.New("the name has a line break or another control character: write it in one line")
	case strings.ContainsFunc(name, func(r rune) bool { return r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' }):
		return errors.New("the name has a character that changes the direction of writing: leave it out, right-to-left letters need none")
	case name != strings.TrimSpace(name):
		return errors.New("the name begins or ends with a blank")
	case !strings.ContainsFunc(name, func(r rune) bool { return unicode.In(r, unicode.L, unicode.N, unicode.S) }):
		return errors.New("the name has no letter, digit or symbol: people would not see it")
	}
	return nil
}

// CheckPageURL takes a web page. The error does not repeat it, for it may hold a password.
func CheckPageURL(s string) error {
	u, err := url.Parse(s)
	switch {
	case err != nil || !plainASCII(s):
		return errors.New("not a URL like https://example.com/terms: letters other than ASCII are written as %C3%BC, hosts as xn--…")
	case u.Scheme == "http":
		return errors.New("begins with http://, and must begin with https://: anybody on the network could change the page")
	case u.Scheme != "https" || u.Hostname() == "":
		return errors.New("not a URL like https://example.com/terms")
	case u.User != nil:
		return errors.New("has a user or a password before the host, which everybody would see")
	}
	return nil
}

// CheckSupportURL takes a web page, or an e-mail address as mailto:help@example.com.
func CheckSupportURL(s string) error {
	if address, ok := strings.CutPrefix(s, "mailto:"); ok && plainASCII(s) {
		address, _, _ = strings.Cut(address, "?") // a subject, for one
		if a, err := mail.ParseAddress(address); err == nil && a.Address == address {
			return nil
		}
	}
	if err := CheckPageURL(s); err != nil {
		return fmt.Errorf("%w; nor is it like mailto:help@example.com", err)
	}
	return nil
}

// plainASCII tells of ASCII without blanks, as addresses of the web are written.
func plainASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\"<>\\^`{|}", r) })
}

// views is what pages show of the brand; logo is nil where it has no logo.
func (b Brand) views(logo *static.Picture) views.Brand {
	v := views.Brand{Support: b.Support, Terms: b.Terms, Privacy: b.Privacy, Imprint: b.Imprint}
	if logo != nil {
		v.Logo = &views.Logo{URL: logo.URL, Width: logo.Width, Height: logo.Height, Wide: logo.Wide}
	}
	return v
}
