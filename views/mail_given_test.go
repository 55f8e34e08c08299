package views

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestNamesInMailsCanBeReadAndNothingElse(t *testing.T) {
	for name, want := range map[string]string{
		"Pixel 9": "“Pixel 9”", "Ada’s iPhone 15.2 (work)": "“Ada’s iPhone 15.2 (work)”", "📱 phone": "“📱 phone”", "👨‍👩‍👧 tablet": "“👨‍👩‍👧 tablet”", "телефон": "“телефон”",
		"SM-G991B": "“SM-G991B”", "DESKTOP-4F7G8H2": "“DESKTOP-4F7G8H2”", "phone (2)": "“phone (2)”", "R&D laptop #3": "“R&D laptop #3”", "": "“”",
	} {
		if got := (Mail{}).quoted(name); got != want {
			t.Errorf("%q is repeated as %q, want %q", name, got, want)
		}
	}
	// What mail programs make links of: by a scheme, a dot before letters, an @, or seven digits.
	link := regexp.MustCompile(`[.。．｡]\pL|\pL[.。．｡]|://|/|@|＠|[0-9][ ()-]*([0-9][ ()-]*){6}|[0-9]+\.[0-9]+\.`)
	for _, name := range []string{
		"evil.example", "https://evil.example/verify", "www.evil.example", "mailto:a@evil.example", "call +1 (555) 010-0199 now", "5550100199", "evil。example",
		"evil．example", "evil｡example", "a@evil.example", "a＠evil.example", "192.0.2.7", "http:192.0.2.7/x", "1.evil", "evil.1", "<a href=x>", "phone”. Verify at evil.example “",
		"x\u2028From: eve", "x\u202eelpmaxe.live", "ev\u200bil.example", strings.Repeat("your account is locked, ", 3), "٥٥٥٠١٠٠١٩٩", "evil .example", "tel:5550100", "evil\u00adexample.com",
		"evil․example", "evil﹒example",
	} {
		got := (Mail{}).quoted(name)
		if link.MatchString(got) || strings.Count(got, "“") != 1 || strings.Count(got, "”") != 1 || len([]rune(got)) > givenLength+2 || strings.ContainsAny(got, "<>\u2028\u202e\u200b\"․﹒") {
			t.Errorf("%q is repeated as %q", name, got)
		}
	}
}

// Every text that a person or a program may have written, in every kind of mail.
func TestMailsToUnconfirmedAddressesRepeatNothing(t *testing.T) {
	const evil = "Verify-now-at-evil.example"
	g := gallery{now: mailMoment}
	kinds := map[string]bool{}
	for _, c := range g.mails() {
		kinds[c.mail.Kind] = true
	}
	for kind := range kinds {
		m := Mail{
			Kind: kind, To: `"` + evil + `"@example.org`, At: mailMoment, Address: "203.0.113.7", Agent: evil, Device: evil, Base: "https://id.example.org",
			Link: "https://id.example.org/x?token=1", Until: mailMoment.Add(time.Hour), Before: evil + "@example.com", After: evil + "@example.net",
		}
		var b strings.Builder
		if err := HTMLMail(m).Render(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
		for part, text := range map[string]string{"subject": m.Subject(), "text": m.Text(), "HTML": b.String()} {
			found := strings.Contains(strings.ToLower(text), "verify")
			if m.unconfirmed() && found {
				t.Errorf("%s: the %s repeats what was sent", kind, part)
			}
			if part == "subject" && found {
				t.Errorf("%s: the subject repeats what was sent", kind)
			}
		}
	}
	for _, kind := range []string{"account_invited", "signup", "signup_known", "email_confirm", "email_taken", "email_held"} {
		if !kinds[kind] {
			t.Errorf("%s is not tested", kind)
		}
	}
}

// An administrator may have mistyped the new address: the person who has it learns no other. Mails that wait since an older release hold one.
func TestAMailAboutAnAdministratorsChangeNamesNoFormerAddress(t *testing.T) {
	for _, kind := range []string{"email_new", "email_changed"} {
		m := Mail{Kind: kind, To: "new@example.org", At: mailMoment, Operator: true, Before: "verify-now@evil.example", After: "new@example.org", Base: "https://id.example.org"}
		var b strings.Builder
		if err := HTMLMail(m).Render(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(m.Subject()+m.Text()+b.String(), "evil.example") {
			t.Errorf("%s names the former address:\n%s", kind, m.Text())
		}
	}
}
