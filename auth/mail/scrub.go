package mail

import (
	"regexp"
	"strings"
)

// addressLike is what could be an e-mail address, or most of one: with a quoted local part, in angle brackets, with letters of any
// script, and with the @ as it is written in URLs, quoted-printable, HTML and full-width text.
var addressLike = regexp.MustCompile(`(?i)("[^"\n]*"|[^\s"<>(),;:=%&]*)(@|%40|%2540|=40|&#64;|&#x40;|&commat;|\\u0040|\\x40|＠|﹫)[^\s"<>(),;]*`)

// marks are the parts of addressLike without which no text has one.
var marks = strings.NewReplacer("%40", "@", "%2540", "@", "=40", "@", "&#64;", "@", "&#X40;", "@", "&COMMAT;", "@", `\U0040`, "@", `\X40`, "@", "＠", "@", "﹫", "@")

// Scrub takes what could be an e-mail address out of a text for the log.
func Scrub(text string) string {
	if !strings.ContainsAny(text, "@%=&\\＠﹫") || !strings.Contains(marks.Replace(strings.ToUpper(text)), "@") {
		return text
	}
	return addressLike.ReplaceAllString(text, "[address]")
}
