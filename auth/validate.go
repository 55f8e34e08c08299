package auth

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"latchkey/models"
)

// ParseID reads a UUID in its one usual form.
func ParseID(s string) (uuid.UUID, bool) {
	id, err := uuid.Parse(s)
	return id, err == nil && len(s) == 36
}

// The longest texts that are kept, in characters (user agents in bytes).
const (
	MaxEmail      = 254 // RFC 5321 §4.5.3.1.3, less the angle brackets
	MaxDeviceName = 64
	MaxClientID   = 128
	MaxUserAgent  = 512
	MaxPassword   = 1024 // refused before it costs a hash; the policy's own limit is lower
)

// ProblemWithText says what keeps a text from being stored or compared, or "".
func ProblemWithText(s string, most int) string {
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

// Fields gathers what is wrong with a request, field by field.
type Fields []FieldProblem

// Refuse notes a problem with a field; "" is none.
func (f *Fields) Refuse(field, problem string) {
	if problem != "" {
		*f = append(*f, FieldProblem{Field: field, Detail: problem})
	}
}

// Text checks a required text.
func (f *Fields) Text(field, value string, most int) {
	if value == "" {
		f.Refuse(field, "This is required.")
		return
	}
	f.Refuse(field, ProblemWithText(value, most))
}

// Err is a KindInvalidRequest with all problems, or nil when there are none.
func (f Fields) Err() error {
	if len(f) == 0 {
		return nil
	}
	return invalidFields(f)
}

// DeviceName trims a wanted device name and says what is wrong with it.
func DeviceName(s string) (name, problem string) { return ProperName(s, "A device needs a name.") }

// ProperName trims a name that people are to see, and says what is wrong with it; missing is for a name of nothing.
func ProperName(s, missing string) (name, problem string) {
	if name = strings.TrimSpace(s); name == "" {
		return "", missing
	}
	if problem = ProblemWithText(name, MaxDeviceName); problem == "" && models.NameIsBlank(name) {
		problem = "A name needs at least one visible character."
	}
	return name, problem
}

// CleanAgent is a User-Agent as it is kept and shown: bytes that are not UTF-8 are replaced, control characters are left out, and
// it is cut to 512 bytes, between two characters. Nothing makes it fail: an app cannot mend what its platform sends.
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
