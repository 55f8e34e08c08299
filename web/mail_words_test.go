package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"latchkey/auth/token"
)

// What a person or their browser writes goes to no address that may be a stranger's, in no part of a mail.
func TestMailsToStrangersRepeatNothingThatWasSent(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		const evil = "Verify-now-at-evil.example"
		wicked := strings.ToLower(evil) + "@example.net" // an account's address with words in it
		if _, err := s.auth.Operator.AddUser(t.Context(), wicked, adaPassword, "user"); err != nil {
			t.Fatal(err)
		}
		b := s.browser()
		b.agent = evil + "/9 (Windows NT 10.0)"
		b.signIn(wicked, adaPassword)
		s.mails()
		b.expect(b.move("stranger@example.org", adaPassword), http.StatusSeeOther, "/security") // no account's
		b.expect(b.move(adaEmail, adaPassword), http.StatusSeeOther, "/security")               // another account's
		other := s.browser()
		other.agent = evil + "/9 (Windows NT 10.0)"
		for _, email := range []string{"bea+" + evil + "@example.org", strings.ToUpper(adaEmail)} {
			if r := other.post("/signup", url.Values{"email": {email}, "password": {"nobody would guess it"}, "next": {"/" + evil}}); r.status != http.StatusSeeOther {
				t.Fatalf("%s: %d", email, r.status)
			}
		}
		list := s.mails()
		if len(list) != 4 {
			t.Fatalf("%d mails", len(list))
		}
		for _, m := range list {
			if all := strings.ToLower(m.Subject + m.Text + m.HTML); strings.Contains(all, "verify") || strings.Contains(all, "evil") || strings.Contains(all, "windows") {
				t.Errorf("to %s: %s\n%s", m.To, m.Subject, m.Text)
			}
		}
	})
}

// The owner's mails and pages call a browser by names of ours, whatever it calls itself.
// An account may have had any address. Mails to one that no person has confirmed for it say none of those.
func TestMailsToStrangersNameNoFormerAddress(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		const first, second = "verify-now@evil.example", "verify-again@evil.example"
		if _, err := s.auth.Operator.AddUser(t.Context(), first, adaPassword, "user"); err != nil {
			t.Fatal(err)
		}
		strangers := 0
		check := func(when string) {
			t.Helper()
			for _, m := range s.mails() {
				if m.To != first && m.To != second {
					strangers++
				}
				own := strings.NewReplacer(m.To, "").Replace(m.Subject + m.Text + m.HTML)
				if strings.Contains(own, "evil.example") {
					t.Errorf("%s, to %s: %s\n%s", when, m.To, m.Subject, m.Text)
				}
			}
		}
		b := s.browser()
		b.signIn(first, adaPassword)
		s.moved(b, second, adaPassword)
		b.expect(b.move("stranger@example.org", adaPassword), http.StatusSeeOther, "/security")
		check("asked for")
		b.expect(b.move(adaEmail, adaPassword), http.StatusSeeOther, "/security")
		check("taken")
		if err := s.auth.Operator.SetEmail(t.Context(), second, "mistyped@example.org"); err != nil {
			t.Fatal(err)
		}
		check("mistyped by an operator")
		if r := s.browser().post("/forgot", url.Values{"email": {"mistyped@example.org"}}); r.status != http.StatusSeeOther {
			t.Fatal(r.status)
		}
		check("forgot the password")
		if strangers != 4 {
			t.Errorf("%d mails to strangers", strangers)
		}
	})
}

func TestABrowserIsCalledByNamesOfOurs(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		s.login("phone")
		s.mails()
		b := s.browser()
		b.agent = "Verify-now-at-evil.example/9 (Windows NT 10.0)"
		b.signIn(adaEmail, adaPassword)
		b.expect(b.post("/security", url.Values{"current_password": {adaPassword}, "new_password": {newPassword}}), http.StatusSeeOther, "/devices")
		list := s.mails()
		if len(list) != 2 {
			t.Fatalf("%d mails", len(list))
		}
		for _, m := range list {
			if all := strings.ToLower(m.Subject + m.Text + m.HTML); strings.Contains(all, "verify") || !strings.Contains(all, "unknown browser") {
				t.Errorf("%s\n%s", m.Subject, m.Text)
			}
		}
		for _, path := range []string{"/devices", "/activity"} {
			if page := b.get(path).body; strings.Contains(page, "Verify-now") {
				t.Errorf("%s repeats it", path)
			}
		}
	})
}

func TestASummaryIsReadAndAnswered(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		her := s.signedIn()
		s.clock.Advance(2 * time.Hour)
		var refresh string
		for _, name := range []string{"his 1", "his 2", "his 3", "https://evil.example/verify", "his 5"} {
			refresh = s.login(name).refresh
			s.clock.Advance(time.Minute)
		}
		if list := s.mails(); len(list) != 3 {
			t.Fatalf("%d mails at first", len(list))
		}
		s.clock.Advance(10 * time.Minute)
		m := s.mail()
		for _, want := range []string{"“his 1”", "“his 5”", "“https evil example verify”", "127.0.0.1", "since 23 November 2026"} {
			if flat := strings.Join(strings.Fields(m.Text), " "); !strings.Contains(flat, want) || !strings.Contains(m.HTML, want) {
				t.Errorf("%q is missing in\n%s", want, m.Text)
			}
		}
		if m.Subject != "5 new sign-ins to your account" || strings.Contains(m.Text+m.HTML, "evil.example") {
			t.Errorf("%s\n%s", m.Subject, m.Text)
		}
		b := s.browser()
		b.opened(s.link(m))
		if page := b.get("/not-me").body; !strings.Contains(page, "every device that signed in since <time") {
			t.Errorf("the page: %s", page)
		}
		b.expect(b.post("/not-me", nil), http.StatusSeeOther, b.links["/not-me"])
		s.refused(refresh, token.ReasonRevoked)
		her.shown("/devices")
	})
}
