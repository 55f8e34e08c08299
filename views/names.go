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
				b.WriteString("<bdi>" + templ.EscapeString(visible(part)) + "</bdi>")
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

// visible is a name, or words for one of which nothing would be seen: blanks, zero-width and formatting characters only.
func visible(s string) string {
	seen := func(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) && !invisible(r) }
	if strings.ContainsFunc(s, seen) {
		return s
	}
	return "(a name of invisible characters)"
}

// invisible tells of letters that are drawn as nothing: Hangul fillers, the blank Braille pattern, marks without a base.
func invisible(r rune) bool {
	return r == '\u115f' || r == '\u1160' || r == '\u3164' || r == '\uffa0' || r == '\u2800' || unicode.Is(unicode.M, r)
}
