package auth

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// MaxIncidentWords is the longest text of the operator in an incident's mail, in characters.
const MaxIncidentWords = 500

// links are what mail programs make a link of. The text is in the form NFKC, in which look-alikes of the full stop are full stops, and has
// no invisible characters. A word with a full stop inside is refused whether or not its end is a top-level domain of today: there are more each
// month. The Japanese full stop ends sentences that have no space behind them, so it counts only between Latin letters or digits.
var links = regexp.MustCompile(`(?i)[a-z][a-z0-9+.-]*://\S*|\b(?:mailto|tel|sms|callto|javascript|data|file):\S+|\bwww\.\S*|\S+@\S+|` +
	`[\p{L}\p{M}\p{N}.-]*[\p{L}\p{M}\p{N}-]\.\p{L}[\p{L}\p{M}\p{N}-]+[^\s,;]*|[a-z0-9-]+。[a-z][a-z0-9-]+|\b\d{1,3}(?:\.\d{1,3}){3}\b`)

// joiners are invisible, and needed in some scripts and in emoji.
const joiners = "\u200c\u200d"

// IncidentWords trims the operator's text for an incident's mail, and returns what is wrong with it, as a sentence for the operator, or "". The
// mail has no links: a text with anything that a mail program could make a link of is refused. The empty text is valid.
func IncidentWords(text string) (words, problem string) {
	words = strings.TrimSpace(text)
	invisible := func(r rune) bool {
		return unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Bidi_Control) && !strings.ContainsRune(joiners, r)
	}
	switch problem = ProblemWithText(words, MaxIncidentWords); {
	case problem != "":
	case strings.ContainsFunc(words, invisible):
		problem = "Remove invisible characters, such as those that change the direction of the text."
	case strings.ContainsAny(words, "<>"):
		problem = "Leave out < and >: the text is plain, without HTML."
	default:
		folded := norm.NFKC.String(strings.NewReplacer("\u200c", "", "\u200d", "").Replace(words))
		if link := links.FindString(folded); link != "" {
			problem = fmt.Sprintf("Leave out %q: mail programs would make a link of it, and this mail has none. If it is the end of a sentence, put a space behind the full stop.", short(link))
		}
	}
	if problem != "" {
		return "", problem
	}
	return words, ""
}

// short is what an error repeats of a text: its first 40 characters.
func short(s string) string {
	if utf8.RuneCountInString(s) <= 40 {
		return s
	}
	return string([]rune(s)[:39]) + "…"
}
