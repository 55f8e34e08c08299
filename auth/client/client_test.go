package client

import (
	"regexp"
	"strings"
	"testing"
)

func TestSecretsAreLongAndMeanThemselvesInAForm(t *testing.T) {
	a, hash := newSecret()
	b, _ := newSecret()
	if a == b || !regexp.MustCompile(`^lkcs_[A-Za-z0-9_-]{43}$`).MatchString(a) || strings.Contains(string(hash), a) {
		t.Errorf("%q, %q", a, b)
	}
	if !sameSecret(hash, a) || sameSecret(hash, b) || sameSecret(hash, "") || sameSecret(hash, a+"x") || sameSecret(nil, "") {
		t.Error("secrets are compared wrongly")
	}
}

func TestScopesAreReadAsOAuthWritesThem(t *testing.T) {
	for text, want := range map[string]string{
		"own_devices:read":                   "own_devices:read",
		"users:read own_devices:read":        "own_devices:read users:read",
		"a a":                                "a",
		"":                                   "!",
		`a"b`:                                "!",
		`a\b`:                                "!",
		"é":                                  "!",
		strings.Repeat("a", 129):             "!",
		"https://api.example.com/read,write": "https://api.example.com/read,write",
	} {
		stored, problem := readList(scopesOf([]string{text}), readers["scope"])
		if problem != "" {
			stored = "!"
		}
		if stored != want {
			t.Errorf("%q: %q %s", text, stored, problem)
		}
	}
}
