package web_test

import (
	"net/http"
	"strings"
	"testing"

	"latchkey/auth"
	"latchkey/auth/mail"
	"latchkey/models/modelstest"
	"latchkey/web"
)

// Every other link that is mailed (those about a change of address have a journey of their own), from the mail as the server
// took it to the end, on a phone's screen, with scripts and without: a new account, an alarm, a forgotten password.
func TestEveryMailedLinkIsFollowedToItsEndInARealBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("LEFT OUT: a short run does not test the portal in a browser")
	}
	const bea, first, second = "bea@example.com", "nobody would guess it", "another that nobody would"
	for name, scripts := range map[string]bool{"with scripts": true, "without scripts": false} {
		t.Run(name, func(t *testing.T) {
			chromium(t) // before a database is made
			s := newPostOffice(t, modelstest.SQLite(t), func(a *auth.Config, _ *web.Config) { a.SignupOpen = true })
			b := openTab(t, s.URL, 390, scripts)
			if scripts {
				b.load(vendored(t, "axe/axe.min.js"))
			}

			b.open("/signup", http.StatusOK)
			b.write("#email", bea)
			b.write("#password", first)
			b.follow(`main button[type="submit"]`).one("h1").says("Look into your mail")
			b.open(s.link(s.received("Confirm your e-mail address", bea)), http.StatusOK)
			b.secretIsGone()
			b.check("the confirmation")
			b.shoot("mail-signup")
			b.write("#password", first)
			b.follow(`main button[type="submit"]`).one("p", "class", "whose").says("Signed in as " + bea)

			// A thief who knows the password signs in on a phone; she presses the button in the mail.
			if r := s.tryLogin(bea, first, "thief's phone"); r.status != http.StatusOK {
				t.Fatalf("%d %s", r.status, r.body)
			}
			alarm := s.link(s.received("New sign-in to your account", bea))
			b.open(alarm, http.StatusOK)
			b.secretIsGone()
			b.check("the alarm")
			b.shoot("mail-alarm")
			b.follow(`main button[type="submit"]`).one("p", "class", "notice-text").says("Done: it is signed out, and your password is locked. Choose a new one now, by mail.")
			if r := s.tryLogin(bea, first, "thief's phone"); r.status != http.StatusUnauthorized {
				t.Errorf("a locked password opens: %d", r.status)
			}

			b.write("#email", bea)
			b.follow(`main button[type="submit"]`).one("h1").says("Look into your mail")
			reset := s.link(s.received("Choose a new password", bea))
			b.open(reset, http.StatusOK)
			b.secretIsGone()
			b.check("the reset")
			b.shoot("mail-reset")
			b.write("#new_password", second)
			b.follow(`main button[type="submit"]`).one("h1").says("Sign in")
			everything := s.link(s.received("Your password was changed", bea))
			b.signIn(bea, second).one("h1").says("Devices")
			if faults := b.takeFaults(); len(faults) > 0 {
				t.Errorf("the browser complains: %q", faults)
			}
			for _, used := range []string{alarm, reset} {
				b.open(used, http.StatusGone).one("h1").says("This link cannot be used")
			}
			b.takeFaults() // those pages are 410
			b.open(everything, http.StatusOK)
			b.follow(`main button[type="submit"]`).one("h1").says("Forgotten password")
			b.open("/devices", http.StatusOK).one("h1").says("Sign in")
		})
	}
}

// received is the one mail that arrives now, with the subject and to whom it should be.
func (s *postOffice) received(subject, to string) (m mail.Message) {
	s.t.Helper()
	if m = s.mail(); m.Subject != subject || m.To != to {
		s.t.Fatalf("%q to %q arrives, not %q to %q", m.Subject, m.To, subject, to)
	}
	return m
}

// secretIsGone checks that the address of a page that a link led to holds the link's secret no more.
func (c *tab) secretIsGone() {
	c.t.Helper()
	if at := c.address(); strings.Contains(at, "?") {
		c.t.Errorf("the address is %s", at)
	}
}
