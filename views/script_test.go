package views

import (
	"encoding/json"
	"strconv"
	"testing"

	"golang.org/x/net/html"

	"latchkey/views/catalog"
)

// What the script says stands in the page, in the page's language.
func TestWhatTheScriptSaysStandsInThePage(t *testing.T) {
	has := func(name string, n *html.Node, attributes ...string) {
		for _, a := range attributes {
			if value(n, a) == "" {
				t.Errorf("%s: <%s> has no words in %s", name, n.Data, a)
			}
		}
	}
	for _, s := range Gallery(testAssets) {
		doc := render(t, s.Component)
		for _, button := range find(doc, "button", "data-copy", "*") {
			has(s.Name, button, "data-copied")
		}
		for _, said := range find(doc, "p", "class", "passkey-said") {
			has(s.Name, said, "data-unsupported", "data-follow", "data-confirmed", "data-duplicate", "data-failed", "data-slow", "data-cancelled")
		}
		for _, form := range find(doc, "form", "data-download", "") {
			has(s.Name, one(t, form, "p", "class", "form-said"), "data-began")
		}
		has(s.Name, one(t, doc, "body"), "data-offline")
		for _, line := range find(doc, "p", "data-strength", "*") {
			has(s.Name, line, "data-easy", "data-enough", "data-good")
			least, _ := strconv.Atoi(value(one(t, doc, "input", "id", value(line, "data-strength")), "minlength"))
			var missing []string
			if err := json.Unmarshal([]byte(value(line, "data-missing")), &missing); err != nil || least < 2 || len(missing) != least-1 || missing[1] != (catalog.Printer{}).StrengthMissing(2) {
				t.Errorf("%s: of %d characters: %q, %v", s.Name, least, missing, err)
			}
		}
	}
}
