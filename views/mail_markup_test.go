package views

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/net/html"
)

// gmailClip is where Gmail cuts a mail off, in bytes.
const gmailClip = 102 * 1000

// markupFaults lists what a mail program would not understand: Outlook draws with Word's engine, Gmail drops <style> at times, and all of
// them show the first text after the subject.
func markupFaults(m Mail, doc *html.Node) (found []string) {
	fault := func(format string, a ...any) { found = append(found, fmt.Sprintf(format, a...)) }
	hidden := find(doc, "div", "class", "preheader")
	if len(hidden) != 1 || !strings.HasPrefix(text(hidden[0]), plain(m.words().lead)) && !strings.HasPrefix(text(hidden[0]), m.words().lead) ||
		!strings.Contains(value(hidden[0], "style"), "display:none") || !strings.Contains(value(hidden[0], "style"), "mso-hide:all") {
		fault("no preheader")
	}
	for _, table := range find(doc, "table") {
		if value(table, "role") != "presentation" {
			fault("a table of data: %v", table.Attr)
		}
	}
	for _, tag := range []string{"body", "td", "h1", "p", "a"} {
		for _, n := range find(doc, tag) {
			if value(n, "style") == "" || fetches.MatchString(value(n, "style")) {
				fault("<%s> has no style of its own: %v", tag, n.Attr)
			}
		}
	}
	// The block has what an element cannot have: colour schemes and widths of the screen.
	blocks := find(doc, "style")
	if len(blocks) != 1 {
		fault("%d elements <style>", len(blocks))
	}
	for _, block := range blocks {
		rest := regexp.MustCompile(`(?s)@media [^{]*\{([^{}]*\{[^}]*\})*\s*\}|:root \{[^}]*\}`).ReplaceAllString(text(block), "")
		if strings.TrimSpace(rest) != "" {
			fault("styles that are not inline: %s", rest)
		}
	}
	shown := 0
	for _, a := range find(doc, "a") {
		to := value(a, "href")
		if to == m.Link && text(a) == m.words().button {
			continue
		}
		of := slices.ContainsFunc(m.Brand.links(m.Say), func(l brandLink) bool { return l == brandLink{text(a), to} })
		if text(a) != strings.TrimPrefix(to, "mailto:") && !of {
			fault("a link to %s says %q", to, text(a))
		}
		if to == m.Link {
			shown++
		}
	}
	if m.Link != "" && (shown != 1 || len(find(doc, "a", "href", m.Link)) != 2) {
		fault("the link is not told once, under its button")
	}
	flat := strings.Join(strings.Fields(plain(m.Text())), " ")
	for _, f := range m.facts() {
		if !strings.Contains(flat, f.Name) || !strings.Contains(flat, strings.Join(strings.Fields(plain(f.Value)), " ")) {
			fault("the text does not tell %s: %s", f.Name, f.Value)
		}
		if !strings.Contains(text(doc), f.Name) || !strings.Contains(text(doc), contained(f.Value)) {
			fault("the HTML does not tell %s: %s", f.Name, f.Value)
		}
	}
	return found
}

func TestEveryMailIsMadeForMailPrograms(t *testing.T) {
	g := gallery{now: mailMoment}
	kinds := map[string]string{}
	for _, c := range g.mails() {
		for _, fault := range markupFaults(c.mail, render(t, HTMLMail(c.mail))) {
			t.Errorf("%s: %s", c.name, fault)
		}
		subject := c.mail.Subject()
		if before, ok := kinds[subject]; ok && before != c.mail.Kind || utf8.RuneCountInString(strings.ReplaceAll(subject, c.mail.Say.Brand(), "")) >= 70 {
			t.Errorf("%s: the subject %q, also of %q", c.name, subject, before)
		}
		kinds[subject] = c.mail.Kind
	}

	var b strings.Builder
	m := g.mails()[0].mail
	if err := HTMLMail(m).Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	for _, c := range [][2]string{
		{"mso-hide:all", ""}, {`class="preheader"`, ""}, {`role="presentation"`, ""}, {"<h1 style", "<h1 id"}, {"<style>", "<style>h1 { color: red; }"},
		{"</head>", "<style></style></head>"}, {">" + m.Link + "<", ">this page<"}, {">" + m.Base + "<", ">this page<"}, {"203.0.113.7", ""},
	} {
		if broken := strings.Replace(b.String(), c[0], c[1], 1); broken == b.String() || len(markupFaults(m, parse(t, broken))) == 0 {
			t.Errorf("with %q for %q nothing is found", c[1], c[0])
		}
	}
}

// The longest mail: a hundred sign-ins, each with the longest names and addresses.
func TestTheLongestMailIsNotClipped(t *testing.T) {
	m := Mail{Kind: "new_device", To: strings.Repeat("a", 64) + "@example.org", At: mailMoment, Since: mailMoment, Total: 122, Base: "https://id.example.org"}
	m.Link, m.Until = m.Base+"/not-me?token="+strings.Repeat("x", 43), mailMoment.Add(7*24*time.Hour)
	for range 100 {
		m.SignIns = append(m.SignIns, MailSignIn{Device: strings.Repeat("📱", 64), Agent: "Samsung Browser on Windows Phone", Address: "2001:db8:85a3:1234:5678:8a2e:9370:7334", At: mailMoment})
	}
	var b strings.Builder
	if err := HTMLMail(m).Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	if b.Len() >= gmailClip {
		t.Errorf("%d bytes", b.Len())
	}
	t.Logf("%d bytes", b.Len())
}

// Two mails about two devices have two subjects. A name in a subject is short, and is repeated whole or not at all.
func TestSubjectsTellDevicesApart(t *testing.T) {
	for _, c := range []struct{ device, agent, want string }{
		{"Chrome on Windows", "Chrome on Windows", "New sign-in: Chrome on Windows"},
		{"Pixel 9", "", "New sign-in: “Pixel 9”"},
		{"Ada’s iPhone 15.2 (work)", "Safari on iOS", "New sign-in: “Ada’s iPhone 15.2 (work)”"},
		{"Firefox on Linux (2)", "Firefox on Linux", "New sign-in: “Firefox on Linux (2)”"},
		{"https://evil.example/verify", "Firefox on Linux", "New sign-in: Firefox on Linux"},
		{"https://evil.example/verify", "", "New sign-in to your account"},
		{"your account is locked, call us now", "", "New sign-in to your account"},
		{"call 5550100199", "", "New sign-in to your account"}, {"x\u202elive", "", "New sign-in to your account"}, {"\u3164", "", "New sign-in to your account"},
		{"x\r\nBcc: eve", "", "New sign-in to your account"}, {"a”, “b", "", "New sign-in to your account"}, {"", "", "New sign-in to your account"},
	} {
		if got := (Mail{Kind: "new_device", Device: c.device, Agent: c.agent}).Subject(); got != c.want {
			t.Errorf("%q, %q: %q, want %q", c.device, c.agent, got, c.want)
		}
	}
}
