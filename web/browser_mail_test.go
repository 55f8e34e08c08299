package web_test

import (
	"net/http"
	"strings"
	"testing"

	"latchkey/auth"
	"latchkey/auth/mail"
	"latchkey/auth/services"
	"latchkey/auth/signin"
	"latchkey/models"
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
			s := newPostOffice(t, modelstest.MigratedSQLite(t), func(a *services.Config, _ *web.Config) { a.SignupOpen = true })
			b := openTab(t, s.URL, 390, scripts)
			if scripts {
				b.load(vendored(t, "axe/axe.min.js"))
			}

			b.open("/signup", http.StatusOK)
			b.write("#email", bea)
			b.write("#password", first)
			b.follow(`main button[type="submit"]`).one("h1").says("Check your e-mail")
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
			alarm := s.link(s.received("New sign-in: “thief's phone”", bea))
			b.open(alarm, http.StatusOK)
			b.secretIsGone()
			b.check("the alarm")
			b.shoot("mail-alarm")
			locked := b.follow(`main button[type="submit"]`)
			locked.one("p", "class", "notice-text").says("Signed out. Your password is now locked.")
			locked.one("h1").says("Your password is locked")
			b.check("the locked account")
			b.shoot("mail-locked")
			if r := s.tryLogin(bea, first, "thief's phone"); r.status != http.StatusUnauthorized {
				t.Errorf("a locked password opens: %d", r.status)
			}

			b.follow(`main button[type="submit"]`).one("h1").says("Check your e-mail")
			reset := s.link(s.received("Choose a new password", bea))
			b.open(reset, http.StatusOK)
			b.secretIsGone()
			b.check("the reset")
			b.shoot("mail-reset")
			b.write("#new_password", second)
			b.follow(`main button[type="submit"]`).one("h1").says("Sign in")
			everything := s.link(s.received("Your password was changed", bea))
			b.write("#password", second) // the address is filled in
			b.follow(`main button[type="submit"]`).one("h1").says("Devices")
			if faults := b.takeFaults(); len(faults) > 0 {
				t.Errorf("the browser complains: %q", faults)
			}
			s.clock.Advance(models.UsedLinkLife)
			for _, used := range []string{alarm, reset} {
				b.open(used, http.StatusGone).one("h1").says("This link doesn’t work")
			}
			b.shoot("mail-dead")
			b.takeFaults() // those pages are 410
			b.open(everything, http.StatusOK)
			b.follow(`main button[type="submit"]`).one("h1").says("Your password is locked")
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

// Two people's links in two tabs, under a host name over plain http: there browsers send no Fetch Metadata, and every form is judged
// by its Origin, which a page that forbids a Referer would have made null.
func TestLinksWorkInTwoTabsUnderAHostNameOverHTTP(t *testing.T) {
	if testing.Short() {
		t.Skip("LEFT OUT: a short run does not test the portal in a browser")
	}
	chromium(t) // before a database is made
	s := newPostOffice(t, modelstest.MigratedSQLite(t), func(_ *services.Config, w *web.Config) {
		w.BaseURL = strings.Replace(w.BaseURL, "127.0.0.1", hostName, 1)
	})
	s.URL = strings.Replace(s.URL, "127.0.0.1", hostName, 1)
	s.addUser(eveEmail, evePassword)
	forgot := func(email string) string {
		t.Helper()
		if err := s.auth.Accounts.RequestPasswordReset(t.Context(), email, auth.Caller{}); err != nil {
			t.Fatal(err)
		}
		return s.link(s.received("Choose a new password", email))
	}
	opens := func(email, password string) bool {
		_, err := s.auth.SignIn.Login(t.Context(), signin.LoginRequest{Email: email, Password: password, DeviceName: "phone", ClientID: "app"})
		return err == nil
	}
	first := openTab(t, s.URL, 800, true)
	first.open(forgot(adaEmail), http.StatusOK).one("input", "autocomplete", "username", "value", adaEmail)
	second := first.another()
	second.open(forgot(eveEmail), http.StatusOK).one("input", "autocomplete", "username", "value", eveEmail)

	first.write("#new_password", newPassword)
	first.follow(`main button[type="submit"]`).one("input", "id", "email", "value", adaEmail)
	if !opens(adaEmail, newPassword) || !opens(eveEmail, evePassword) {
		t.Error("the first tab changed another account's password")
	}
	second.write("#new_password", "eve's own new words")
	second.follow(`main button[type="submit"]`).one("input", "id", "email", "value", eveEmail)
	if !opens(eveEmail, "eve's own new words") || !opens(adaEmail, newPassword) {
		t.Error("the second tab changed another account's password")
	}

	var alarms []string
	for _, m := range s.mails() {
		if m.Subject == "Your password was changed" {
			alarms = append(alarms, s.link(m))
		}
	}
	first.open(alarms[0], http.StatusOK).one("h1").says("Wasn’t this you?")
	second.open(alarms[1], http.StatusOK).one("h1").says("Wasn’t this you?")
	first.follow(`main button[type="submit"]`).one("h1").says("Your password is locked")
	if opens(adaEmail, newPassword) || !opens(eveEmail, "eve's own new words") {
		t.Error("the first tab locked another account")
	}
	first.follow(`main button[type="submit"]`).one("h1").says("Check your e-mail")
}
