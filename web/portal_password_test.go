package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"latchkey/auth/token"
	"latchkey/models"
)

func TestAChangeOfPasswordSignsOutEveryOtherDevice(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.addUser("eve@example.com", evePassword)
		eve := newPhone(t, s.tryLogin("eve@example.com", evePassword, "phone"))
		b, other, p, q := s.signedIn(), s.signedIn(), s.login("phone"), s.login("tablet")
		form := b.shown("/security/password").one("form", "method", "post", "action", "/security/password")
		form.one("input", "name", "current_password", "type", "password", "autocomplete", "current-password")
		form.one("input", "name", "new_password", "type", "password", "autocomplete", "new-password")

		b.expect(b.post("/security/password", url.Values{"current_password": {adaPassword}, "new_password": {"a finer day on the lake"}}), http.StatusSeeOther, "/devices")
		b.told("/devices", "You’ve changed your password, which signed out 3 other devices.")
		other.expect(other.get("/devices"), http.StatusSeeOther, "/login")
		s.refused(p.refresh, token.ReasonRevoked)
		s.refused(q.refresh, token.ReasonRevoked)
		s.refreshed(eve.refresh)

		if r := other.post("/login", url.Values{"email": {adaEmail}, "password": {adaPassword}}); r.status != http.StatusUnprocessableEntity {
			t.Errorf("the old password: %d", r.status)
		}
		if r := s.tryLogin(adaEmail, adaPassword, "phone"); r.status != http.StatusUnauthorized {
			t.Errorf("the old password in an app: %d", r.status)
		}
		other.signIn(adaEmail, "a finer day on the lake")
		b.shown("/devices")
		b.expect(b.post("/security", url.Values{"current_password": {"a finer day on the lake"}, "new_password": {adaPassword}}), http.StatusSeeOther, "/devices")
		b.told("/devices", "You’ve changed your password, which signed out 1 other device.")
	})
}

func TestARefusedChangeOfPasswordSaysWhyBesideTheField(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b, p := s.signedIn(), s.login("phone")
		users := func() string {
			_, list, _ := strings.Cut(s.dump(), "users ")
			return list
		}
		before := users()
		for name, c := range map[string]struct{ current, to, field, problem string }{
			"a wrong current one":  {"not her password", "a finer day on the lake", "current_password", "That’s not your password. Try again."},
			"no current one":       {"", "a finer day on the lake", "current_password", "This is required."},
			"a short new one":      {adaPassword, "too short", "new_password", "Use at least 12 characters."},
			"a common new one":     {adaPassword, "qwertyuiop123", "new_password", "Choose another password. This one is among the first that attackers try."},
			"the same":             {adaPassword, adaPassword, "new_password", "Choose a password that’s different from your current one."},
			"no new one":           {adaPassword, "", "new_password", "This is required."},
			"one's own address":    {adaPassword, strings.ToUpper(adaEmail), "new_password", "Choose a password that isn’t your e-mail address."},
			"a control character":  {adaPassword, "a finer day\x00on the lake", "new_password", "Choose a password without control characters, such as tabs and line breaks."},
			"an endless new one":   {adaPassword, strings.Repeat("lake ", 500), "new_password", "Use at most 256 characters."},
			"an endless old one":   {strings.Repeat("lake ", 500), "a finer day on the lake", "current_password", "Enter at most 1024 characters."},
			"a wrong one, at once": {"nor is this hers", "a finer day on the lake", "current_password", "That’s not your password. Try again."},
		} {
			r := b.post("/security", url.Values{"current_password": {c.current}, "new_password": {c.to}})
			if r.status != http.StatusUnprocessableEntity {
				t.Errorf("%s: %d", name, r.status)
				continue
			}
			page := r.screen(t)
			page.none("input", "type", "password", "value", "*")
			summary := page.one("div", "class", "notice-error", "tabindex", "-1").text()
			if again := strings.Contains(summary, "Enter both passwords again."); again != (c.current != "" && c.to != "") {
				t.Errorf("%s: the form forgets the passwords, and says %q", name, summary)
			}
			field := page.one("input", "aria-invalid", "true")
			if field.attr("name") != c.field {
				t.Errorf("%s: the problem is at %q", name, field.attr("name"))
			}
			page.one("p", "id", c.field+"-problem").says(c.problem)
		}
		if users() != before {
			t.Error("a refused change changed the account")
		}
		s.refreshed(p.refresh)
		var failures int
		for _, e := range s.events(t) {
			if e.Kind == models.EventPasswordFailed {
				failures++
			}
		}
		if failures != 2 {
			t.Errorf("%d wrong passwords are told, want 2", failures)
		}
	})
}

func TestGuessingThePasswordOfAnOpenBrowserIsLimited(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.signedIn()
		for range 30 { // as many as all that the account knows may fail
			b.post("/security", url.Values{"current_password": {"not her password"}, "new_password": {"a finer day on the lake"}})
		}
		r := b.post("/security", url.Values{"current_password": {adaPassword}, "new_password": {"a finer day on the lake"}})
		if r.status != http.StatusTooManyRequests || r.header.Get("Retry-After") != "900" {
			t.Errorf("%d %v", r.status, r.header)
		}
		r.screen(t).one("div", "class", "notice-error", "tabindex", "-1").says("Too many attempts. Try again in 15 minutes.")
	})
}
