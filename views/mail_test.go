package views

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"golang.org/x/net/html"
)

var mailMoment = time.Date(2026, time.November, 3, 14, 5, 9, 0, time.UTC)

// letterFaults lists what no mail may have: anything fetched or run, a link that leads elsewhere, a fact that only one
// of the two parts tells.
func letterFaults(m Mail, doc *html.Node) (found []string) {
	for _, img := range find(doc, "img") {
		if m.Brand.Logo == nil || value(img, "src") != m.Brand.Logo.URL || value(img, "alt") != m.Say.Brand() {
			found = append(found, "<img>")
		}
	}
	for _, tag := range []string{"script", "link", "iframe", "object", "base", "form", "svg", "video"} {
		if len(find(doc, tag)) > 0 {
			found = append(found, "<"+tag+">")
		}
	}
	for _, d := range find(doc, "") {
		for _, a := range d.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "src" && d.Data != "img" || a.Key == "background" {
				found = append(found, a.Key+" on <"+d.Data+">")
			}
		}
	}
	for _, a := range find(doc, "a") {
		if to := value(a, "href"); !slices.ContainsFunc(m.Brand.links(m.Say), func(l brandLink) bool { return l.url == to }) && to != m.Base && !strings.HasPrefix(to, m.Base+"/") {
			found = append(found, "a link to "+to)
		}
	}
	for _, style := range find(doc, "style") {
		if fetches.MatchString(text(style)) {
			found = append(found, "a style that fetches something")
		}
	}
	if len(find(doc, "h1")) != 1 || len(find(doc, "html", "lang", "en")) != 1 || len(find(doc, "title")) != 1 {
		found = append(found, "no sound document")
	}
	flat := strings.Join(strings.Fields(m.Text()), " ")
	for _, want := range told(m) {
		if !strings.Contains(flat, strings.Join(strings.Fields(plain(want)), " ")) || want != m.Link && !strings.Contains(text(doc), want) {
			found = append(found, "one of the parts does not tell "+want)
		}
	}
	return found
}

var fetches = regexp.MustCompile(`(?i)url\(|@import|@font-face`)

// told is what both parts of a mail tell.
func told(m Mail) []string {
	list := []string{m.Link}
	if !m.unconfirmed() && !m.linkless() {
		list = append(list, m.To)
	}
	if m.Since.IsZero() {
		list = append(list, exact(m.Say, m.At))
	}
	for _, f := range m.Copied.facts(m.Say) {
		list = append(list, f.Value)
	}
	if m.Since.IsZero() && m.Copied == nil {
		list = append(list, m.Address)
	}
	if m.Device != "" && m.Since.IsZero() && !m.unconfirmed() {
		list = append(list, m.named(m.Device))
	}
	for _, in := range m.SignIns {
		list = append(list, m.quoted(in.Device), in.Agent, in.Address)
	}
	return list
}

func TestEveryMailIsSoundInBothItsParts(t *testing.T) {
	g := gallery{now: mailMoment}
	for _, c := range g.mails() {
		doc := render(t, HTMLMail(c.mail))
		for _, fault := range letterFaults(c.mail, doc) {
			t.Errorf("%s: %s", c.name, fault)
		}
		w := c.mail.words()
		for _, said := range []string{w.subject, w.heading, w.lead, w.why} {
			if said == "" || strings.ContainsFunc(w.subject, unicode.IsControl) {
				t.Errorf("%s: says nothing where something is due: %+v", c.name, w)
			}
		}
		flat := strings.Join(strings.Fields(c.mail.Text()), " ")
		all := []string{w.heading, plain(w.lead), w.why}
		if !c.mail.linkless() {
			all = append(all, c.mail.Base)
		}
		for _, p := range w.after {
			all = append(all, p.text)
		}
		for _, said := range all {
			if !strings.Contains(flat, strings.Join(strings.Fields(said), " ")) {
				t.Errorf("%s: who reads the text alone is not told %q", c.name, said)
			}
		}
		if c.mail.Link != "" && (!strings.Contains(flat, w.act) || !strings.Contains(flat, c.mail.until())) {
			t.Errorf("%s: the text does not tell what the link is for, or until when", c.name)
		}
		if (c.mail.Link != "") != (w.button != "" && w.act != "") {
			t.Errorf("%s: a link without words, or words without a link", c.name)
		}
		for line := range strings.Lines(c.mail.Text()) {
			if len([]rune(line)) > 78 && !strings.Contains(line, "W") && !strings.Contains(line, "token=") {
				t.Errorf("%s: a line of %d characters", c.name, len([]rune(line)))
			}
		}
	}
	if len(Mails()) != len(g.mails()) {
		t.Error("the gallery does not show every mail")
	}
}

func TestNoNameReachesASubjectOrBreaksALine(t *testing.T) {
	m := Mail{Kind: "new_device", To: "a@example.org", Device: "x\u2028From: eve\u202e", At: mailMoment, Base: "https://id.example.org"}
	for _, kind := range []string{"new_device", "device_reused", "password_changed", "account_disabled"} {
		if m.Kind = kind; strings.Contains(m.Subject(), "x") && strings.Contains(m.Subject(), "From") {
			t.Errorf("%s: the subject %q repeats a name", kind, m.Subject())
		}
		if strings.ContainsAny(m.Text(), "\u2028\u2029\u202e") {
			t.Errorf("%s: the text holds what breaks or turns a line", kind)
		}
	}
}

func TestFaultsOfMailsAreFound(t *testing.T) {
	g := gallery{now: mailMoment}
	m := g.mails()[0].mail
	var b strings.Builder
	if err := HTMLMail(m).Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	for _, c := range [][2]string{
		{"<h1", "<img src=x><h1"}, {m.Link, "https://evil.example/"}, {"203.0.113.7", ""},
		{"body,", "body { background: url(x); } body,"}, {"<h1", "<script>x</script><h1"},
	} {
		if broken := strings.Replace(b.String(), c[0], c[1], 1); len(letterFaults(m, parse(t, broken))) == 0 {
			t.Errorf("with %q for %q nothing is found", c[1], c[0])
		}
	}
}
