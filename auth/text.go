package auth

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"latchkey/models"
)

// The longest texts that are kept, in characters (user agents in bytes).
const (
	maxEmail      = 254 // RFC 5321 §4.5.3.1.3, less the angle brackets
	maxDeviceName = 64
	maxClientID   = 128
	maxUserAgent  = 512
	maxPassword   = 1024 // refused before it costs a hash; the policy's own limit is lower
)

// problemWithText says what keeps a text from being stored or compared, or "".
func problemWithText(s string, most int) string {
	switch {
	case !utf8.ValidString(s):
		return "This is not valid UTF-8."
	case strings.ContainsFunc(s, unicode.IsControl):
		return "Control characters cannot be used here."
	case utf8.RuneCountInString(s) > most:
		return fmt.Sprintf("At most %d characters.", most)
	}
	return ""
}

// fields gathers what is wrong with a request, field by field.
type fields []FieldProblem

func (f *fields) refuse(field, problem string) {
	if problem != "" {
		*f = append(*f, FieldProblem{Field: field, Detail: problem})
	}
}

// text checks a required text.
func (f *fields) text(field, value string, most int) {
	if value == "" {
		f.refuse(field, "This is required.")
		return
	}
	f.refuse(field, problemWithText(value, most))
}

func (f fields) err() error {
	if len(f) == 0 {
		return nil
	}
	return invalidFields(f)
}

// deviceName trims a wanted device name and says what is wrong with it.
func deviceName(s string) (name, problem string) { return properName(s, "A device needs a name.") }

// properName trims a name that people are to see, and says what is wrong with it; missing is for a name of nothing.
func properName(s, missing string) (name, problem string) {
	if name = strings.TrimSpace(s); name == "" {
		return "", missing
	}
	if problem = problemWithText(name, maxDeviceName); problem == "" && models.NameIsBlank(name) {
		problem = "A name needs at least one visible character."
	}
	return name, problem
}

// CleanAgent is a User-Agent as it is kept and shown: bytes that are not UTF-8 are replaced, control characters are left out, and
// it is cut to 512 bytes, between two characters. Nothing makes it fail: an app cannot mend what its platform sends.
func CleanAgent(s string) string {
	if len(s) <= maxUserAgent && problemWithText(s, maxUserAgent) == "" {
		return s
	}
	var b strings.Builder
	for _, c := range strings.ToValidUTF8(s, string(utf8.RuneError)) {
		if unicode.IsControl(c) {
			continue
		}
		if b.Len()+utf8.RuneLen(c) > maxUserAgent {
			break
		}
		b.WriteRune(c)
	}
	return b.String()
}
