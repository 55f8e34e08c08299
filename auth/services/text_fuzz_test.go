package services_test

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"latchkey/auth"
	"latchkey/auth/token"
	"latchkey/models"
)

// keepable tells whether every database keeps the text, and every page shows it, as it is.
func keepable(s string, most int) bool {
	return s != "" && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl) && utf8.RuneCountInString(s) <= most
}

func FuzzDescribeAgent(f *testing.F) {
	for _, header := range []string{
		"", "curl/8.5.0", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
		"Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Mobile Safari/537.36",
		"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "(((", ";;;/", "\x00/1 (Linux)", "é/\xff (Windows NT 10.0)",
		strings.Repeat("a", 600) + "/1 (Android; Mobile)", "<script>/1 (Windows NT 10.0)",
	} {
		f.Add(header)
	}
	f.Fuzz(func(t *testing.T, header string) {
		a := auth.DescribeAgent(header)
		if !keepable(a.Name, auth.MaxDeviceName) || strings.TrimSpace(a.Name) != a.Name || !slices.Contains([]string{"phone", "tablet", "laptop", "unknown"}, a.Icon) {
			t.Fatalf("%q is named %q with icon %q", header, a.Name, a.Icon)
		}
	})
}

// FuzzCleanAgent: whatever the header is, something of it is kept that every database takes and every page shows, and what can be
// kept as it is stays so.
func FuzzCleanAgent(f *testing.F) {
	for _, header := range []string{"", "curl/8.5.0", "a\x00b", "a\x7fb", "a\tb", "\u0085", "\xff", "\xed\xa0\x80", strings.Repeat("é", 300), strings.Repeat("\xf0\x9f\x98\x80", 200), strings.Repeat("a", 511) + "é", strings.Repeat("\x80", 600), strings.Repeat("\xffa", 400)} {
		f.Add(header)
	}
	f.Fuzz(func(t *testing.T, header string) {
		got := auth.CleanAgent(header)
		kept := strings.Map(func(c rune) rune {
			if unicode.IsControl(c) {
				return -1
			}
			return c
		}, strings.ToValidUTF8(header, "\ufffd"))
		if got != "" && !keepable(got, auth.MaxUserAgent) || len(got) > auth.MaxUserAgent || !strings.HasPrefix(kept, got) || len(kept) <= auth.MaxUserAgent && got != kept || len(kept) > auth.MaxUserAgent && len(got) <= auth.MaxUserAgent-utf8.UTFMax {
			t.Fatalf("%q is kept as %q", header, got)
		}
		if auth.CleanAgent(got) != got {
			t.Fatalf("%q is cleaned twice", got)
		}
	})
}

// FuzzDeviceName: a name that is accepted can be kept and shown, and so can its numbered kin, which are all different.
func FuzzDeviceName(f *testing.F) {
	for _, name := range []string{"", " ", "phone", " phone ", strings.Repeat("x", 64), strings.Repeat("x", 65), strings.Repeat("é", 64), strings.Repeat("x", 59) + "     y", "phone (2)", "a\u0085b", "\u2028", "\xff", "\u200b\u2800", strings.Repeat("\u200b", 63) + "x", "👨‍👩‍👧"} {
		f.Add(name, uint8(3))
	}
	f.Fuzz(func(t *testing.T, wanted string, others uint8) {
		name, problem := auth.DeviceName(wanted)
		if problem != "" {
			return
		}
		if name != strings.TrimSpace(wanted) || !keepable(name, auth.MaxDeviceName) || models.NameIsBlank(name) {
			t.Fatalf("%q is accepted as %q", wanted, name)
		}
		held := map[string]bool{}
		for range others {
			free := token.FreeName(name)(func(n string) bool { return held[n] })
			if held[free] || !keepable(free, auth.MaxDeviceName) || len(held) == 0 && free != name {
				t.Fatalf("%q is called %q beside %v", name, free, held)
			}
			held[free] = true
		}
	})
}
