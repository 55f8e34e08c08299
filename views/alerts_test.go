package views

import (
	"strings"
	"testing"
)

func TestAWarningLeadsOn(t *testing.T) {
	one(t, state(t, "devices/a theft"), "a", "href", "/devices/revoke-others")
	doc := state(t, "devices/thefts and more")
	theft, lost := one(t, doc, "section", "aria-labelledby", "alerts"), one(t, doc, "section", "aria-labelledby", "alerts-lost")
	if s := text(theft); strings.Contains(s, "keeps repeating") || !strings.Contains(s, "Secure your account Dismiss") || !strings.Contains(s, "You’ve changed your password since then.") {
		t.Errorf("the warning of thefts says %q", s)
	}
	if s := text(lost); !strings.Contains(s, "“Pixel 9” keeps repeating") || strings.Contains(s, "Dismiss") {
		t.Errorf("the warning of lost answers says %q", s)
	}
	one(t, state(t, "devices/lost answers"), "form", "action", "/devices/alerts/dismiss")
}

func TestHelpIsShownWhereItHelps(t *testing.T) {
	none(t, state(t, "devices/alone"), "aside", "class", "help")
	one(t, state(t, "devices/many"), "aside", "class", "help")
	none(t, state(t, "devices/a theft"), "aside", "class", "help")
}

// A script shows the question over another page, without the list below it.
func TestTheQuestionNamesTheOtherDevices(t *testing.T) {
	named := find(one(t, state(t, "revoke others/many"), "ul", "class", "named"), "li")
	if len(named) != 6 || text(named[5]) != "and 6 more" {
		t.Errorf("%d entries, the last is %q", len(named), text(named[len(named)-1]))
	}
}

func TestAFormThatOnlyAPasskeyConfirmsHasOneButton(t *testing.T) {
	doc := state(t, "password/with a passkey only")
	one(t, doc, "div", "id", "passkey", "data-quiet", "*")
	none(t, state(t, "password/with everything"), "div", "data-quiet", "*")
	if s := text(doc); !strings.Contains(s, "When you continue, we’ll ask for your passkey.") {
		t.Error("the page does not say what follows")
	}
}

func TestRemovingTheLastFactorSaysNothingOfTrustedBrowsers(t *testing.T) {
	const told = "Your trusted browsers ask for the second step again."
	if strings.Contains(text(state(t, "remove/the last passkey")), told) || !strings.Contains(text(state(t, "remove/a passkey")), told) {
		t.Error("trusted browsers ask for a second step while there is one, and only then")
	}
}
