package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"latchkey/auth/services"
	"latchkey/models"
	"latchkey/web"
)

// asks sends a request of an app without a sign-in. Its body names an address.
func (s *site) asks(path, email, password string, headers ...string) reply {
	s.t.Helper()
	return s.postJSON(path, map[string]string{"email": email, "password": password}, headers...)
}

func TestAPersonSignsUpInAnApp(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		if m := s.request(http.MethodGet, "/.well-known/openid-configuration", "").json(t); m["account_signup_endpoint"] != s.URL+"/api/account" || m["account_password_reset_endpoint"] != s.URL+"/api/account/password-reset" {
			t.Errorf("the metadata: %v", m)
		}
		for _, c := range [][3]string{{"nothing", "nobody would guess it", "email"}, {"", "nobody would guess it", "email"}, {"bea@example.com", "short", "password"}, {"bea@example.com", "qwertyuiop123", "password"}} {
			r := s.asks("/api/account", c[0], c[1])
			if r.wants(t, c[0], http.StatusUnprocessableEntity, "invalid_request"); !strings.Contains(r.body, `"field":"`+c[2]+`"`) {
				t.Errorf("%q: %s", c, r.body)
			}
		}
		r := s.asks("/api/account", " Bea@Example.com ", "nobody would guess it")
		if r.status != http.StatusAccepted || strings.TrimSpace(r.body) != `{"expires_in":86400}` || r.header.Get("Set-Cookie") != "" {
			t.Fatalf("%d %v %s", r.status, r.header, r.body)
		}
		if r := s.tryLogin("bea@example.com", "nobody would guess it", "x"); r.status != http.StatusUnauthorized {
			t.Errorf("before the link: %d", r.status)
		}
		m := s.mail()
		if !strings.EqualFold(m.To, "bea@example.com") || m.Subject != "Confirm your e-mail address" {
			t.Errorf("to %q: %q", m.To, m.Subject)
		}
		b := s.browser()
		b.opened(s.link(m))
		b.expect(b.confirm("nobody would guess it"), http.StatusSeeOther, "/devices")
		if r := s.tryLogin("bea@example.com", "nobody would guess it", "phone"); r.status != http.StatusOK {
			t.Errorf("%d %s", r.status, r.body)
		}
		if n := s.acts(models.EventAccountCreated); n != 2 {
			t.Errorf("%d accounts", n)
		}
	})
}

// What an app asks for without a sign-in has the same answer, and costs the same, whether or not there is such an account.
func TestAnAppDoesNotLearnWhoHasAnAccount(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		s.addUser(eveEmail, evePassword)
		for _, path := range []string{"/api/account", "/api/account/password-reset"} {
			s.asks(path, "first@example.net", "nobody would guess it") // the first one reads more
			var answers []reply
			var costs []int64
			for _, email := range []string{"free@example.net", eveEmail, "other@example.net", adaEmail} {
				before := s.statements.Load()
				answers = append(answers, s.asks(path, email, "nobody would guess it"))
				costs = append(costs, s.statements.Load()-before)
			}
			for i, r := range answers {
				if r.status != http.StatusAccepted || r.body != answers[0].body || costs[i] != costs[0] {
					t.Errorf("%s: %d %s, %d statements, want %d", path, r.status, r.body, costs[i], costs[0])
				}
			}
		}
		for _, m := range s.mails() {
			if known := m.To == adaEmail || m.To == eveEmail; known && m.Subject == "Confirm your e-mail address" {
				t.Errorf("to %q: %q", m.To, m.Subject)
			}
		}
	})
}

func TestAForgottenPasswordBeginsInAnApp(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		p := s.login("phone")
		s.mails()
		if r := s.asks("/api/account/password-reset", " ADA@example.com ", ""); r.status != http.StatusAccepted || strings.TrimSpace(r.body) != `{"expires_in":1800}` {
			t.Fatalf("%d %s", r.status, r.body)
		}
		m := s.mail()
		if m.To != adaEmail || m.Subject != "Choose a new password" {
			t.Errorf("to %q: %q", m.To, m.Subject)
		}
		s.refreshed(p.refresh) // nothing has changed yet
		b := s.browser()
		b.opened(s.link(m))
		b.expect(b.choose(newPassword), http.StatusSeeOther, "/login")
		if r := s.tryLogin(adaEmail, newPassword, "phone"); r.status != http.StatusOK {
			t.Errorf("%d %s", r.status, r.body)
		}
		s.asks("/api/account/password-reset", "", "").wants(t, "no address", http.StatusUnprocessableEntity, "invalid_request")
	})
}

// The portal's forms and apps share their limits: those of the address, and those of the network.
func TestTheLimitsOfStrangersHoldForApps(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		b := s.browser()
		b.forget(adaEmail)
		b.forget(adaEmail)
		if r := s.asks("/api/account/password-reset", adaEmail, ""); r.status != http.StatusAccepted {
			t.Fatalf("%d %s", r.status, r.body)
		}
		r := s.asks("/api/account/password-reset", adaEmail, "")
		if r.wants(t, "the fourth", http.StatusTooManyRequests, "rate_limited"); r.header.Get("Retry-After") == "" {
			t.Errorf("%v", r.header)
		}
		if r := b.post("/forgot", url.Values{"email": {adaEmail}}); r.status == http.StatusSeeOther {
			t.Errorf("the portal: %d", r.status)
		}
		for range 2 {
			if r := s.asks("/api/account", "bea@example.com", "nobody would guess it"); r.status != http.StatusAccepted {
				t.Fatalf("%d %s", r.status, r.body)
			}
		}
		s.asks("/api/account", "bea@example.com", "nobody would guess it").wants(t, "the third", http.StatusTooManyRequests, "rate_limited")
		if r := b.post("/signup", url.Values{"email": {"bea@example.com"}, "password": {"nobody would guess it"}}); r.status == http.StatusSeeOther {
			t.Errorf("the portal: %d", r.status)
		}
	})
}

func TestNoOneSignsUpWhereItIsClosed(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		for _, email := range []string{"bea@example.com", adaEmail, ""} {
			r := s.asks("/api/account", email, "nobody would guess it")
			if r.wants(t, email, http.StatusNotFound, "signup_closed"); r.text(t, "detail") != "You can’t create an account here. Ask your administrator for one." {
				t.Errorf("%s", r.body)
			}
		}
		if m := s.request(http.MethodGet, "/.well-known/oauth-authorization-server", "").json(t); m["account_signup_endpoint"] != nil || m["account_password_reset_endpoint"] == nil {
			t.Errorf("the metadata: %v", m)
		}
		if list := s.mails(); len(list) != 0 {
			t.Errorf("%+v", list)
		}
	}, func(a *services.Config, _ *web.Config) { a.SignupOpen = false })
}

// The account, and the mails about it, are in the language that the app asks for.
func TestASignUpInAnAppChoosesALanguage(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		if r := s.asks("/api/account", "bea@example.com", "nobody would guess it", "Accept-Language", "de-AT, en;q=0.5"); r.status != http.StatusAccepted {
			t.Fatalf("%d %s", r.status, r.body)
		}
		if m := s.mail(); m.Subject != "Bestätigen Sie Ihre E-Mail-Adresse" {
			t.Errorf("%q\n%s", m.Subject, m.Text)
		}
	}, func(_ *services.Config, w *web.Config) { w.Languages = []string{"en", "de"} },
		func(a *services.Config, w *web.Config) { a.Render = web.MailRenderer(w.BaseURL, "en", "de") })
}
