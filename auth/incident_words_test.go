package auth_test

import (
	"strings"
	"testing"

	"latchkey/auth"
)

func TestTheOperatorsTextOfAnIncidentHasNoLinks(t *testing.T) {
	for text, part := range map[string]string{
		"See https://example.com/help": "https://example.com",
		"See HTTPS://EXAMPLE.COM":      "HTTPS://EXAMPLE.COM",
		"custom app://open":            "app://open",
		"mailto:help@example.com":      "mailto",
		"call tel:+4930123456":         "tel:",
		"www.example":                  "www.",
		"Go to example.com now":        "example.com",
		"Go to example.com, now":       "example.com",
		"bit.ly/abc":                   "bit.ly/abc",
		"id.example.co.uk":             "id.example.co.uk",
		"пример.рф":                    "пример.рф",
		"xn--e1afmkfd.xn--p1ai":        "xn--e1afmkfd.xn--p1ai",
		"example．com":                  "example.com", // a full-width full stop
		"ｅｘａｍｐｌｅ．ｃｏｍ":                  "example.com",
		"example。com":                  "example。com",
		"example｡com":                  "example。com",
		"example\u2024com":             "example.com", // one dot leader
		"exam\u200dple.c\u200com":      "example.com",
		"write to help@example":        "help@example",
		"at 192.0.2.7":                 "192.0.2.7",
		"javascript:alert(1)":          "javascript",
		"We are sorry.Please sign in":  "sorry.Please",
		"<b>bold</b>":                  "without HTML",
		"a > b":                        "without HTML",
		"two\nlines":                   "control characters",
		"a\x00b":                       "control characters",
		"a\u202eb":                     "invisible",
		"a\u2066b\u2069":               "invisible",
		"a\u200fb":                     "invisible",
		"a\u2028b":                     "invisible",
		"exam\u200bple":                "invisible",
		"exam\u00adple":                "invisible",
		"a\xffb":                       "UTF-8",
		strings.Repeat("ä", auth.MaxIncidentWords+1):  "500",
		strings.Repeat("x", 100) + ".com is too long": "…",
	} {
		words, problem := auth.IncidentWords(text)
		if words != "" || !strings.Contains(problem, part) {
			t.Errorf("%q: %q, %q, want a problem with %q", text, words, problem, part)
		}
	}
}

func TestTheOperatorsTextOfAnIncidentMayBeOrdinaryProse(t *testing.T) {
	for _, text := range []string{
		"", strings.Repeat("ä", auth.MaxIncidentWords),
		"On 28.11.2026 at 14:30 we found a bug in version 3.2 of the app. We are sorry! Questions: ask our desk, room 1.204.",
		"Wir haben z. B. Ihre Geräte abgemeldet, d.h. Sie melden sich neu an. Das betrifft 1.000 Geräte (ca. 3 %).",
		"Nous avons déconnecté vos appareils : reconnectez-vous… C’est tout.",
		"すべての端末からログアウトしました。もう一度ログインしてください。Appは3.2です。",
		"سجّلنا خروج أجهزتك. سجّل الدخول مرة أخرى.",
		"می\u200cخواهیم که دوباره وارد شوید 👩\u200d💻",
		"A & B; the U.S. office, e.g. at 5 p.m. and so on... done",
	} {
		if words, problem := auth.IncidentWords(" " + text + " "); words != text || problem != "" {
			t.Errorf("%q: %q, %q", text, words, problem)
		}
	}
}
