package password

import (
	"math"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/trustelem/zxcvbn"
	"github.com/trustelem/zxcvbn/match"
	"golang.org/x/text/unicode/norm"
)

const (
	// judged is how many characters the estimator sees: its time grows with more than the square of them, to seconds at 256.
	judged = 40
	// enough is how many guesses a password must withstand. Sign-in allows a few thousand a day (100 in 15 minutes from unknown
	// places), and argon2id some 25 a second and core to a thief of the database.
	enough = 1e9
	// symbolGuesses is what a symbol adds that is put into or behind a simpler password: which one, and where.
	symbolGuesses = 100
)

// What is wrong with a password that is guessed too soon, and what to do.
const (
	sayContext = "Choose a password without your e-mail address or the name of this service. Attackers try those first."
	sayRepeat  = "Choose a password that doesn’t repeat the same characters or words."
	sayKeys    = "Choose a password that isn’t a row of keys on the keyboard."
	sayRow     = "Choose a password without sequences such as “abcd” or “1234”."
	sayDate    = "Choose a password that’s more than a date. Dates are easy to guess."
	sayWord    = "Choose several words that don’t belong together. A common word or a row of keys with a year or a few symbols is easy to guess."
)

// Simple judges how soon a password that Check takes would be guessed: "" when it may be used, else one sentence for the form. words
// are those that an attacker who knows the account and the service tries first (see Words). Only guesses count, never which kinds of
// characters there are (NIST SP 800-63B §3.1.1.2; ASVS 5.0, 6.2.4 and 6.2.5). It takes milliseconds of a core, and a caller on
// behalf of a stranger bounds how often it runs at a time.
func Simple(typed string, words []string) string {
	return judge(zxcvbn.PasswordStrength, typed, words)
}

type estimator func(password string, words []string) zxcvbn.Result

// judge takes the lower estimate of the password as it is, and without its symbols, which people sprinkle over a word.
func judge(estimate estimator, typed string, words []string) string {
	text := oneBracket(newYear.ReplaceAllString(plainLetters(typed), "201$1"))
	best := estimate(text, words)
	if plain := strings.Map(lettersAndDigits, text); plain != "" && plain != text {
		symbols := utf8.RuneCountInString(text) - utf8.RuneCountInString(plain)
		r := estimate(plain, words)
		if r.Guesses *= math.Pow(symbolGuesses, float64(symbols)); r.Guesses < best.Guesses {
			best = r
		}
	}
	// Ten guesses for each character are what the estimator gives to random ones. A short password cannot withstand more than it
	// could with these, and the operator decides how short one may be.
	if best.Guesses >= min(enough, math.Pow(10, float64(utf8.RuneCountInString(text)-3))) {
		return ""
	}
	return reason(best.Sequence)
}

// plainLetters leaves the characters that are judged, in ASCII: the estimator counts bytes in some places and characters in others.
// Letters lose their marks (é is judged like e). One of another script becomes a control character, and Check lets no such character
// through, so that repetitions and neighbours stay what they are.
func plainLetters(typed string) string {
	return cut(strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Mn, r):
			return -1
		case r < utf8.RuneSelf:
			return r
		}
		return '\v' + r%21 // up to 0x1f
	}, norm.NFKD.String(cut(typed))))
}

// cut leaves the first characters.
func cut(s string) string {
	n := 0
	for i := range s {
		if n++; n > judged {
			return s[:i]
		}
	}
	return s
}

// newYear finds the years after 2019, which the estimator does not know as years: it takes them for that of the decade before.
var newYear = regexp.MustCompile(`20[2-9](\d)`)

// oneBracket makes one kind of the four brackets that the estimator takes for a c: it tries every combination of substitutions, and
// these four take three quarters of the time.
func oneBracket(s string) string {
	first := rune(0)
	return strings.Map(func(r rune) rune {
		switch r {
		case '(', '{', '[', '<':
			if first == 0 {
				first = r
			}
			return first
		}
		return r
	}, s)
}

func lettersAndDigits(r rune) rune {
	if unicode.IsLetter(r) || unicode.IsDigit(r) || r < ' ' {
		return r
	}
	return -1
}

// reason is the sentence about the longest part of a password that an attacker would guess at once.
func reason(parts []*match.Match) string {
	var longest *match.Match
	for _, m := range parts {
		if m.DictionaryName == contextWords {
			return sayContext
		}
		if m.Pattern != "bruteforce" && (longest == nil || len(m.Token) > len(longest.Token)) {
			longest = m
		}
	}
	if longest == nil {
		return sayWord
	}
	switch longest.Pattern {
	case "repeat":
		return sayRepeat
	case "spatial":
		return sayKeys
	case "sequence":
		return sayRow
	case "date", "regex":
		return sayDate
	}
	return sayWord
}

// contextWords is the estimator's name for the words that it is given.
const contextWords = "user_inputs"

// maxWords bounds the words of one password: an address of 254 characters could have a hundred.
const maxWords = 32

// Words are what attackers who know the texts try: names of a service, of hosts, the local part of an address, each whole and in its
// parts of three characters and more, in lower case.
func Words(texts ...string) (words []string) {
	seen := map[string]bool{}
	add := func(word string) {
		if word = strings.ToLower(word); utf8.RuneCountInString(word) >= 3 && !seen[word] && len(words) < maxWords {
			seen[word] = true
			words = append(words, word)
		}
	}
	for _, text := range texts {
		text = plainLetters(strings.TrimSpace(text))
		add(text)
		for _, part := range strings.FieldsFunc(text, func(r rune) bool { return lettersAndDigits(r) < 0 }) {
			add(part)
		}
	}
	return words
}

// ContextWords are the Words of an e-mail address, its local part and its domain, and of the names of the service and its hosts. The
// top level of a domain (such as "com") is left out.
func ContextWords(email string, names []string) []string {
	email = strings.TrimSpace(email)
	var texts []string
	if at := strings.LastIndexByte(email, '@'); at >= 0 {
		texts = []string{email[:at], withoutTop(email[at+1:])}
	} else {
		texts = []string{email}
	}
	for _, name := range names {
		texts = append(texts, withoutTop(name))
	}
	return Words(texts...)
}

func withoutTop(domain string) string {
	if dot := strings.LastIndexByte(domain, '.'); dot >= 0 {
		return domain[:dot]
	}
	return domain
}
