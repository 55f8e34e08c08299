package views

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"latchkey/views/catalog"
)

// givenLength is how many characters of a device's name a mail repeats.
const givenLength = 40

// phoneNumber is what telephones make a link of: seven digits or more.
var phoneNumber = regexp.MustCompile(`\+?[0-9](?:[ ()/-]*[0-9]){6,}`)

// given is a device's name as a mail repeats it. The person who signs in chooses the name, a thief too, and mail programs make links of
// whatever looks like one. So it stands in quotation marks, is cut, and holds letters, digits, emoji and a few signs, but nothing of
// which an address of the web, an e-mail address or a telephone number could be made. Pages show names whole: there nothing
// becomes a link, and their owner can rename what they see.
func given(name string) string {
	runes := []rune(name)
	var b strings.Builder
	dots := 0
	for i, r := range runes {
		switch {
		case unicode.IsLetter(r), unicode.IsMark(r), unicode.IsNumber(r) && r <= unicode.MaxASCII, unicode.In(r, unicode.So, unicode.Sk), strings.ContainsRune(" -_'’()+,&#\u200d", r):
			b.WriteRune(r)
		case r == '.' && dots == 0 && i > 0 && i < len(runes)-1 && digit(runes[i-1]) && digit(runes[i+1]): // "15.2"
			b.WriteRune(r)
			dots++
		default:
			b.WriteByte(' ')
		}
	}
	text := strings.Join(strings.Fields(phoneNumber.ReplaceAllString(b.String(), "…")), " ")
	if cut := []rune(text); len(cut) > givenLength {
		text = strings.TrimSpace(string(cut[:givenLength-1])) + "…"
	}
	return text
}

// named is given where it stands alone, or words for a name that would show nothing.
func (m Mail) named(name string) string { return m.Say.Visible(m.Say.Program(given(name))) }

// quoted is given in quotation marks.
func (m Mail) quoted(name string) string { return m.Say.MailQuoted(given(name)) }

// subjectLength is how many characters a name in a subject may have.
const subjectLength = 30

// inSubject is a name as a subject repeats it, or "". A subject is read alone, so it has only short names from which given leaves out
// nothing.
func (m Mail) inSubject(name string) string {
	if given(name) != name || utf8.RuneCountInString(name) > subjectLength || m.Say.Visible(name) != name {
		return ""
	}
	return name
}

// subjectOf is a subject that names the device, so that two mails can be told apart, or one without a name.
func (m Mail) subjectOf(named func(device string) catalog.Sentence, plain func() string) string {
	if agent := m.inSubject(m.Agent); agent != "" && (m.Agent == m.Device || m.inSubject(m.Device) == "") { // the browser, by a name of ours
		return named(m.Say.Program(agent)).String()
	}
	device := m.inSubject(m.Device)
	if device == "" {
		return plain()
	}
	return named(m.Say.MailQuoted(device)).String()
}

func digit(r rune) bool { return r >= '0' && r <= '9' }

// unconfirmed tells whether a mail goes to an address that may be a stranger's. Such a mail repeats nothing of what was typed or
// sent to cause it, not even the address, or anybody could have us mail their own words to anybody.
func (m Mail) unconfirmed() bool {
	switch m.Kind {
	case "account_invited", "signup", "signup_known", "email_confirm", "email_taken", "email_held":
		return true
	}
	return false
}
