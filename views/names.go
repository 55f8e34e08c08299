package views

import (
	"context"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/a-h/templ"
)

// name shows what a person called a device. It stands isolated, so that writing that runs the other way, or marks that turn
// it, stay inside, and it is never invisible.
func name(s string) templ.Component { return said("%s", []string{s}) }

// said is a sentence with names in the places of its %s, without a space that the sentence does not have.
func said(text string, names []string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		var b strings.Builder
		for i, part := range parts(text, names) {
			if i%2 == 0 {
				b.WriteString(templ.EscapeString(part))
			} else {
				b.WriteString(isolated(visible(part)))
			}
		}
		if _, err := io.WriteString(w, b.String()); err != nil {
			return fmt.Errorf("write a sentence: %w", err)
		}
		return nil
	})
}

// parts cuts a sentence into what is ours and, at the odd places, names. A %s that no name stands for stays as it is.
func parts(text string, names []string) []string {
	cut := strings.SplitN(text, "%s", len(names)+1)
	list := cut[:1:1]
	for i, rest := range cut[1:] {
		list = append(list, names[i], rest)
	}
	return list
}

// foreign shows a text that is not ours: a browser's word for itself, an app's id. It stands isolated.
func foreign(s string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		if _, err := io.WriteString(w, isolated(s)); err != nil {
			return fmt.Errorf("write a text: %w", err)
		}
		return nil
	})
}

// isolated is the HTML of a text that cannot turn around what follows it. Browsers draw a <bdi> by the marks of an isolate
// (UAX #9 §2.4), so such a mark or a paragraph separator in the text could end it early or take its end away. The class
// makes it a box of its own, which a text with such marks cannot leave.
func isolated(s string) string {
	element := "<bdi>"
	if strings.ContainsAny(s, "\u2066\u2067\u2068\u2069\u2029") {
		element = `<bdi class="turning">`
	}
	return element + templ.EscapeString(s) + "</bdi>"
}

// visible is a name, or words for a name that would show nothing: blanks, zero-width and
// formatting characters only.
func visible(s string) string {
	seen := func(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) && !invisible(r) }
	if strings.ContainsFunc(s, seen) {
		return s
	}
	return "(a name of invisible characters)"
}

// invisible tells of letters that are drawn as nothing: Hangul fillers, the blank Braille pattern, blanks of musical notes
// and hieroglyphs, marks without a base.
func invisible(r rune) bool {
	return unicode.In(r, unicode.M, unicode.Other_Default_Ignorable_Code_Point) || r == '\u2800' || r == '\U0001d159' || r == '\U00013441' || r == '\U00013442'
}
