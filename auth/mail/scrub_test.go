package mail_test

import (
	"strings"
	"testing"

	"latchkey/auth/mail"
)

func TestNoAddressSurvivesScrubbing(t *testing.T) {
	for _, address := range []string{
		"ada@example.com", "<ada@example.com>", `"ada love"@example.com`, `<"ada"@example.com>`, "ada@bücher.example", "jürgen@example.com",
		"ada%40example.com", "ada%2540example.com", "ada=40example.com", "ada&#64;example.com", "ada&#x40;example.com", "ada&commat;example.com",
		`ada\u0040example.com`, `ada\x40example.com`, "ada＠example.com", "ada@[192.0.2.1]", "ada.love+tag@mail.example.com", "mailto:ada@example.com",
		"ADA@EXAMPLE.COM", "ada@localhost", "ada@xn--bcher-kva.example", "ADA%40EXAMPLE.COM",
	} {
		for _, around := range []string{"%", "cannot mail %: no", "x=% y", "(%)", "to:%,", "a\n%\nb", `key="%"`, "?email=%&x=1"} {
			got := mail.Scrub(strings.Replace(around, "%", address, 1))
			if lower := strings.ToLower(got); strings.Contains(lower, "ada") || strings.Contains(lower, "jürgen") || strings.Contains(got, "@") {
				t.Errorf("%q in %q: %q", address, around, got)
			}
		}
	}
	for _, text := range []string{"", "a line", "sqlite:data/latchkey.db", "SELECT * FROM users WHERE email_key = ? AND x % 7 = 0", "100 % sure", `C:\users\ada`, "a=4 0"} {
		if got := mail.Scrub(text); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}
