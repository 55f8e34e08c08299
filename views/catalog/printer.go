package catalog

import (
	"cmp"
	"context"
	"embed"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"

	"github.com/a-h/templ"
)

// Source is the language that every other is translated from, and falls back to.
const Source = "en"

//go:embed *.json
var files embed.FS

// tongue is a language, ready to be spoken.
type tongue struct {
	tag      language.Tag
	messages map[string]message
}

// tongues are the languages by tag: those with a file, and the pseudo-languages. Each is read when it is first spoken.
var tongues = sync.OnceValue(func() map[string]func() *tongue {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic(err) // the tests of this package fail first
	}
	all := map[string]func() *tongue{}
	for _, e := range entries {
		tag := strings.TrimSuffix(e.Name(), ".json")
		all[tag] = sync.OnceValue(func() *tongue { return readTongue(tag) })
	}
	for tag, change := range pseudo {
		all[tag] = sync.OnceValue(func() *tongue { return all[Source]().disguised(tag, change) })
	}
	return all
})

func readTongue(tag string) *tongue {
	f, err := readFile(tag)
	if err != nil {
		panic(err) // the tests of this package fail first
	}
	return &tongue{tag: language.MustParse(tag), messages: f.messages}
}

func inSource() *tongue { return tongues()[Source]() }

// Files reads the catalogues of all languages, unchecked.
func Files() ([]*File, error) {
	entries, err := files.ReadDir(".")
	if err != nil {
		return nil, fmt.Errorf("catalogues: %w", err)
	}
	var list []*File
	for _, e := range entries {
		f, err := readFile(strings.TrimSuffix(e.Name(), ".json"))
		if err != nil {
			return nil, err
		}
		list = append(list, f)
	}
	return list, nil
}

func readFile(tag string) (*File, error) {
	data, err := files.ReadFile(tag + ".json")
	if err != nil {
		return nil, fmt.Errorf("catalogues: %w", err)
	}
	return ReadFile(tag, data)
}

// Printer says things in one language; its methods (messages.go) are the messages. The zero Printer speaks English. What a
// language lacks is said in English.
type Printer struct {
	tongue *tongue
	brand  string // empty: DefaultBrand
}

// DefaultBrand is what a service is called whose operator gave it no name.
const DefaultBrand = "Latchkey"

// Named is the printer of a service that its operator calls so; "" stands for DefaultBrand.
func (p Printer) Named(brand string) Printer { return Printer{p.tongue, brand} }

// Brand is what the service is called: the {brand} of the messages.
func (p Printer) Brand() string { return cmp.Or(p.brand, DefaultBrand) }

// Branded says that the operator gave the service a name.
func (p Printer) Branded() bool { return p.brand != "" }

// FileName is the name of a file that a person saves, with the service's before it: "acme-recovery-codes.txt".
func (p Printer) FileName(what string) string {
	words := strings.FieldsFunc(strings.ToLower(p.Brand()), func(r rune) bool { return !unicode.In(r, unicode.L, unicode.M, unicode.N) })
	words = slices.DeleteFunc(words, func(w string) bool { // of emoji, only marks are left
		return !strings.ContainsFunc(w, func(r rune) bool { return unicode.In(r, unicode.L, unicode.N) })
	})
	return strings.Join(append(words, what), "-")
}

func (p Printer) spoken() *tongue {
	if p.tongue == nil {
		return inSource()
	}
	return p.tongue
}

// In is the printer of a language: complete or not, or a pseudo-language. For people's choice see Choice.
func In(tag string) (Printer, bool) {
	t, ok := tongues()[tag]
	if !ok {
		return Printer{}, false
	}
	return Printer{tongue: t()}, true
}

// Tags are the languages that In takes.
func Tags() []string { return slices.Sorted(maps.Keys(tongues())) }

// Tag is the language: the value of the attribute lang and of Content-Language. Dates and numbers follow it.
func (p Printer) Tag() language.Tag { return p.spoken().tag }

// RightToLeft says that the language is written from right to left: the attribute dir.
func (p Printer) RightToLeft() bool {
	script, _ := p.Tag().Script()
	switch script.String() {
	case "Arab", "Hebr", "Thaa", "Syrc", "Nkoo", "Adlm":
		return true
	}
	return false
}

type printerKey struct{}

// With is a context whose templates speak with p.
func With(ctx context.Context, p Printer) context.Context {
	return context.WithValue(ctx, printerKey{}, p)
}

// From returns the printer of a context, or the English one if the context has no printer.
func From(ctx context.Context) Printer {
	p, _ := ctx.Value(printerKey{}).(Printer)
	return p
}

// args are the values of a message by the names of its placeholders, tags and slots.
type args map[string]any

// nodes chooses the form of a message.
func (p Printer) nodes(key string, a args) []node {
	m, ok := p.spoken().messages[key]
	if !ok {
		m = inSource().messages[key]
	}
	if count, ok := a["count"].(int); ok {
		if nodes := m.forms.of(formOf(m.rules, count)); nodes != nil {
			return nodes
		}
	}
	return m.forms.of(plural.Other)
}

// Number is a whole number as the language writes it.
func (p Printer) Number(n int) string { return strconv.Itoa(n) }

// words is the value of a node that is no tag and no slot.
func (p Printer) words(n node, a args) string {
	if n.kind == brand {
		return p.Brand()
	}
	switch v := a[n.value].(type) {
	case int:
		return p.Number(v)
	case string:
		if n.kind == foreign {
			return p.Program(v)
		}
		return v
	}
	return n.value
}

func (p Printer) text(key string, a args) string {
	var b strings.Builder
	for _, n := range p.nodes(key, a) {
		b.WriteString(p.words(n, a))
	}
	return b.String()
}

func (p Printer) sentence(key string, a args) Sentence {
	var s Sentence
	for _, n := range p.nodes(key, a) {
		if n.kind.isolated() {
			s.Text += "%s"
			s.Names = append(s.Names, p.words(n, a))
		} else {
			s.Text += strings.ReplaceAll(p.words(n, a), "%s", "%\u2060s") // what is no name takes no name's place
		}
	}
	return s
}

func (p Printer) rich(key string, a args) templ.Component { return rich{p, p.nodes(key, a), a} }
