package views

import "testing"

func TestTheKindIsNotSaidAfterANameThatSaysIt(t *testing.T) {
	for name, want := range map[string]string{
		"Firefox on Linux":           "",
		"Firefox on Linux (2)":       "",
		"Firefox on Linux (17)":      "",
		"Firefox on Linux (at work)": "Firefox on Linux",
		"Firefox on Linux (2":        "Firefox on Linux",
		"Firefox on Linux ()":        "Firefox on Linux",
		"laptop":                     "Firefox on Linux",
	} {
		if got := kindOf(english, Device{Name: name, Agent: "Firefox on Linux"}); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
