package auth

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"latchkey/models"
)

// The longest texts that are stored, in characters; user agents in bytes.
const (
	MaxEmail      = 254 // RFC 5321 §4.5.3.1.3, less the angle brackets
	MaxDeviceName = 64
	MaxClientID   = 128
	MaxUserAgent  = 512
	MaxPassword   = 1024 // refused before hashing; the password policy's own limit is lower
)

// ProblemWithText returns why a text cannot be stored or compared, as a sentence for people, or "". most is in characters.
func ProblemWithText(s string, most int) string {
	switch {
	case !utf8.ValidString(s):
		return "This isn’t valid UTF-8."
	case strings.ContainsFunc(s, unicode.IsControl):
		return "Remove control characters, such as tabs and line breaks."
	case utf8.RuneCountInString(s) > most:
		return fmt.Sprintf("Enter at most %d characters.", most)
	}
	return ""
}

// Fields collects what is wrong with the fields of a request.
type Fields []FieldProblem

// Refuse adds a problem with a field. It does nothing if problem is "".
func (f *Fields) Refuse(field, problem string) {
	if problem != "" {
		*f = append(*f, FieldProblem{Field: field, Detail: problem})
	}
}

// Text checks a required text of at most most characters.
func (f *Fields) Text(field, value string, most int) {
	if value == "" {
		f.Refuse(field, "This is required.")
		return
	}
	f.Refuse(field, ProblemWithText(value, most))
}

// Err returns a KindInvalidRequest with all problems, or nil if there are none.
func (f Fields) Err() error {
	if len(f) == 0 {
		return nil
	}
	return invalidFields(f)
}

// DeviceName trims the name that a device is to get, and returns what is wrong with it, or "".
func DeviceName(s string) (name, problem string) {
	return ProperName(s, "Enter a name for the device.")
}

// ProperName trims a name that people will see, and returns what is wrong with it, or "". missing is the problem of an empty name.
func ProperName(s, missing string) (name, problem string) {
	if name = strings.TrimSpace(s); name == "" {
		return "", missing
	}
	if problem = ProblemWithText(name, MaxDeviceName); problem == "" && models.NameIsBlank(name) {
		problem = "Use at least one visible character."
	}
	return name, problem
}

// CleanAgent returns a User-Agent header as it is stored and shown: bytes that are not UTF-8 are replaced, control characters are
// removed, and it is cut to MaxUserAgent bytes between two characters. It never fails, because an app cannot change what its
// platform sends.
func CleanAgent(s string) string {
	if len(s) <= MaxUserAgent && ProblemWithText(s, MaxUserAgent) == "" {
		return s
	}
	var b strings.Builder
	for _, c := range strings.ToValidUTF8(s, string(utf8.RuneError)) {
		if unicode.IsControl(c) {
			continue
		}
		if b.Len()+utf8.RuneLen(c) > MaxUserAgent {
			break
		}
		b.WriteRune(c)
	}
	return b.String()
}

// ParseID parses a UUID in its canonical form of 36 characters only.
func ParseID(s string) (uuid.UUID, bool) {
	id, err := uuid.Parse(s)
	return id, err == nil && len(s) == 36
}
