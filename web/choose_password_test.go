package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"latchkey/models"
)

const printedPassword = "printed4by8the2command6here"

func (s *site) addGenerated(email string) {
	s.t.Helper()
	if _, err := s.auth.Operator.AddUserGenerated(s.t.Context(), email, printedPassword, models.RoleSupport); err != nil {
		s.t.Fatal(err)
	}
}

// signInGenerated signs in with the printed password, which leads to the page for another one.
func (b *browser) signInGenerated(email, next, leads string) {
	b.t.Helper()
	b.expect(b.post("/login", url.Values{"email": {email}, "password": {printedPassword}, "next": {next}}), http.StatusSeeOther, leads)
}

func (s *site) mustChoose(email string) {
	s.t.Helper()
	r := s.tryLogin(email, printedPassword, "phone")
	if r.status != http.StatusForbidden || r.text(s.t, "code") != "password_change_required" || r.text(s.t, "setup_uri") != s.URL+"/login" || strings.Contains(r.body, "token") {
		s.t.Errorf("an app with a generated password: %d %s", r.status, r.body)
	}
}

func TestAGeneratedPasswordIsReplacedBeforeAnythingElse(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.addGenerated(beaEmail)
		s.unchanged("an app's sign-in", func() { s.mustChoose(beaEmail) })
		if r := s.tryLogin(beaEmail, "another wrong password", "phone"); r.status != http.StatusUnauthorized {
			t.Errorf("a wrong password: %d %s", r.status, r.body)
		}
		b := s.browser()
		b.signInGenerated(beaEmail, "/activity", "/security/password?next=%2Factivity")
		for _, path := range []string{"/activity", "/security", "/security/data", "/security/delete", "/support"} {
			b.expect(b.get(path), http.StatusSeeOther, "/security/password?next="+url.QueryEscape(path))
		}
		b.expect(b.get("/login?next=/support"), http.StatusSeeOther, "/security/password?next=%2Fsupport")
		for _, path := range []string{"/security", "/security/email", "/security/data", "/security/delete", "/security/ways-back", "/devices/alerts/dismiss"} {
			b.expect(b.post(path, url.Values{"password": {printedPassword}, "current_password": {printedPassword}, "new_password": {newPassword}}), http.StatusSeeOther, "/security/password")
		}
		page := b.shown("/security/password?next=/activity")
		form := page.one("form", "action", "/security/password")
		form.one("input", "autocomplete", "username", "value", beaEmail)
		form.one("input", "autocomplete", "new-password", "name", "new_password")

		// Signing out never waits: other devices, and this browser.
		other := s.browser()
		other.signInGenerated(beaEmail, "", "/security/password")
		other.shown("/devices")
		other.expect(other.post("/devices/revoke-others", nil), http.StatusSeeOther, "/devices")
		b.expect(b.get("/security/password"), http.StatusSeeOther, "/login?next=%2Fsecurity%2Fpassword")
		other.expect(other.post("/logout", nil), http.StatusSeeOther, "/login")

		b.signInGenerated(beaEmail, "/activity", "/security/password?next=%2Factivity")
		for _, bad := range [][3]string{
			{"not the password", newPassword, "current_password"}, {printedPassword, printedPassword, "new_password"}, {printedPassword, "short", "new_password"},
			{"not the password", printedPassword, "current_password"},
		} {
			r := b.post("/security/password", url.Values{"current_password": {bad[0]}, "new_password": {bad[1]}, "next": {"/activity"}})
			if r.status != http.StatusUnprocessableEntity {
				t.Fatalf("%q: %d to %q", bad, r.status, r.header.Get("Location"))
			}
			r.screen(t).one("p", "id", bad[2]+"-problem")
		}
		s.mustChoose(beaEmail)
		own := url.Values{"current_password": {printedPassword}, "new_password": {newPassword}, "next": {"/activity"}}
		if r := b.post("/security/password", url.Values{"account": {noDevice}, "current_password": {printedPassword}, "new_password": {newPassword}}); r.status != http.StatusConflict {
			t.Errorf("a form that was made for another account: %d", r.status)
		}
		for range 2 { // a form that is sent twice
			b.expect(b.post("/security/password", own), http.StatusSeeOther, "/activity")
		}
		b.shown("/activity")
		b.shown("/security/password").one("h1").says("Change your password")

		// The thief of the printed password comes too late.
		if r := s.tryLogin(beaEmail, printedPassword, "phone"); r.status != http.StatusUnauthorized || r.text(t, "code") != "invalid_credentials" {
			t.Errorf("the printed password: %d %s", r.status, r.body)
		}
		if r := s.browser().post("/login", url.Values{"email": {beaEmail}, "password": {printedPassword}}); r.status != http.StatusUnprocessableEntity {
			t.Errorf("the printed password in a browser: %d", r.status)
		}
		s.browser().signIn(beaEmail, newPassword)
		if r := s.tryLogin(beaEmail, newPassword, "phone"); r.status != http.StatusOK {
			t.Errorf("the owner's password: %d %s", r.status, r.body)
		}
	})
}

// Every change of the password by other means, those of a release that does not know the mark included, ends it.
func TestEveryOtherPasswordEndsTheMark(t *testing.T) {
	for name, change := range map[string]func(s *postOffice){
		"a reset by mail": func(s *postOffice) {
			b := s.browser()
			b.forget(beaEmail)
			b.opened(s.link(s.mail()))
			b.expect(b.choose(newPassword), http.StatusSeeOther, "/login")
		},
		"an operator's own words": func(s *postOffice) {
			if _, err := s.auth.Operator.SetPassword(s.t.Context(), beaEmail, newPassword); err != nil {
				s.t.Fatal(err)
			}
		},
		"a change by the previous release": func(s *postOffice) {
			if _, err := s.auth.Operator.SetPassword(s.t.Context(), beaEmail, newPassword); err != nil {
				s.t.Fatal(err)
			}
			s.exec("UPDATE users SET generated_at = '2026-11-23 11:00:00+00:00' WHERE email_key = '" + beaEmail + "'")
		},
	} {
		t.Run(name, func(t *testing.T) {
			posted(t, func(t *testing.T, s *postOffice) {
				s.addGenerated(beaEmail)
				s.mustChoose(beaEmail)
				change(s) // at the same moment: the times alone would not tell
				if r := s.tryLogin(beaEmail, newPassword, "phone"); r.status != http.StatusOK {
					t.Errorf("%d %s", r.status, r.body)
				}
				s.browser().signIn(beaEmail, newPassword)
			})
		})
	}
}

// A password that is generated for an account in use signs its devices out, as any; one that signed in before goes on.
func TestAGeneratedPasswordLeavesRefreshesAlone(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		p := s.login("phone")
		s.clock.Advance(time.Minute)
		s.exec("UPDATE users SET generated_at = password_changed_at")
		p = s.refreshed(p.refresh)
		if r := s.request(http.MethodGet, "/api/devices", "", bearer(p.access)...); r.status != http.StatusOK {
			t.Errorf("its list of devices: %d %s", r.status, r.body)
		}
		if r := s.tryLogin(adaEmail, adaPassword, "tablet"); r.status != http.StatusForbidden {
			t.Errorf("a new device: %d %s", r.status, r.body)
		}
		if _, err := s.auth.Operator.SetPasswordGenerated(t.Context(), adaEmail, printedPassword); err != nil {
			t.Fatal(err)
		}
		s.mustChoose(adaEmail)
		s.refused(p.refresh, "revoked")
	})
}
