package catalog

import (
	"regexp"
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

// generic matches the names that auth gives to browsers and apps by their User-Agent, such as "Firefox on Linux", "Unknown browser" and,
// for one more of them, "Firefox on Linux (2)".
var generic = regexp.MustCompile(`^(?:(.{1,40}) on (Windows|Windows Phone|Android|macOS|iOS|Linux|FreeBSD|ChromeOS|BlackBerry|HarmonyOS)|Unknown browser)( \(\d+\))?$`)

const rightToLeftMark = "\u200f" // shows nothing

// Program is the name of a browser, an app or a device in the printer's language, where auth made that name: it keeps them in English. Any
// other name stays as it is.
func (p Printer) Program(name string) string {
	parts := generic.FindStringSubmatch(name)
	if parts == nil {
		return name
	}
	text := p.DeviceBrowserOn(parts[1], parts[2])
	if parts[1] == "" {
		text = p.DeviceUnknownBrowser()
	}
	if p.RightToLeft() {
		text = rightToLeftMark + text // or else "Firefox", the first word, would turn the isolated name to the left
	}
	return text + parts[3]
}

// Visible is a name, or words for a name that would show nothing: blanks, zero-width and
// formatting characters only.
func (p Printer) Visible(s string) string {
	seen := func(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) && !invisible(r) }
	if strings.ContainsFunc(s, seen) {
		return s
	}
	return p.NameInvisible()
}

// invisible tells of letters that are drawn as nothing: Hangul fillers, the blank Braille pattern, blanks of musical notes
// and hieroglyphs, marks without a base.
func invisible(r rune) bool {
	return unicode.In(r, unicode.M, unicode.Other_Default_Ignorable_Code_Point) || r == '\u2800' || r == '\U0001d159' || r == '\U00013441' || r == '\U00013442'
}
