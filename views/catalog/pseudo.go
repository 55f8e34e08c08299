package catalog

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// The pseudo-languages are made of the English, for tests and the gallery: one with accents and two fifths longer, one that
// runs from right to left.
const (
	PseudoLong        = "en-XA"
	PseudoRightToLeft = "ar-XB"
)

var pseudo = map[string]func(string) string{PseudoLong: lengthened, PseudoRightToLeft: turned}

// disguised is the language with each text changed. Placeholders, tags and plural rules stay.
func (t *tongue) disguised(tag string, change func(string) string) *tongue {
	d := &tongue{tag: language.MustParse(tag), messages: map[string]message{}}
	for key, m := range t.messages {
		other := message{rules: m.rules}
		for _, f := range m.forms {
			other.forms = append(other.forms, formed{f.form, changed(f.nodes, change)})
		}
		d.messages[key] = other
	}
	d.messages["language.name"] = message{forms: forms{{plural.Other, []node{{kind: text, value: tag}}}}, rules: d.tag}
	return d
}

func changed(nodes []node, change func(string) string) []node {
	list := make([]node, len(nodes))
	for i, n := range nodes {
		list[i] = node{n.kind, n.value, changed(n.inside, change)}
		if n.kind == text {
			list[i].value = change(n.value)
		}
	}
	return list
}

// accents has a letter that looks like it for each letter of ASCII, so that none is left.
var accents = strings.NewReplacer(pairs("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", "åƀçđéƒĝĥîĵķļɱñöþɋŕšţûṽŵẋýžÅƁÇĐÉƑĜĤÎĴĶĻṀÑÖÞɊŔŠŢÛṼŴẊÝŽ")...)

func pairs(from, to string) (list []string) {
	for _, r := range to {
		list, from = append(list, from[:1], string(r)), from[1:]
	}
	return list
}

// lengthened writes a text with accents, each word about two fifths longer by more of its vowels: lines break where they would.
func lengthened(s string) string {
	words := strings.Split(s, " ")
	for i, w := range words {
		var b strings.Builder
		more := (utf8.RuneCountInString(w)*2 + 4) / 5
		for _, r := range w {
			b.WriteRune(r)
			for n := 0; n < 2 && more > 0 && strings.ContainsRune("aeiouyAEIOUY", r); n++ {
				b.WriteRune(r)
				more--
			}
		}
		words[i] = accents.Replace(b.String())
	}
	return strings.Join(words, " ")
}

// turned writes each word from right to left, as a word of Arabic would stand (RLM and RLO, UAX #9).
func turned(s string) string {
	words := strings.Split(s, " ")
	for i, w := range words {
		if w != "" {
			words[i] = "\u200f\u202e" + w + "\u202c\u200f"
		}
	}
	return strings.Join(words, " ")
}
