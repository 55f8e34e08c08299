package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"latchkey/auth"
	"latchkey/auth/notify"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// invited makes an account by an invitation, and returns the link in its mail.
func (s *postOffice) invited(email string) string {
	s.t.Helper()
	if _, err := s.auth.Operator.AddInvited(s.t.Context(), email, models.RoleUser); err != nil {
		s.t.Fatal(err)
	}
	list := s.mails()
	return s.link(list[len(list)-1])
}

// accept answers the invitation that was followed last.
func (b *browser) accept(password string) reply {
	b.t.Helper()
	return b.post("/invite", url.Values{"new_password": {password}})
}

const beaEmail = "bea@example.com"

func TestAnInvitationSetsTheFirstPasswordAndSignsIn(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		if _, err := s.auth.Operator.AddInvited(t.Context(), beaEmail, models.RoleSupport); err != nil {
			t.Fatal(err)
		}
		m := s.mail()
		if m.To != beaEmail || m.Subject != "Choose a password for your new account" || strings.Contains(m.Text+m.HTML, beaEmail) {
			t.Errorf("to %q: %q\n%s", m.To, m.Subject, m.Text)
		}
		for what, password := range map[string]string{"a guess": adaPassword, "nothing": ""} {
			if r := s.tryLogin(beaEmail, password, "phone"); r.status == http.StatusOK {
				t.Errorf("%s opens the account", what)
			}
		}
		unknown, invited := s.tryLogin("nobody@example.com", adaPassword, "phone"), s.tryLogin(beaEmail, adaPassword, "phone")
		if invited.status != http.StatusUnauthorized || invited.text(t, "code") != unknown.text(t, "code") || invited.text(t, "detail") != unknown.text(t, "detail") {
			t.Errorf("an invited account is answered %d %s, an unknown one %s", invited.status, invited.body, unknown.body)
		}
		b, link := s.browser(), s.link(m)
		form := b.opened(link).one("form", "action", b.links["/invite"])
		form.one("input", "autocomplete", "username", "value", beaEmail)
		form.one("input", "autocomplete", "new-password", "name", "new_password")
		for bad, problem := range map[string]string{"": "This is required.", "short": "Use at least 12 characters.", beaEmail: "Choose a password that isn’t your e-mail address."} {
			r := b.accept(bad)
			if r.status != http.StatusUnprocessableEntity {
				t.Fatalf("%q: %d", bad, r.status)
			}
			r.screen(t).one("p", "id", "new_password-problem").says(problem)
		}
		b.expect(b.accept(newPassword), http.StatusSeeOther, "/devices")
		b.told("/devices", "Your account is ready, and you’re signed in.")
		if list := s.mails(); len(list) != 1 || list[0].Subject != "Your account now has a password" || !strings.HasPrefix(s.link(list[0]), "/not-me?") {
			t.Errorf("the owner is told %+v", list)
		}
		if got := strings.Join(b.shown("/activity").texts("p", "class", "event-text"), "|"); !strings.Contains(got, "You chose your first password with the link in your invitation.") {
			t.Errorf("the activity says %q", got)
		}
		// From the browser that is known by now a sign-in is no news.
		b.expect(b.post("/logout", nil), http.StatusSeeOther, "/login")
		b.signIn(beaEmail, newPassword)
		if list := s.mails(); len(list) != 0 {
			t.Errorf("a sign-in from a known place is told: %+v", list)
		}
		if err := s.auth.Operator.Invite(t.Context(), beaEmail); auth.AsError(err).Kind != auth.KindNotAllowed {
			t.Errorf("an account in use is invited again: %v", err)
		}
	})
}

// What ends an invitation, and what does not.
func TestAnInvitationEndsWithItsAccountsState(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		first := s.invited(beaEmail)
		must(s.auth.Operator.Invite(t.Context(), "BEA@example.com"))
		second := s.link(s.mail())
		s.browser().opened(first) // a newer one ends no older one
		s.browser().opened(second)

		// Another address: the link to the old one ends, and a new invitation goes to the new one.
		must(s.auth.Operator.SetEmail(t.Context(), beaEmail, newEmail))
		var moved string
		for _, m := range s.mails() {
			if m.To == newEmail {
				moved = s.link(m)
			} else if strings.Contains(m.Text, "token=") {
				t.Errorf("to %s: %s", m.To, m.Text)
			}
		}
		s.browser().dead("to the old address", first)
		s.browser().dead("to the old address", second)
		s.browser().opened(moved)

		// Past the end of every link the operator can still move and invite it.
		s.clock.Advance(notify.InviteLife)
		s.browser().dead("ended", moved)
		must(s.auth.Operator.SetEmail(t.Context(), newEmail, beaEmail))
		again := ""
		for _, m := range s.mails() {
			if m.To == beaEmail {
				again = s.link(m)
			}
		}
		s.browser().opened(again)

		if _, err := s.auth.Operator.Disable(t.Context(), beaEmail); err != nil {
			t.Fatal(err)
		}
		if err := s.auth.Operator.Invite(t.Context(), beaEmail); auth.AsError(err).Kind != auth.KindNotAllowed || !strings.Contains(err.Error(), "disabled") {
			t.Errorf("a disabled account is invited: %v", err)
		}
		must(s.auth.Operator.Enable(t.Context(), beaEmail))
		s.browser().dead("after disable and enable", again)
		s.mails()
		must(s.auth.Operator.Invite(t.Context(), beaEmail))
		last := s.link(s.mail())

		// The forgotten password sets the first one as well; then the invitation is over.
		s.clock.Advance(time.Minute)
		b := s.browser()
		b.forget(beaEmail)
		b.opened(s.link(s.mail()))
		b.expect(b.choose(newPassword), http.StatusSeeOther, "/login")
		s.browser().dead("after a reset by mail", last)
		b.signIn(beaEmail, newPassword)
	})
}

// A release that does not know invitations changes the password and leaves the links; none of them works any more.
func TestAPasswordOfThePreviousReleaseEndsTheInvitation(t *testing.T) {
	if modelstest.OnCitus() {
		t.Skip("no previous release runs on Citus")
	}
	posted(t, func(t *testing.T, s *postOffice) {
		link := s.invited(beaEmail)
		b := s.browser()
		b.opened(link)
		s.exec("UPDATE users SET password_hash = (SELECT password_hash FROM users WHERE email_key = '" + adaEmail + "'), password_changed_at = '2026-11-23 12:00:01+00:00' WHERE email_key = '" + beaEmail + "'")
		if r := b.accept(newPassword); r.status != http.StatusGone {
			t.Errorf("%d", r.status)
		}
		s.browser().dead("after a new password", link)
		if r := s.tryLogin(beaEmail, adaPassword, "phone"); r.status != http.StatusOK {
			t.Errorf("the new password: %d", r.status)
		}
	})
}

func TestWithoutMailNobodyIsInvited(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.unchanged("an invitation", func() {
			if _, err := s.auth.Operator.AddInvited(t.Context(), beaEmail, models.RoleUser); err == nil || !strings.Contains(err.Error(), "LATCHKEY_SMTP_URL") {
				t.Errorf("%v", err)
			}
			if err := s.auth.Operator.Invite(t.Context(), adaEmail); err == nil || !strings.Contains(err.Error(), "LATCHKEY_SMTP_URL") {
				t.Errorf("%v", err)
			}
		})
	})
}
