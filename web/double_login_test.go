package web_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"latchkey/auth/services"
	"latchkey/models"
	"latchkey/web"
)

// liveBrowsers are an account's browsers that are signed in.
func (s *site) liveBrowsers(email string) (names []string) {
	s.t.Helper()
	u, err := s.auth.Operator.FindUser(s.t.Context(), email)
	if err != nil {
		s.t.Fatal(err)
	}
	now := s.clock.Now()
	list, err := s.store.LiveDevices(s.t.Context(), u.ID, models.Liveness{Now: now, AppSince: now.Add(-time.Hour), BrowserSince: now.Add(-time.Hour)})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, d := range list {
		if d.Kind == models.KindBrowser {
			names = append(names, d.Name)
		}
	}
	return names
}

// A form that is sent twice signs one device in: whichever answer the browser keeps, it is signed in, and nothing else is.
func TestASignInThatIsSentTwiceIsOne(t *testing.T) {
	form := url.Values{"email": {adaEmail}, "password": {adaPassword}}
	each(t, func(t *testing.T, s *site) {
		s.addUser(eveEmail, evePassword)
		for name, before := range map[string]func(b *browser){
			"a new browser":           func(b *browser) { b.shown("/login") },
			"a known browser":         func(b *browser) { b.signIn(adaEmail, adaPassword); b.post("/logout", nil) },
			"over its own sign-in":    func(b *browser) { b.signIn(adaEmail, adaPassword) },
			"over another's sign-in":  func(b *browser) { b.signIn(eveEmail, evePassword) },
			"its sign-in was ended":   func(b *browser) { b.signIn(adaEmail, adaPassword); s.signOutEverywhere(adaEmail) },
			"sent while it is read":   func(b *browser) { b.shown("/login"); s.clock.Advance(59 * time.Second) },
			"at the turn of a minute": func(b *browser) { b.shown("/login"); s.clock.Advance(time.Second) },
		} {
			s.clock.Advance(time.Hour)
			s.signOutEverywhere(adaEmail)
			b := s.browser()
			before(b)
			form := url.Values{"email": form["email"], "password": form["password"], "account": {b.account()}}
			told := countKind(s.eventsOf(adaEmail), models.EventSignIn)
			cookie := cookieHeader(b)
			answers := make([]reply, 3)
			together(len(answers), func(i int) { // as a browser does: the same cookies with each, and the last answer's are kept
				other := s.browser()
				answers[i] = other.do(http.MethodPost, "/login", form, "Cookie", cookie)
			})
			if live := s.liveBrowsers(adaEmail); len(live) != 1 {
				t.Errorf("%s: signed in are %q", name, live)
			}
			for _, r := range answers {
				b.expect(r, http.StatusSeeOther, "/devices")
				own := s.browser()
				own.expectSignedIn(name, r.setCookies(t)["latchkey"])
			}
			if n := countKind(s.eventsOf(adaEmail), models.EventSignIn) - told; n != 1 {
				t.Errorf("%s: %d sign-ins are told", name, n)
			}
		}
	}, func(a *services.Config, _ *web.Config) { a.BrowserIdle = time.Hour })
}

// Who comes back later, or from another browser, signs a device of its own in.
func TestOtherSignInsAreTheirOwn(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		form := url.Values{"email": {adaEmail}, "password": {adaPassword}}
		b := s.browser()
		b.shown("/login")
		mark := "latchkey-browser=" + b.cookie("latchkey-browser").Value
		sign := func(cookie string) string {
			r := s.browser().do(http.MethodPost, "/login", form, "Cookie", cookie)
			return r.setCookies(t)["latchkey"].Value
		}
		first := sign(mark)
		s.clock.Advance(3 * time.Minute) // the answer was lost, and the person tries again
		sign(mark)
		s.browser().expectSignedIn("the first", &http.Cookie{Name: "latchkey", Value: first})
		b.shown("/login")
		s.browser().signIn(adaEmail, adaPassword)
		if live := s.liveBrowsers(adaEmail); len(live) != 3 {
			t.Errorf("signed in are %q", live)
		}
	})
}

func (b *browser) expectSignedIn(what string, session *http.Cookie) {
	b.t.Helper()
	if session == nil {
		b.t.Errorf("%s: there is no cookie", what)
		return
	}
	if r := b.do(http.MethodGet, "/devices", nil, "Cookie", "latchkey="+session.Value); r.status != http.StatusOK {
		b.t.Errorf("%s: the cookie opens nothing: %d to %q", what, r.status, r.header.Get("Location"))
	}
}

// cookieHeader is what the browser sends.
func cookieHeader(b *browser) (header string) {
	b.t.Helper()
	base, err := url.Parse(b.URL)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range b.client.Jar.Cookies(base) {
		header += c.Name + "=" + c.Value + "; "
	}
	return header
}

func (s *site) signOutEverywhere(email string) {
	s.t.Helper()
	if _, err := s.auth.Operator.SignOutUser(s.t.Context(), email); err != nil {
		s.t.Fatal(err)
	}
}
