package web_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/auth/token"
	"latchkey/models"
)

// Acts on an account, as apps send them. What stands for "secret" is the confirmation.
var accountActs = map[string]struct{ method, path, body string }{
	"the password":  {http.MethodPut, "/api/account/password", `{"confirmation":"secret","new_password":"` + newPassword + `"}`},
	"the address":   {http.MethodPut, "/api/account/email", `{"confirmation":"secret","email":"` + newEmail + `"}`},
	"the deletion":  {http.MethodDelete, "/api/account", `{"confirmation":"secret"}`},
	"the others":    {http.MethodDelete, "/api/devices", `{"confirmation":"secret"}`},
	"what is since": {http.MethodDelete, "/api/devices/" + noDevice + "/since", `{"confirmation":"secret"}`}, // the confirmation is judged first
}

// accountAct sends an act on the account.
func (s *site) accountAct(p phone, name, secret string) reply {
	s.t.Helper()
	a := accountActs[name]
	return s.request(a.method, a.path, strings.ReplaceAll(a.body, `"secret"`, `"`+secret+`"`), append(bearer(p.access), "Content-Type", jsonType)...)
}

// newPasswordBy changes the password, to another one than accountAct.
func (s *site) newPasswordBy(p phone, secret, chosen string) reply {
	s.t.Helper()
	return s.request(http.MethodPut, "/api/account/password", `{"confirmation":"`+secret+`","new_password":"`+chosen+`"}`, append(bearer(p.access), "Content-Type", jsonType)...)
}

// confirmed is a confirmation of ada's.
func (s *site) confirmed(p phone) string {
	s.t.Helper()
	return s.confirm(p, adaPassword).confirmation(s.t)
}

// namesA finds the name of the device "a" in a mail.
var namesA = regexp.MustCompile(`(?m)^ Device: +a$`)

// causedBy checks that the one event of a kind was caused by a device.
func (s *site) causedBy(kind models.EventKind, p phone) {
	s.t.Helper()
	events := slices.DeleteFunc(s.eventsOf(s.email()), func(e models.Event) bool { return e.Kind != kind })
	if len(events) != 1 {
		s.t.Fatalf("%d events %s", len(events), kind)
	}
	if e := events[0]; e.DeviceID.UUID.String() != p.id || e.DeviceName != p.name || e.Actor != models.ActorOwner || e.IP != "127.0.0.1" {
		s.t.Errorf("the event is %+v", e)
	}
}

func TestAnAppChangesThePassword(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		a, b, browser := s.login("a"), s.login("b"), s.signedIn()
		s.browser().forget(adaEmail)
		moving, list := s.moving(browser, newEmail, adaPassword), s.mails()
		if len(list) != 0 {
			t.Fatalf("%+v", list)
		}
		a = s.refreshed(a.refresh)
		secret := s.confirmed(a)
		r := s.accountAct(a, "the password", secret)
		if r.status != http.StatusOK || strings.TrimSpace(r.body) != `{"revoked":2}` || r.header.Get("Cache-Control") != "no-store" {
			t.Fatalf("%d %v %s", r.status, r.header, r.body)
		}
		m := s.mail()
		if m.To != adaEmail || m.Subject != "Your password was changed" || !namesA.MatchString(m.Text) || !strings.Contains(s.link(m), "/not-me?token=") {
			t.Errorf("to %q: %q\n%s", m.To, m.Subject, m.Text)
		}
		s.causedBy(models.EventPasswordChanged, a)
		s.refused(b.refresh, token.ReasonRevoked)
		browser.expect(browser.get("/devices"), http.StatusSeeOther, "/login")
		s.browser().dead("the link to another address", moving)
		if r := s.request(http.MethodGet, "/api/devices", "", bearer(a.access)...); r.status != http.StatusOK {
			t.Errorf("the app that asked: %d %s", r.status, r.body)
		}
		s.accountAct(a, "the password", secret).wants(t, "again", http.StatusForbidden, "invalid_confirmation")
		a = s.refreshed(a.refresh)
		if r := s.tryLogin(adaEmail, adaPassword, "x"); r.status != http.StatusUnauthorized {
			t.Errorf("the old password: %d", r.status)
		}
		if r := s.tryLogin(adaEmail, newPassword, "x"); r.status != http.StatusOK {
			t.Errorf("the new one: %d %s", r.status, r.body)
		}
		browser.signIn(adaEmail, newPassword)
		story := browser.shown("/devices/"+a.id).texts("p", "class", "event-text")
		if !slices.Contains(story, "You changed your password. All other devices were signed out.") {
			t.Errorf("the page of the device says %q", story)
		}
		for _, hidden := range []string{secret, newPassword, adaEmail} {
			if strings.Contains(s.log.String(), hidden) {
				t.Errorf("%q is in the log", hidden)
			}
		}
	})
}

// A password that is refused leaves the confirmation good, as on the portal; but a confirmation takes ten tries.
func TestAPasswordThatAnAppMayNotChoose(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		a, b := s.login("a"), s.login("b")
		secret := s.confirmed(a)
		for _, c := range [][2]string{
			{"", "This is required."}, {"too short", "Use at least 12 characters."}, {"qwertyuiop123", "Choose another password. This one is among the first that attackers try."},
			{adaPassword, "Choose a password that’s different from your current one."}, {strings.ToUpper(adaEmail), "Choose a password that isn’t your e-mail address."},
		} {
			r := s.newPasswordBy(a, secret, c[0])
			r.wants(t, c[0], http.StatusUnprocessableEntity, "invalid_request")
			if !strings.Contains(r.body, `"errors":[{"field":"new_password","detail":"`+c[1]+`"}]`) {
				t.Errorf("%q: %s", c[0], r.body)
			}
		}
		s.refreshed(b.refresh)
		if r := s.accountAct(a, "the password", secret); r.status != http.StatusOK {
			t.Fatalf("what was refused used the confirmation: %d %s", r.status, r.body)
		}
		secret = s.confirm(a, newPassword).confirmation(t)
		for range 10 {
			s.newPasswordBy(a, secret, "too short").wants(t, "too short", http.StatusUnprocessableEntity, "invalid_request")
		}
		s.newPasswordBy(a, secret, adaPassword).wants(t, "the eleventh try", http.StatusForbidden, "invalid_confirmation")
		s.exec("DELETE FROM attempts")
		if r := s.newPasswordBy(a, s.confirm(a, newPassword).confirmation(t), adaPassword); r.status != http.StatusOK {
			t.Errorf("another confirmation: %d %s", r.status, r.body)
		}
	})
}

// The account may change its password as often from an app as on the portal: the limit is one.
func TestTheLimitOfNewPasswordsHoldsForApps(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		a, events := s.login("a"), s.events(t)
		for range 50 {
			s.addEvent(models.Event{UserID: events[0].UserID, ID: models.NewID(s.clock.Now()), At: s.clock.Now(), Kind: models.EventPasswordChanged, Actor: models.ActorOwner})
		}
		secret := s.confirmed(a)
		r := s.accountAct(a, "the password", secret)
		if r.wants(t, "past the limit", http.StatusTooManyRequests, "rate_limited"); r.header.Get("Retry-After") == "" {
			t.Errorf("%v", r.header)
		}
		s.exec("DELETE FROM events WHERE kind = 'password_changed'")
		if r := s.accountAct(a, "the password", secret); r.status != http.StatusOK {
			t.Errorf("the refusal used the confirmation: %d %s", r.status, r.body)
		}
	})
}

func TestAnAppSignsOutAllOthers(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.addUser(eveEmail, evePassword)
		eve := newPhone(t, s.tryLogin(eveEmail, evePassword, "eve's"))
		a, b, browser := s.login("a"), s.login("b"), s.signedIn()
		r := s.accountAct(a, "the others", s.confirmed(a))
		if r.status != http.StatusOK || strings.TrimSpace(r.body) != `{"revoked":2}` {
			t.Fatalf("%d %s", r.status, r.body)
		}
		s.causedBy(models.EventDevicesRevoked, a)
		s.refused(b.refresh, token.ReasonRevoked)
		browser.expect(browser.get("/devices"), http.StatusSeeOther, "/login")
		a = s.refreshed(a.refresh)
		s.refreshed(eve.refresh)
		secret := s.confirmed(a)
		if r := s.accountAct(a, "the others", secret); r.status != http.StatusOK || strings.TrimSpace(r.body) != `{"revoked":0}` {
			t.Errorf("alone: %d %s", r.status, r.body)
		}
		s.accountAct(a, "the others", secret).wants(t, "again", http.StatusForbidden, "invalid_confirmation")
		if n := s.acts(models.EventDevicesRevoked); n != 1 {
			t.Errorf("%d events", n)
		}
	})
}

func TestAnAppDeletesTheAccount(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		a, b, browser := s.login("a"), s.login("b"), s.signedIn()
		s.mails()
		if r := s.accountAct(a, "the deletion", s.confirmed(a)); r.status != http.StatusNoContent || r.body != "" {
			t.Fatalf("%d %s", r.status, r.body)
		}
		if m := s.mail(); m.To != adaEmail || m.Subject != "Your account was deleted" || !namesA.MatchString(m.Text) {
			t.Errorf("to %q: %q\n%s", m.To, m.Subject, m.Text)
		}
		s.request(http.MethodGet, "/api/devices", "", bearer(a.access)...).wants(t, "its access token", http.StatusUnauthorized, "invalid_token")
		s.confirm(a, adaPassword).wants(t, "a confirmation", http.StatusUnauthorized, "invalid_token")
		for _, p := range []phone{a, b} {
			s.refused(p.refresh, token.ReasonUnknownDevice)
		}
		browser.expect(browser.get("/devices"), http.StatusSeeOther, "/login")
		if r := s.tryLogin(adaEmail, adaPassword, "x"); r.status != http.StatusUnauthorized {
			t.Errorf("%d", r.status)
		}
		if n := s.acts(models.EventAccountDeleted); n != 1 || strings.Contains(s.dump(), a.id) || strings.Contains(s.dump(), adaEmail) {
			t.Errorf("%d events; what is left:\n%s", n, s.dump())
		}
	})
}

// What the portal refuses, an app is refused, too: the deletion of staff and of an account that can be taken back.
func TestAnAppDeletesNoAccountThatMustStay(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		a, browser := s.login("a"), s.signedIn()
		if err := s.auth.Operator.SetRole(t.Context(), adaEmail, models.RoleSupport); err != nil {
			t.Fatal(err)
		}
		secret := s.confirmed(a)
		s.accountAct(a, "the deletion", secret).wants(t, "staff", http.StatusForbidden, "not_allowed")
		if err := s.auth.Operator.SetRole(t.Context(), adaEmail, models.RoleUser); err != nil {
			t.Fatal(err)
		}
		s.moved(browser, newEmail, adaPassword)
		a = s.refreshed(a.refresh)
		secret = s.confirmed(a)
		r := s.accountAct(a, "the deletion", secret)
		if r.wants(t, "moved lately", http.StatusForbidden, "not_allowed"); !strings.Contains(r.text(t, "detail"), "changed in the last 7 days") {
			t.Errorf("%s", r.body)
		}
		s.exec("DELETE FROM former_addresses")
		if r := s.accountAct(a, "the deletion", secret); r.status != http.StatusNoContent {
			t.Errorf("the refusals used the confirmation: %d %s", r.status, r.body)
		}
	})
}

// A person who must choose another password first can do that in an app, and nothing else with the account; like on the portal.
func TestAnAppWaitsForAnotherPassword(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		a, _ := s.login("a"), s.mails()
		s.exec("UPDATE users SET generated_at = password_changed_at")
		secret := s.confirmed(a)
		for _, name := range []string{"the address", "the deletion"} {
			r := s.accountAct(a, name, secret)
			if r.wants(t, name, http.StatusForbidden, "password_change_required"); r.text(t, "setup_uri") != s.URL+"/login" {
				t.Errorf("%s: %s", name, r.body)
			}
		}
		if r := s.accountAct(a, "the password", secret); r.status != http.StatusOK {
			t.Fatalf("%d %s", r.status, r.body)
		}
		s.clock.Advance(time.Second)
		if r := s.accountAct(a, "the address", s.confirm(a, newPassword).confirmation(t)); r.status != http.StatusAccepted {
			t.Errorf("with a password of their own: %d %s", r.status, r.body)
		}
	})
}
