package web_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"latchkey/auth"
	"latchkey/web"
)

func TestSigningUpMakesAnAccountAndSignsIn(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.browser()
		form := b.shown("/signup").one("form", "method", "post", "action", "/signup")
		form.one("input", "name", "email", "type", "email", "value", "")
		form.one("input", "name", "password", "type", "password", "minlength", "12")
		b.expect(b.post("/signup", url.Values{"email": {" Bea@Example.com "}, "password": {"nobody would guess it"}}), http.StatusSeeOther, "/devices")
		page := b.shown("/devices")
		page.one("p", "class", "whose").says("Signed in as Bea@Example.com")
		page.one("span", "class", "badge")
		if got := b.shown("/activity").texts("p", "class", "event-text"); len(got) != 2 ||
			!slices.Contains(got, "Your account was created.") || !slices.Contains(got, "Signed in on “Firefox on Linux”.") {
			t.Errorf("the activity says %q", got)
		}
		s.browser().signIn("bea@EXAMPLE.com", "nobody would guess it")
	})
}

func TestARefusedSignUpSaysWhyBesideTheFieldAndKeepsTheAddress(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.browser()
		for name, c := range map[string]struct {
			email, password, field, problem string
			status                          int
		}{
			"a taken address":        {adaEmail, "nobody would guess it", "email", "There is an account with this address already.", http.StatusConflict},
			"taken in other letters": {"ADA@example.COM", "nobody would guess it", "email", "There is an account with this address already.", http.StatusConflict},
			"no address":             {"bea@", "nobody would guess it", "email", "This is not an e-mail address.", http.StatusUnprocessableEntity},
			"a display name":         {"Bea <bea@example.com>", "nobody would guess it", "email", "This is not an e-mail address.", http.StatusUnprocessableEntity},
			"a short password":       {"bea@example.com", "dkfjghtiruw", "password", "Use at least 12 characters.", http.StatusUnprocessableEntity},
			"a common password":      {"bea@example.com", "qwertyuiop123", "password", "Choose another password: this one is on the lists that attackers try first.", http.StatusUnprocessableEntity},
			"one's own address":      {"bea@example.com", "BEA@example.com", "password", "Choose a password that is not your e-mail address.", http.StatusUnprocessableEntity},
			"a control character":    {"bea@example.com", "nobody would\tguess it", "password", "Leave out control characters such as tabs and line breaks.", http.StatusUnprocessableEntity},
			"a very long password":   {"bea@example.com", strings.Repeat("long ", 60), "password", "Use at most 256 characters.", http.StatusUnprocessableEntity},
			"no password":            {"bea@example.com", "", "password", "This is required.", http.StatusUnprocessableEntity},
		} {
			r := b.post("/signup", url.Values{"email": {c.email}, "password": {c.password}, "next": {"/security"}})
			if r.status != c.status || c.password != "" && c.password != "BEA@example.com" && strings.Contains(r.body, c.password) {
				t.Errorf("%s: %d, want %d, and no password in %s", name, r.status, c.status, r.body)
			}
			page := r.screen(t)
			page.one("input", "name", "email", "value", c.email)
			page.one("input", "name", "next", "value", "/security")
			page.none("input", "type", "password", "value", "*")
			field := page.one("input", "aria-invalid", "true")
			if field.attr("name") != c.field || !strings.Contains(field.attr("aria-describedby"), c.field+"-problem") {
				t.Errorf("%s: the problem is at %q", name, field.attr("name"))
			}
			page.one("p", "id", c.field+"-problem").says(c.problem)
			page.one("div", "role", "alert")
		}
		if b.cookie("latchkey") != nil {
			t.Error("somebody whose sign-up was refused is signed in")
		}
		if n := strings.Count(s.dump(), "users "); n != 1 {
			t.Errorf("there are %d accounts", n)
		}
	})
}

func TestWithSignUpClosedThereIsNoSuchPage(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.browser()
		b.shown("/login").none("a", "href", "/signup")
		s.unchanged("a closed sign-up", func() {
			for _, r := range []reply{b.get("/signup"), b.post("/signup", url.Values{"email": {"bea@example.com"}, "password": {"nobody would guess it"}})} {
				if r.status != http.StatusNotFound {
					t.Errorf("%d", r.status)
				}
				r.screen(t).one("h1").says("Nothing here")
			}
		})
	}, func(a *auth.Config, _ *web.Config) { a.SignupOpen = false })
}

func TestSigningUpWhereSomebodyIsSignedInEndsTheirSignIn(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.signedIn()
		old := b.cookie("latchkey").Value
		b.expect(b.post("/signup", url.Values{"email": {"bea@example.com"}, "password": {"nobody would guess it"}}), http.StatusSeeOther, "/devices")
		if r := s.browser().do(http.MethodGet, "/devices", nil, "Cookie", "latchkey="+old); r.status != http.StatusSeeOther {
			t.Errorf("ada's sign-in goes on: %d", r.status)
		}
	})
}
