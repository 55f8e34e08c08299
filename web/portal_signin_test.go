package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"latchkey/models"
)

func TestSigningInAndOut(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.browser()
		form := b.shown("/login").one("form", "method", "post", "action", "/login")
		form.one("input", "name", "email", "type", "email")
		form.one("input", "name", "password", "type", "password")
		form.none("input", "name", "next")
		b.expect(b.get("/"), http.StatusSeeOther, "/devices")
		b.signIn(adaEmail, adaPassword)
		b.expect(b.get("/login"), http.StatusSeeOther, "/devices")
		b.expect(b.get("/login?next=%2Fsecurity"), http.StatusSeeOther, "/security")
		b.shown("/devices").one("form", "class", "way-out", "method", "post", "action", "/logout")
		was := b.cookie("latchkey").Value
		b.expect(b.post("/logout", nil), http.StatusSeeOther, "/login")
		b.told("/login", "You’ve signed out on this browser.")
		if b.cookie("latchkey") != nil {
			t.Error("the cookie stays after signing out")
		}
		b.expect(b.do(http.MethodGet, "/devices", nil, "Cookie", "latchkey="+was), http.StatusSeeOther, "/login")
		s.unchanged("signing out again", func() { b.expect(b.post("/logout", nil), http.StatusSeeOther, "/login") })
		if e := s.events(t); len(e) != 3 {
			t.Errorf("%d events, want the account, the sign-in and the sign-out", len(e))
		}
	})
}

func TestAWrongPasswordIsToldWithoutSayingWhatIsWrong(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.browser()
		try := func(email, password string) screen {
			r := b.post("/login", url.Values{"email": {email}, "password": {password}, "next": {"/security"}})
			if r.status != http.StatusUnprocessableEntity || strings.Contains(r.body, password) || b.cookie("latchkey") != nil {
				t.Errorf("%s: %d %s", email, r.status, r.body)
			}
			page := r.screen(t)
			page.one("input", "name", "email", "value", email)
			page.one("input", "name", "next", "value", "/security")
			page.none("input", "type", "password", "value", "*")
			page.one("div", "class", "notice-error", "tabindex", "-1").says("The e-mail address or password is wrong.")
			return page
		}
		if a, n := try(adaEmail, "not her password"), try("nobody@example.com", "not her password"); strings.ReplaceAll(a.text(), adaEmail, "") != strings.ReplaceAll(n.text(), "nobody@example.com", "") {
			t.Error("an account and none can be told apart")
		}
		if _, err := s.auth.Operator.Disable(t.Context(), adaEmail); err != nil {
			t.Fatal(err)
		}
		try(adaEmail, "not her password")
		r := b.post("/login", url.Values{"email": {adaEmail}, "password": {adaPassword}})
		r.screen(t).one("div", "class", "notice-error", "tabindex", "-1").says("This account is disabled. Ask your administrator for help.")
		if r.status != http.StatusForbidden || b.cookie("latchkey") != nil {
			t.Errorf("a disabled account: %d", r.status)
		}
	})
}

func TestAnEmptyFormIsRefusedFieldByField(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		r := s.browser().post("/login", url.Values{"email": {"a\x01da"}})
		page := r.screen(t)
		page.one("p", "id", "email-problem").says("Remove control characters, such as tabs and line breaks.")
		page.one("p", "id", "password-problem").says("This is required.")
		page.one("input", "name", "email", "value", "ada")
		if r.status != http.StatusUnprocessableEntity {
			t.Errorf("%d", r.status)
		}
	})
}

func TestTooManyWrongPasswordsAreToldHowLongToWait(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.browser()
		for range 10 {
			b.post("/login", url.Values{"email": {adaEmail}, "password": {"not her password"}})
		}
		r := b.post("/login", url.Values{"email": {adaEmail}, "password": {adaPassword}})
		if r.status != http.StatusTooManyRequests || r.header.Get("Retry-After") != "900" {
			t.Errorf("%d %v", r.status, r.header)
		}
		r.screen(t).one("div", "class", "notice-error", "tabindex", "-1").says("Too many attempts. Try again in 15 minutes.")
	})
}

func TestAfterSigningInOneGoesOnOnlyWithinThisSite(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.browser()
		base, err := url.Parse(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		for next, want := range map[string]string{
			"/activity":                         "/activity",
			"/activity?before=1-2&x=y":          "/activity?before=1-2&x=y",
			"/devices/revoke-others":            "/devices/revoke-others",
			"/%2Fevil.example/":                 "/%2Fevil.example/",
			"//evil.example":                    "",
			"///evil.example":                   "",
			`/\evil.example`:                    "",
			`\\evil.example`:                    "",
			"/\t/evil.example":                  "",
			"/\n/evil.example":                  "",
			"\t//evil.example":                  "",
			" //evil.example":                   "",
			"https://evil.example":              "",
			"https:evil.example":                "",
			"javascript:alert(1)":               "",
			"data:text/html,x":                  "",
			"evil.example":                      "",
			"@evil.example":                     "",
			"/" + strings.Repeat("a", 9000):     "",
			"/\x7f":                             "",
			"":                                  "",
			s.URL + "/activity":                 "",
			"//" + base.Host + "@evil.example/": "",
		} {
			for _, path := range []string{"/login", "/signup"} {
				page := s.browser().shown(path + "?next=" + url.QueryEscape(next))
				if fields := page.all("input", "name", "next"); want == "" && len(fields) > 0 || want != "" && (len(fields) != 1 || fields[0].attr("value") != want) {
					t.Errorf("%s with next=%q carries on %d fields", path, next, len(fields))
				}
			}
			r := b.post("/login", url.Values{"email": {adaEmail}, "password": {adaPassword}, "next": {next}})
			got := r.header.Get("Location")
			if want == "" {
				want = "/devices"
			}
			if to, err := base.Parse(got); r.status != http.StatusSeeOther || err != nil || got != want || to.Host != base.Host {
				t.Errorf("next=%q leads to %d %q, want %q", next, r.status, got, want)
			}
		}
	})
}

func TestSigningInAgainEndsTheBrowsersEarlierSignIn(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.addUser("eve@example.com", evePassword)
		b, other := s.signedIn(), s.signedIn()
		gone := func(cookie string) {
			t.Helper()
			b.expect(s.browser().do(http.MethodGet, "/devices", nil, "Cookie", "latchkey="+cookie), http.StatusSeeOther, "/login")
		}
		for _, who := range [][2]string{{adaEmail, adaPassword}, {"eve@example.com", evePassword}} {
			was := b.cookie("latchkey").Value
			r := b.post("/login", url.Values{"email": {who[0]}, "password": {"not the password"}})
			if r.status != http.StatusUnprocessableEntity {
				t.Errorf("%d", r.status)
			}
			b.shown("/devices") // a sign-in that fails ends nothing
			b.signIn(who[0], who[1])
			gone(was)
			b.shown("/devices").one("p", "class", "whose").says("Signed in as " + who[0])
		}
		other.shown("/devices")
		var replaced int
		for _, e := range s.events(t) {
			if e.Kind == models.EventSignOut && e.Detail == string(models.RevokedByReplace) {
				replaced++
			}
		}
		if replaced != 2 {
			t.Errorf("ada's activity tells of %d replaced sign-ins, want 2", replaced)
		}
	})
}
