package web_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
)

// authenticator is a person's authenticator app.
type authenticator struct{ secret string }

// code is what the app shows at the site's time.
func (a authenticator) code(s *site) string {
	s.t.Helper()
	code, err := totp.GenerateCode(a.secret, s.clock.Now())
	if err != nil {
		s.t.Fatal(err)
	}
	return code
}

// next waits for the app's next code.
func (a authenticator) next(s *site) string {
	s.t.Helper()
	s.clock.Advance(30 * time.Second)
	return a.code(s)
}

// addApp sets an authenticator app up on the page for it.
func (b *browser) addApp(password string) authenticator {
	b.t.Helper()
	form := b.shown("/security/app").one("form", "action", "/security/app")
	setup := form.one("input", "name", "setup").attr("value")
	a := authenticator{b.secretOf(form.text())}
	r := b.post("/security/app", url.Values{"setup": {setup}, "app_code": {a.code(b.site)}, "current_password": {password}})
	if location := r.header.Get("Location"); r.status != http.StatusSeeOther || !strings.HasPrefix(location, "/security/setup?ticket=") {
		b.t.Fatalf("%d to %q: %s", r.status, location, r.body)
	}
	return a
}

// shownSecret is a secret of 20 bytes in groups of four.
var shownSecret = regexp.MustCompile(`([A-Z2-7]{4} ){7}[A-Z2-7]{4}`)

// secretOf finds the secret that a page shows.
func (b *browser) secretOf(text string) string {
	b.t.Helper()
	secret := strings.ReplaceAll(shownSecret.FindString(text), " ", "")
	if secret == "" {
		b.t.Fatalf("the page shows no secret: %s", text)
	}
	return secret
}

// passwordRight gives the right password of an account with a second factor, and returns the form of the second step.
func (b *browser) passwordRight(next string) screen {
	b.t.Helper()
	leads := "/login/verify"
	if next != "" {
		leads += "?next=" + url.QueryEscape(next)
	}
	b.expect(b.post("/login", url.Values{"email": {adaEmail}, "password": {adaPassword}, "next": {next}}), http.StatusSeeOther, leads)
	return b.shown(leads).one("form", "action", "/login/verify")
}

func TestASignInWithAnAuthenticatorApp(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		owner := s.signedIn()
		app := owner.addApp(adaPassword)

		b := s.browser()
		form := b.passwordRight("/activity")
		for _, path := range []string{"/devices", "/activity", "/security"} {
			if r := b.get(path); r.status != http.StatusSeeOther || !strings.HasPrefix(r.header.Get("Location"), "/login") {
				t.Errorf("half signed in, %s: %d to %q", path, r.status, r.header.Get("Location"))
			}
		}
		answer := url.Values{"challenge": {form.one("input", "name", "challenge").attr("value")}, "method": {"totp"}, "next": {"/activity"}}
		answer.Set("code", "000000")
		if r := b.post("/login/verify", answer); r.status != http.StatusUnprocessableEntity {
			t.Errorf("a wrong code: %d %s", r.status, r.body)
		}
		answer.Set("code", app.code(s)) // used when the app was set up
		if r := b.post("/login/verify", answer); r.status != http.StatusUnprocessableEntity {
			t.Errorf("a used code: %d", r.status)
		}
		answer.Set("code", app.next(s))
		b.expect(b.post("/login/verify", answer), http.StatusSeeOther, "/activity")
		b.shown("/activity")
	})
}
