package password

import (
	"strings"
	"testing"
)

func TestPasswordPolicy(t *testing.T) {
	const (
		fine    = ""
		short   = "Use at least 12 characters."
		long    = "Use at most 256 characters."
		control = "Choose a password without control characters, such as tabs and line breaks."
		symbols = "Use only letters, digits, spaces, punctuation and plain symbols."
		own     = "Choose a password that isn’t your e-mail address."
		common  = "Choose another password. This one is among the first that attackers try."
	)
	for name, test := range map[string]struct {
		password, email, want string
		least                 int
	}{
		"twelve characters":                      {password: "twelve chars", want: fine},
		"eleven characters":                      {password: "eleven char", want: short},
		"nothing":                                {password: "", want: short},
		"twelve characters of two bytes":         {password: "öüäßéèêëñçåø", want: fine},
		"eleven characters of four bytes":        {password: strings.Repeat("𝛼", 11), want: short},
		"composed: eleven, typed as twenty-two":  {password: strings.Repeat("e\u0301", 11), want: short},
		"composed: twelve, typed as twenty-four": {password: strings.Repeat("e\u0301", 12), want: fine},
		"256 characters":                         {password: strings.Repeat("no", 128), want: fine},
		"257 characters":                         {password: strings.Repeat("no", 128) + "!", want: long},
		"256 of four bytes":                      {password: strings.Repeat("𝛼", 256), want: fine},
		"256 once composed":                      {password: strings.Repeat("e\u0301", 256), want: fine},
		"a megabyte":                             {password: strings.Repeat("a", 1<<20), want: long},
		"letters only, no composition rule":      {password: "abefhijlmosu", want: fine},
		"spaces at both ends":                    {password: "  ten chars ", want: fine},
		"a symbol and an emoji":                  {password: "snow ☃ and 😀 fun", want: fine},
		"a tab":                                  {password: "twelve\tchars", want: control},
		"a line break":                           {password: "twelve chars\n", want: control},
		"a NUL":                                  {password: "twelve\x00chars", want: control},
		"a C1 control":                           {password: "twelve\u0085chars", want: control},
		"a zero-width space":                     {password: "twelve\u200bchars", want: symbols},
		"a private character":                    {password: "twelve\ue000chars", want: symbols},
		"not UTF-8":                              {password: "twelve\xffchars", want: symbols},
		"the e-mail address":                     {password: "adalovelace@example.com", email: "adalovelace@example.com", want: own},
		"the e-mail address in another case":     {password: "AdaLovelace@Example.com", email: "adalovelace@example.com", want: own},
		"the address with a space round it":      {password: "adalovelace@example.com", email: " adalovelace@example.com", want: own},
		"its local part":                         {password: "ADA.LOVELACE1", email: "ada.lovelace1@example.com", want: own},
		"its local part, composed otherwise":     {password: "rene\u0301-descartes", email: "ren\u00e9-descartes@example.com", want: own},
		"its domain":                             {password: "very-long.example.com", email: "ada@very-long.example.com", want: fine},
		"more than the local part":               {password: "ada.lovelace1 rules", email: "ada.lovelace1@example.com", want: fine},
		"no e-mail address":                      {password: "twelve chars", email: "", want: fine},
		"an address without a local part":        {password: "twelve chars", email: "@example.com", want: fine},
		"a common password":                      {password: "password1234", want: common},
		"a common password in another case":      {password: "PassWord1234", want: common},
		"a common password, and a bit":           {password: "password12345 it is", want: fine},
		"the end of a common password":           {password: "4567890qwerty", want: fine},
		"eight are enough when they are":         {password: "eight ch", least: 8, want: fine},
		"a common password of eight":             {password: "trustno1", least: 8, want: common},
		"never fewer than eight":                 {password: "seven c", least: 1, want: "Use at least 8 characters."},
		"never fewer than eight, below nothing":  {password: "seven c", least: -5, want: "Use at least 8 characters."},
		"no more than may be asked for":          {password: strings.Repeat("no", 128), least: 1000, want: fine},
	} {
		t.Run(name, func(t *testing.T) {
			least := test.least
			if least == 0 {
				least = 12
			}
			got := Check(test.password, test.email, least)
			if got != test.want {
				t.Fatalf("Check = %q, want %q", got, test.want)
			}
			if got != fine {
				return
			}
			if _, err := Prepare(test.password); err != nil {
				t.Errorf("what the policy takes cannot be hashed: %v", err)
			}
		})
	}
}

func TestCommonPasswords(t *testing.T) {
	for _, p := range []string{"password1234", "PASSWORD1234", "12345678", "qwertyuiop", "iloveyou", "1qaz2wsx"} {
		if !isCommonPassword(p) {
			t.Errorf("%q is not on the list", p)
		}
	}
	for _, p := range []string{"", "\n", "password\npassword!", "asswor", "correct horse battery staple"} {
		if isCommonPassword(p) {
			t.Errorf("%q is on the list", p)
		}
	}
}

func TestIsCommonReadsWhatWasTyped(t *testing.T) {
	for typed, want := range map[string]bool{"PassWord1234": true, "password1234 ": false, "": false, "pass\x00word1234": false, strings.Repeat("a", 1<<20): false} {
		if IsCommon(typed) != want {
			t.Errorf("%.20q: %v", typed, !want)
		}
	}
}

// Every entry must be one that isCommonPassword can find: whole, in lower case, and within the length limits.
func TestCommonPasswordsFile(t *testing.T) {
	lines := strings.Split(strings.Trim(commonPasswords(), "\n"), "\n")
	if len(lines) != 17950 {
		t.Errorf("%d entries, want 17,950", len(lines))
	}
	for i, line := range lines {
		if len(line) < Shortest || line != strings.ToLower(line) || i > 0 && lines[i-1] >= line {
			t.Errorf("entry %d, %q: short, not lower-cased, or out of order", i, line)
		}
	}
	for _, ends := range []string{lines[0], lines[len(lines)-1]} {
		if !isCommonPassword(ends) {
			t.Errorf("%q, at an end of the list, is not found", ends)
		}
	}
}

func BenchmarkCheckPassword(b *testing.B) {
	for b.Loop() {
		if problem := Check("correct horse battery staple", "ada@example.com", 12); problem != "" {
			b.Fatal(problem)
		}
	}
}
