package views

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// bareAddresses finds the word where it does not say which kind of address is meant.
func bareAddresses(s string) (found []string) {
	s = strings.Join(strings.Fields(s), " ")
	for _, at := range regexp.MustCompile(`(?i)\baddress(es)?\b`).FindAllStringIndex(s, -1) {
		example := strings.HasSuffix(s[:at[0]], ".") && !strings.HasPrefix(s[at[1]:], " ") // a.long.address@example.org
		if !example && !regexp.MustCompile(`(?i)\b(e-mail|IP|loopback) $`).MatchString(s[:at[0]]) {
			found = append(found, "…"+s[max(0, at[0]-40):min(len(s), at[1]+20)]+"…")
		}
	}
	return found
}

// isCode tells of samples: an address is a URL there, as in every program.
func isCode(n *html.Node) bool { return n.Data == "pre" }

// "Address" alone may be an e-mail address or an IP address: a page or a mail says which.
func TestEveryAddressSaysWhichKindItIs(t *testing.T) {
	shown := 0
	for _, s := range append(Gallery(testAssets), Mails()...) {
		doc := render(t, s.Component)
		var words string
		for n := range doc.Descendants() {
			if n.Type == html.TextNode && n.Parent.Data != "style" && !slices.ContainsFunc(slices.Collect(n.Ancestors()), isCode) {
				words += " " + n.Data
			}
		}
		for _, e := range find(doc, "") {
			for _, name := range []string{"title", "aria-label", "placeholder", "alt"} {
				words += " | " + value(e, name)
			}
		}
		shown += strings.Count(strings.ToLower(words), "address")
		for _, bare := range bareAddresses(words) {
			t.Errorf("%s: %s", s.Name, bare)
		}
	}
	for _, m := range (gallery{now: mailMoment}).mails() {
		for _, bare := range bareAddresses(m.mail.Subject() + " | " + m.mail.Text()) {
			t.Errorf("the text of %s: %s", m.name, bare)
		}
	}
	if shown < 100 {
		t.Errorf("the word is shown %d times: the gallery does not show it", shown)
	}
}
