package models_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"latchkey/models"
)

func alike(a, b string) bool { return models.Alike(a, b) }

func TestNamesThatLookAlikeAreFound(t *testing.T) {
	for why, pair := range map[string][2]string{
		"a zero-width space":               {"phone", "pho\u200bne"},
		"a word joiner":                    {"phone", "phone\u2060"},
		"a byte-order mark":                {"phone", "\ufeffphone"},
		"a soft hyphen":                    {"phone", "pho\u00adne"},
		"a variation selector":             {"phone", "phone\ufe0f"},
		"a Hangul filler":                  {"phone", "phone\u3164"},
		"tag characters":                   {"phone", "phone\U000e0041\U000e007f"},
		"a directional override":           {"phone", "\u202ephone"},
		"an isolate":                       {"phone", "\u2068phone\u2069"},
		"an annotation mark":               {"phone", "phone\ufff9\ufffb"},
		"a grapheme joiner":                {"phone", "ph\u034fone"},
		"an ignorable code point to come":  {"phone", "phone\U000e0fff"},
		"case":                             {"phone", "PHONE"},
		"case that changes the length":     {"Straße", "STRASSE"},
		"the final sigma":                  {"ΟΔΟΣ", "οδος"},
		"titlecase letters":                {"ǆ", "ǅ"},
		"another normal form":              {"Café", "Cafe\u0301"},
		"fullwidth letters":                {"phone", "ｐｈｏｎｅ"},
		"a ligature":                       {"fig", "ﬁg"},
		"circled and mathematical letters": {"phone", "ⓟ𝓱𝕠𝐧𝖾"},
		"a Cyrillic letter":                {"phone", "phоne"},
		"Cyrillic capitals":                {"phone", "РНОNE"},
		"Greek letters":                    {"phone", "ρhοne"},
		"a Greek capital":                  {"Home", "Ηome"},
		"a Greek capital for a small one":  {"mine", "Μine"},
		"l for a capital I":                {"Iris", "lris"},
		"| for l":                          {"lila", "|ila"},
		"zero for O":                       {"BOX", "B0X"},
		"rn for m":                         {"mobile", "rnobile"},
		"a Cherokee letter":                {"TABLET", "ᎢABLET"},
		"another apostrophe":               {"Ada's", "Ada’s"},
		"an accent for an apostrophe":      {"Ada's", "Ada´s"},
		"another hyphen":                   {"e-book", "e‐book"},
		"a no-break space":                 {"my phone", "my\u00a0phone"},
		"two spaces, which a page joins":   {"my phone", "my  phone"},
		"a blank Braille pattern":          {"my phone", "my\u2800phone"},
		"a blank at the end":               {"phone", "phone\u2800"},
		"an emoji without its selector":    {"❤️ phone", "❤ phone"},
		"several at once":                  {"my phone", "MY\u2003рH\u200bОNE\u2060"},
	} {
		if !alike(pair[0], pair[1]) {
			t.Errorf("%s: %+q and %+q differ: %+q, %+q", why, pair[0], pair[1], models.LookAlikes(pair[0]), models.LookAlikes(pair[1]))
		}
	}
}

func TestNamesThatDifferAreKeptApart(t *testing.T) {
	names := []string{
		"phone", "phone (2)", "phone (3)", "phone 2", "phone2", "myphone", "my phone", "phon", "téléphone", "telephone", "тел", "手机", "手機", "電話", "هاتف", "טלפון", "फ़ोन", "โทรศัพท์",
		"❤️", "💙", "👨‍👩‍👧", "👨‍👩‍👦", "🏳️‍🌈", "🇩🇪", "🇫🇷", "1️⃣", "2️⃣", "👍", "👍🏽", "👍🏿", "🫩", "\U0001fae8", "\U0001cd00", "\U000323b0", "\U000323b1", "\U00011a50",
	}
	for i, a := range names {
		for _, b := range names[:i] {
			if alike(a, b) {
				t.Errorf("%q and %q are the same: %+q", a, b, models.LookAlikes(a))
			}
		}
	}
}

func TestNamesOfWhichNothingIsSeen(t *testing.T) {
	for _, name := range []string{
		"", " ", "\u200b", "\u2060", "\u3164", "\u2800", "\u00ad", "\ufe0f", "\u0301", "\u20e3", "\u0903", "\u115f", "\u1160", "\uffa0", "\u180e", "\u034f", "\u061c", "\u17b4\u17b5",
		"\u200d", "\u202e", "\u2066\u2069", "\ufeff", "\ufff9\ufffa\ufffb", "\U000e0001", "\U000e0020\U000e007f", "\U000e0100", "\U000e0fff", "\U0001d159", "\U0001d173", "\U0001bca0",
		"\U00013441", "\U00013430", "\ufffe", "\ufdd0", "\U0010ffff", "\u2028", "\u3000", "\u205f\u200b\u2800\u0301\u3164",
	} {
		if !models.NameIsBlank(name) {
			t.Errorf("%+q is taken for a name", name)
		}
	}
	for _, name := range []string{
		".", "_", "é", "e\u0301", "\u200bx", "❤️", "👨‍👩‍👧", "🏳️‍🌈", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "🇩🇪", "1️⃣", "#️⃣", "🏽", "手", "\u06dd",
		"\U0001fae9", "\U0001cd00", "\U000323b0", "\uf8ff", "\u0378", "½",
	} {
		if models.NameIsBlank(name) {
			t.Errorf("%+q is taken for nothing", name)
		}
	}
}

// Every character of the table is compared as the text that represents it, and that text represents itself.
func TestTheTableOfLookAlikesIsWhole(t *testing.T) {
	table := models.Confusables()
	if len(table) != 5500 {
		t.Errorf("%d characters", len(table))
	}
	for r, like := range table {
		if like == "" || !utf8.ValidString(like) {
			t.Errorf("%U looks like %+q", r, like)
		}
		if strings.TrimSpace(like) != "" && !alike("x"+string(r), "x"+like) {
			t.Errorf("%U and %+q differ: %+q, %+q", r, like, models.LookAlikes("x"+string(r)), models.LookAlikes("x"+like))
		}
	}
}

func FuzzLookAlikes(f *testing.F) {
	for _, name := range []string{"phone", "РНОNE", "👨‍👩‍👧", "\ufdfa", "e\u0301\u200b\u0301", strings.Repeat("\u0300", 64), "\xff"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if len(name) > 256 {
			return
		}
		if !alike(name, "\u200b"+name+"\u2060 ") {
			t.Fatalf("%+q differs from itself between invisible characters", name)
		}
		for n := 2; n < 12; n++ {
			if number := fmt.Sprintf(" (%d)", n); alike(name+number, name+" (12)") {
				t.Fatalf("%+q: numbers are the same", name+number)
			}
		}
		if keys := models.LookAlikes(name); slices.ContainsFunc(keys[:], func(k string) bool { return len(k) > 32*len(name)+32 }) {
			t.Fatalf("%+q grows to %+q", name, keys)
		}
	})
}

func BenchmarkLookAlikes(b *testing.B) {
	for _, name := range []string{"Ada’s phone (2)", strings.Repeat("\ufdfa", 64)} {
		b.Run(fmt.Sprint(len(name)), func(b *testing.B) {
			for b.Loop() {
				models.LookAlikes(name)
			}
		})
	}
}
