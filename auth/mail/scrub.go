package mail

import (
	"regexp"
	"strings"
)

// addressLike matches what could be an e-mail address, or most of one: with a quoted local part, in angle brackets, with letters of
// any script, and with the @ as URLs, quoted-printable, HTML and full-width text write it.
var addressLike = regexp.MustCompile(`(?i)("[^"\n]*"|[^\s"<>(),;:=%&]*)(@|%40|%2540|=40|&#64;|&#x40;|&commat;|\\u0040|\\x40|＠|﹫)[^\s"<>(),;]*`)

// marks maps the spellings of @ in addressLike to @. A text without any of them contains no address.
var marks = strings.NewReplacer("%40", "@", "%2540", "@", "=40", "@", "&#64;", "@", "&#X40;", "@", "&COMMAT;", "@", `\U0040`, "@", `\X40`, "@", "＠", "@", "﹫", "@")

// beginsMark reports whether a character begins a spelling of @.
func beginsMark(c rune) bool {
	switch c {
	case '@', '%', '=', '&', '\\', '＠', '﹫':
		return true
	}
	return false
}

// Scrub removes from a text for the log what could be an e-mail address.
func Scrub(text string) string {
	if !strings.ContainsFunc(text, beginsMark) || !strings.Contains(marks.Replace(strings.ToUpper(text)), "@") {
		return text
	}
	return addressLike.ReplaceAllString(text, "[address]")
}
