package views

import (
	"regexp"
	"strings"
	"testing"

	"latchkey/views/catalog"
)

// ourName is what no person reads on a server with a brand, in whatever case it is written.
var ourName = regexp.MustCompile(`(?i).{0,60}latch.?key.{0,30}`)

// Of a server whose operator gave it a name, every page in every state and every mail carries that name, and none ours: in texts,
// titles, attributes, addresses and names of files. Only /docs describes our product.
func TestNothingOfABrandedServerSaysOurName(t *testing.T) {
	p := catalog.Printer{}.Named("Acme") // no catalogue may hold our name: Check
	states := append(GalleryOf(p, testAssets, SampleBrand(testAssets)), MailsOf(p, testAssets, SampleBrand(testAssets))...)
	if len(states) < 200 {
		t.Fatalf("only %d states", len(states))
	}
	for _, s := range states {
		var b strings.Builder
		if err := s.Component.Render(catalog.With(t.Context(), p), &b); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(s.Name, "docs/") {
			continue
		}
		if found := ourName.FindString(b.String()); found != "" {
			t.Errorf("%s: %s", s.Name, found)
		}
		if !strings.Contains(b.String(), "Acme") && !strings.HasPrefix(s.Name, "brand/") && !strings.Contains(s.Name, "of a brand") {
			t.Errorf("%s: the name is missing", s.Name)
		}
	}
	g := gallery{say: p, brand: SampleBrand(testAssets), now: mailMoment}
	for _, m := range g.mails() {
		all := m.mail.Subject() + "\n" + m.mail.Text()
		if found := ourName.FindString(all); found != "" {
			t.Errorf("%s: the text says %s", m.name, found)
		}
		if !strings.HasSuffix(m.mail.Subject(), " · "+m.mail.Say.Brand()) || !strings.Contains(m.mail.Text(), "\n"+m.mail.Say.Brand()+"\n") ||
			strings.Contains(m.mail.Text(), " https://brand.example/imprint\n") == m.mail.linkless() {
			t.Errorf("%s: the name or a link is missing in %q", m.name, all)
		}
	}
}

// What an operator set is shown, and what they did not set is not.
func TestTheBottomLeadsToWhatTheOperatorTells(t *testing.T) {
	page := func(b Brand) string {
		var out strings.Builder
		p := SignupPage{Shell: Shell{Title: "x", Brand: b}, PasswordMin: 12}
		if err := Signup(p).Render(t.Context(), &out); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	const terms, privacy = "https://brand.example/terms", "https://brand.example/privacy"
	for name, c := range map[string]struct {
		brand Brand
		says  string
		links int
	}{
		"nothing": {Brand{}, "", 0},
		"terms":   {Brand{Terms: terms}, "By creating an account, you agree to the terms of service.", 1},
		"privacy": {Brand{Privacy: privacy}, "The privacy policy explains how your data is used.", 1},
		"both":    {Brand{Terms: terms, Privacy: privacy, Imprint: "https://brand.example/imprint"}, "By creating an account, you agree to the terms of service. The privacy policy explains how your data is used.", 3},
		"support": {Brand{Support: "mailto:help@brand.example"}, "", 1},
	} {
		doc := parse(t, page(c.brand))
		agreement := find(doc, "p", "class", "hint agreement")
		if said := len(agreement) == 1 && text(agreement[0]) == c.says; said != (c.says != "") {
			t.Errorf("%s: it says otherwise", name)
		}
		if n := len(find(one(t, doc, "footer"), "a")); n != c.links {
			t.Errorf("%s: %d links", name, n)
		}
		none(t, doc, "a", "href", "/docs")
	}
	errorPage := render(t, Error(ErrorPage{Shell: Shell{Title: "x", Brand: Brand{Support: "mailto:help@brand.example"}}, Heading: "x"}))
	if len(find(one(t, errorPage, "main"), "a", "href", "mailto:help@brand.example")) != 1 {
		t.Error("an error does not lead to help")
	}
}
