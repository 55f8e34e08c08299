package catalog

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// errorGroup holds the sentences of auth's errors. auth says them in English, which is the API's contract; the catalogue repeats the
// English, and by it finds the translation. Tests hold the two together.
const errorGroup = "errors."

// pattern finds a message by its English, and reads the values in it.
type pattern struct {
	key     string
	english *regexp.Regexp
	values  []param
}

var errorPatterns = sync.OnceValue(func() (list []pattern) {
	for key, m := range inSource().messages {
		if !strings.HasPrefix(key, errorGroup) {
			continue
		}
		for _, f := range m.forms {
			p := pattern{key: key}
			var b strings.Builder
			for _, n := range f.nodes {
				switch n.kind {
				case text:
					b.WriteString(regexp.QuoteMeta(n.value))
				case number:
					b.WriteString(`([0-9]+)`)
				default:
					b.WriteString(`(.+?)`)
				}
				if n.kind != text {
					p.values = append(p.values, param{n.value, n.kind})
				}
			}
			p.english = regexp.MustCompile(`^(?s:` + b.String() + `)$`)
			list = append(list, p)
		}
	}
	// What has fewer values is the closer match: a sentence without any comes before one with a hole.
	slices.SortFunc(list, func(a, b pattern) int {
		if n := len(a.values) - len(b.values); n != 0 {
			return n
		}
		return strings.Compare(a.key, b.key)
	})
	return list
})

// Error says a sentence of one of auth's errors in the printer's language. A sentence that is not in the catalogue stays English.
func (p Printer) Error(english string) string {
	key, a := findError(english)
	if key == "" || p.spoken() == inSource() {
		return english
	}
	return p.text(key, a)
}

// ErrorKey is the message of an error's sentence, or "". Tests ask it of every error that a page may show.
func ErrorKey(english string) string {
	key, _ := findError(english)
	return key
}

func findError(english string) (key string, a args) {
	for _, e := range errorPatterns() {
		found := e.english.FindStringSubmatch(english)
		if found == nil {
			continue
		}
		a := args{}
		for i, v := range e.values {
			a[v.name] = found[i+1]
			if n, err := strconv.Atoi(found[i+1]); err == nil && v.kind == number {
				a[v.name] = n
			}
		}
		return e.key, a
	}
	return "", nil
}
