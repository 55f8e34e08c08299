package password

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/trustelem/zxcvbn"
)

// What an attacker tries first, and what people and their password managers choose well. The account is ada.lovelace@mathworks.example
// at Latchkey on id.analytical.example.
var simpleWords = ContextWords("ada.lovelace@mathworks.example", []string{"Latchkey", "id.analytical.example"})

func TestPasswordsThatAreGuessedSoon(t *testing.T) {
	for reason, passwords := range map[string][]string{
		sayContext: {
			"latchkey2026", "Latchkey2026!", "L4tchk3y!!!!", "xlatchkeyx12", "2026latchkey", "yekhctal2026", "latchkeylatchkey", "Latchkey-2026!",
			"analytical12", "Analytical1!", "4n4lytic4l!!", "ada.lovelace1", "AdaLovelace1", "lovelace2026", "L0velace!2024", "mathworks123",
			"M@thworks2026!", "lovelace@2026", "Lovelace Ada", "mathworks.example",
		},
		sayRepeat: {
			"adaadaadaada", "яяяяяяяяяяяя", "aaaaaaaaaaaa", "111111111111", "abcabcabcabc", "aaaaaabbbbbb", "monday monday", "sunshinesunshine", "éééééééééééé", strings.Repeat("𝛼", 256),
			strings.Repeat("no", 128), "hahahahahaha", "xyxyxyxyxyxy!", "!!!!!!!!!!!!", "            x", "ｘｘｘｘｘｘｘｘｘｘｘｘ",
		},
		sayKeys: {"asdfghjkl;'z", "QWERTYUIOP{}"},
		sayRow:  {"abcdefghijkl", "abcdefgh1234", "zyxwvutsrqpo"},
		sayDate: {"13.11.1987 x", "19871113 !!!", "11/13/1987!!", "1987-11-13ab"},
		sayWord: {
			"qwertyuiop12", "Qwertyuiop1!", "1q2w3e4r5t6y", "zaq12wsxcde3", "qazwsxedcrfv", "1qaz2wsx3edc4", "poiuytrewq12", "123456789012", "24681012abcdefg",
			"Summer2026!!", "Summer@2026!", "Winter-2025!", "Spring2031!!", "Welcome@2024", "password2026", "P@ssw0rd2026", "P4ssw0rd!2025", "correcthorse",
			"letmeinplease", "iloveyou1234", "iloveyouverymuch", "december2026", "Liverpool2024!", "November#2026", "Football2023!", "!!princess99!!", "Monday2026!?",
		},
	} {
		for _, p := range passwords {
			if got := Simple(p, simpleWords); got != reason {
				t.Errorf("%q: %q, want %q", p, got, reason)
			}
		}
	}
}

func TestPasswordsThatAreNotGuessedSoon(t *testing.T) {
	for _, p := range []string{
		"correct horse battery staple", "correct-horse-battery-staple", "correcthorsebatterystaple", "cobalt swim fable ginger", "twelve chars",
		"a fine day at the sea", "another fine day", "another quiet evening", "a walk in the early rain", "seven lemons in a bowl", "somebody has to help them",
		"8fK2mQ9xT4vB7nLw", "hWq#7!pZ0d$K", "abefhijlmosu", "öüäßéèêëñçåø", "snow ☃ and 😀 fun", "  ten chars ", "зелёный слон поёт", "緑の象が静かに歌う夜明け",
		"latchkey is where my lemons grow", "ada met a lemon tree in Lisbon",
	} {
		if got := Simple(p, simpleWords); got != "" {
			t.Errorf("%q is refused: %q", p, got)
		}
	}
}

// Four words that a program picks, and the random characters of a password manager, must always pass: NIST SP 800-63B §3.1.1.2 asks for
// no more than that a password is not a known or an expected one.
func TestRandomPasswordsPass(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	list := strings.Fields("acid cobalt swim fable ginger stone window river lemon bowl paper music silver garden rocket pencil winter basket honey tiger")
	const letters = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789!#%+-=?@_"
	for range 40 {
		var words []string
		for _, i := range random.Perm(len(list))[:4] {
			words = append(words, list[i])
		}
		for _, join := range []string{" ", "-", ""} {
			if p := strings.Join(words, join); Simple(p, simpleWords) != "" {
				t.Errorf("%q is refused: %q", p, Simple(p, simpleWords))
			}
		}
		for _, n := range []int{8, 10, 12, 16, 20} {
			var p strings.Builder
			for range n {
				p.WriteByte(letters[random.IntN(len(letters))])
			}
			if Simple(p.String(), simpleWords) != "" {
				t.Errorf("%q is refused: %q", &p, Simple(p.String(), simpleWords))
			}
		}
	}
}

// worst are passwords of 256 characters and more on which an estimator takes longest: repetitions, and every substitution of a letter.
var worst = []string{
	strings.Repeat("4@8({[</369&#!1|0$5+7%2", 12)[:256], strings.Repeat("a", 256), strings.Repeat("ab", 128), strings.Repeat("1/1/", 64),
	strings.Repeat("password", 32), strings.Repeat("é1ééé1ééé111", 21), strings.Repeat("({[<4@!|1$5+7", 20)[:256], strings.Repeat("😀", 256), strings.Repeat("ﷺ", 256),
}

// Its time grows with more than the square of the length, so no more than 40 characters may reach the estimator, whatever a stranger
// sends, and of the brackets that it takes for a c one kind alone.
func TestTheEstimatorSeesFortyCharacters(t *testing.T) {
	for _, p := range append(worst, "short one!!!", strings.Repeat("(", 3)+strings.Repeat("[", 3)) {
		seen := 0
		judge(func(part string, words []string) zxcvbn.Result {
			seen++
			if n := utf8.RuneCountInString(part); n > judged {
				t.Errorf("%d characters of %.20q… reach the estimator", n, p)
			}
			kinds := 0
			for _, bracket := range "({[<" {
				if strings.ContainsRune(part, bracket) {
					kinds++
				}
			}
			if kinds > 1 {
				t.Errorf("%d kinds of brackets of %.20q… reach the estimator", kinds, p)
			}
			if len(words) > maxWords {
				t.Errorf("%d words reach the estimator", len(words))
			}
			return zxcvbn.Result{Guesses: 1e20}
		}, p, Words(strings.Repeat("some words of a very long address ", 40)+"a1b c2d"))
		if seen == 0 || seen > 2 {
			t.Errorf("%.20q… was estimated %d times", p, seen)
		}
	}
}

func TestWordsOfTheContext(t *testing.T) {
	for text, want := range map[string]string{
		"Latchkey":              "latchkey",
		"id.analytical.example": "id.analytical.example analytical example",
		"ada.lovelace+shop":     "ada.lovelace+shop ada lovelace shop",
		"A-Bc":                  "a-bc",
		"localhost":             "localhost",
		"":                      "",
	} {
		if got := strings.Join(Words(text), " "); got != want {
			t.Errorf("Words(%q) = %q, want %q", text, got, want)
		}
	}
	for email, want := range map[string]string{
		"Ada.Lovelace@Mathworks.co.example": "ada.lovelace ada lovelace mathworks.co mathworks",
		"ada":                               "ada",
		"ada@localhost":                     "ada localhost",
		" eve@x.org ":                       "eve",
	} {
		if got := strings.Join(ContextWords(email, nil), " "); got != want {
			t.Errorf("ContextWords(%q) = %q, want %q", email, got, want)
		}
	}
}

func FuzzSimple(f *testing.F) {
	for _, p := range append(worst, "1.1.2011é11/1/1999", "İstanbul İ", "ẞßſK", "Summer2026!!") {
		f.Add(p)
	}
	f.Fuzz(func(_ *testing.T, p string) { Simple(p, simpleWords) }) // no text makes it panic
}

// BenchmarkSimple is one judgement of the worst input; a hash takes some 40 ms.
func BenchmarkSimple(b *testing.B) {
	for b.Loop() {
		for _, p := range worst[:1] {
			Simple(p, simpleWords)
		}
	}
}
