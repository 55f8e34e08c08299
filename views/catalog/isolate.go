package catalog

import (
	"strings"
	"unicode"

	"github.com/a-h/templ"
)

// Isolated is the HTML of a text that cannot turn around what follows it. Browsers draw a <bdi> by the marks of an isolate
// (UAX #9 §2.4), so such a mark or a paragraph separator in the text could end it early or take its end away. The class
// makes it a box of its own, which a text with such marks cannot leave.
func Isolated(s string) string {
	element := "<bdi>"
	if strings.ContainsAny(s, "\u2066\u2067\u2068\u2069\u2029") {
		element = `<bdi class="turning">`
	}
	return element + templ.EscapeString(s) + "</bdi>"
}

// Visible is a name, or words for a name that would show nothing: blanks, zero-width and
// formatting characters only.
func (p Printer) Visible(s string) string {
	seen := func(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) && !invisible(r) }
	if strings.ContainsFunc(s, seen) {
		return s
	}
	return p.text("name.invisible", nil)
}

// invisible tells of letters that are drawn as nothing: Hangul fillers, the blank Braille pattern, blanks of musical notes
// and hieroglyphs, marks without a base.
func invisible(r rune) bool {
	return unicode.In(r, unicode.M, unicode.Other_Default_Ignorable_Code_Point) || r == '\u2800' || r == '\U0001d159' || r == '\U00013441' || r == '\U00013442'
}
