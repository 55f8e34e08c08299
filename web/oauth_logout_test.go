package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/auth/client"
	"latchkey/auth/keys"
	"latchkey/auth/services"
	"latchkey/web"
)

// notesApp registers an app that people can sign out of, and signs ada in on it.
func (s *site) notesApp() phone {
	s.t.Helper()
	for _, n := range []client.Registration{
		{Name: "Notes", ID: "notes", PostLogoutURIs: []string{"https://notes.example.com/bye", "com.example.notes:/bye", "http://127.0.0.1/bye", "http://[::1]/bye"}},
		{Name: "Other", ID: "other", PostLogoutURIs: []string{"https://other.example.com/bye"}},
	} {
		if _, err := s.auth.Clients.Add(s.t.Context(), n); err != nil {
			s.t.Fatal(err)
		}
	}
	return s.notesOn("Pixel 9")
}

func (s *site) notesOn(name string) phone {
	s.t.Helper()
	r := s.postJSON("/api/login", map[string]string{"email": adaEmail, "password": adaPassword, "device_name": name, "client_id": "notes"})
	if r.status != http.StatusOK {
		s.t.Fatalf("%d %s", r.status, r.body)
	}
	return newPhone(s.t, r)
}

// idToken signs the ID token of ada's app, as the token endpoint does.
func (s *site) idToken(p phone) string {
	s.t.Helper()
	user, err := s.auth.Operator.FindUser(s.t.Context(), adaEmail)
	if err != nil {
		s.t.Fatal(err)
	}
	key, err := s.auth.Keys.Current(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	token, err := keys.Sign(key, "JWT", map[string]any{
		"iss": s.URL, "sub": user.ID.String(), "aud": "notes", "sid": uuid.MustParse(p.id).String(),
		"iat": s.clock.Now().Unix(), "exp": s.clock.Now().Add(-time.Hour).Unix(), // a hint may be old
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return token
}

// asksLogout is the page that an app's wish leads to.
func (b *browser) asksLogout(asked url.Values, headers ...string) reply {
	b.t.Helper()
	r := b.do(http.MethodGet, "/oauth/logout?"+asked.Encode(), nil, headers...)
	if r.status != http.StatusOK || !strings.HasPrefix(r.header.Get("Content-Type"), "text/html") || r.header.Get("Cache-Control") != "no-store" {
		b.t.Fatalf("%d %v", r.status, r.header)
	}
	return r
}

func (b *browser) has(r reply, wanted map[string]bool) {
	b.t.Helper()
	for text, want := range wanted {
		if strings.Contains(r.body, text) != want {
			_, main, _ := strings.Cut(r.body, "<main")
			main, _, _ = strings.Cut(main, "</main>")
			b.t.Errorf("the page has %q: %v\n%s", text, !want, main)
		}
	}
}

func (b *browser) formsLeadTo(r reply, sources string) {
	b.t.Helper()
	if policy := r.header.Get("Content-Security-Policy"); !strings.Contains(policy, "; form-action "+sources+"; frame-ancestors 'none'") {
		b.t.Errorf("policy %q, want form-action %s", policy, sources)
	}
}

// alive says whether an app and this browser are signed in.
func (b *browser) alive(when string, p phone, app, own bool) {
	b.t.Helper()
	if got := b.request(http.MethodGet, "/api/devices", "", bearer(p.access)...).status == http.StatusOK; got != app {
		b.t.Errorf("%s: the app is signed in: %v", when, got)
	}
	if got := b.get("/devices").status == http.StatusOK; got != own {
		b.t.Errorf("%s: the browser is signed in: %v", when, got)
	}
}

const bye = "https://notes.example.com/bye"

func TestAnAppAsksForASignOutAndThePersonDecides(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		app := s.notesApp()
		b := s.signedIn()
		asked := url.Values{"id_token_hint": {s.idToken(app)}, "client_id": {"notes"}, "post_logout_redirect_uri": {bye}, "state": {`a b"<`}, "logout_hint": {"x"}}
		ours := func(end string, of url.Values) url.Values {
			form := url.Values{"end": {end}}
			for name := range of {
				form[name] = of[name]
			}
			return form
		}
		const leads = bye + "?state=a+b%22%3C"

		r := b.asksLogout(asked)
		b.has(r, map[string]bool{`value="both"`: true, `value="app"`: true, `value="browser"`: false, "Pixel 9": true, "Notes": true, adaEmail: true, "Sign out of the app and this browser": true, "<script>": false})
		b.formsLeadTo(r, "'self' https://notes.example.com")
		for source, uri := range map[string]string{"com.example.notes:": "com.example.notes:/bye", "http://127.0.0.1:4711": "http://127.0.0.1:4711/bye", "http:": "http://[::1]:4711/bye"} {
			b.formsLeadTo(b.asksLogout(url.Values{"client_id": {"notes"}, "post_logout_redirect_uri": {uri}}), "'self' "+source)
		}

		// What another site posts is a question, and so is a form without our choice. The page that asks is where the cookie comes along.
		for _, headers := range [][]string{
			{"Sec-Fetch-Site", "cross-site", "Origin", "https://notes.example.com"}, {"Sec-Fetch-Site", "same-site", "Origin", "https://evil.example.com"},
			{"Origin", "https://notes.example.com"}, {"Origin", "null"},
		} {
			r := b.post("/oauth/logout", ours("both", asked), headers...)
			if to, err := url.Parse(r.header.Get("Location")); r.status != http.StatusSeeOther || err != nil || to.Path != "/oauth/logout" || to.Host != "" ||
				to.Query().Get("state") != `a b"<` || to.Query().Get("id_token_hint") == "" || to.Query().Has("end") {
				t.Errorf("%v: %d %v", headers, r.status, r.header)
			}
		}
		if r := b.post("/oauth/logout", asked); r.status != http.StatusSeeOther || !strings.HasPrefix(r.header.Get("Location"), "/oauth/logout?") {
			t.Errorf("without a choice: %d %v", r.status, r.header)
		}
		if r := b.post("/oauth/logout", ours("both", url.Values{"account": {uuid.NewString()}, "id_token_hint": asked["id_token_hint"]})); r.status != http.StatusConflict {
			t.Errorf("made for another account: %d", r.status)
		}
		if r := b.post("/oauth/logout", ours("", url.Values{"state": {strings.Repeat("x", 13<<10)}})); r.status != http.StatusRequestEntityTooLarge || !strings.Contains(r.body, "<h1>") {
			t.Errorf("too long: %d", r.status)
		}
		b.alive("nobody has pressed a button", app, true, true)

		for range 2 { // the second time as a repeat
			b.expect(b.post("/oauth/logout", ours("app", asked)), http.StatusSeeOther, leads)
		}
		b.alive("the app alone", app, false, true)
		r = b.asksLogout(asked)
		b.has(r, map[string]bool{`value="browser"`: true, `value="app"`: false, "Pixel 9": false, "asks you to sign out": true})
		b.expect(b.post("/oauth/logout", ours("browser", asked)), http.StatusSeeOther, leads)
		b.alive("the browser, too", app, false, false)
		r = b.asksLogout(asked)
		b.has(r, map[string]bool{"You’re not signed in on this browser": true, `href="` + bye: true, `name="end"`: false})

		// A person whose browser is not signed in can still end the app.
		app = s.notesOn("Pixel 10")
		asked.Set("id_token_hint", s.idToken(app))
		r = b.asksLogout(asked)
		b.has(r, map[string]bool{`value="app"`: true, `value="both"`: false, "You’re not signed in on this browser": true, `href="` + bye: true})
		asked.Del("post_logout_redirect_uri")
		r = b.post("/oauth/logout", ours("app", asked))
		b.has(r, map[string]bool{"You’re signed out": true, `href="/login"`: true})
		b.alive("an app of a browser that is not signed in", app, false, false)

		// Both at once, and no way back that was registered.
		app, b = s.notesOn("Pixel 11"), s.signedIn()
		asked.Set("id_token_hint", s.idToken(app))
		for _, uri := range []string{"https://evil.example/", "https://other.example.com/bye", "javascript:alert(1)", "//evil.example", bye + "/.."} {
			asked.Set("post_logout_redirect_uri", uri)
			r := b.asksLogout(asked)
			b.formsLeadTo(r, "'self'")
			b.has(r, map[string]bool{`href="` + uri: false, `action="` + uri: false})
		}
		r = b.post("/oauth/logout", ours("both", asked))
		b.has(r, map[string]bool{"You’re signed out": true, `name="end"`: false})
		if r.status != http.StatusOK {
			t.Errorf("%d", r.status)
		}
		b.alive("both", app, false, false)

		for name, r := range map[string]reply{"repeated": b.get("/oauth/logout?state=a&state=b"), "not a form": b.do(http.MethodPut, "/oauth/logout", nil)} {
			if r.status/100 != 4 || !strings.Contains(r.body, "<h1>") {
				t.Errorf("%s: %d, and no page", name, r.status)
			}
		}
		if logged := s.log.String(); strings.Contains(logged, "eyJ") || strings.Contains(logged, adaEmail) {
			t.Error("a token or an address is in the log")
		}
	})
}

// The app's languages come before the browser's, and after what the person chose here.
func TestTheAppMayAskForALanguage(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.browser()
		for locales, want := range map[string]string{"de": "de", "fr-CA de": "fr", "sv ja": "ja", "": "es", "xx!!;q=": "es", "sv": "es", strings.Repeat("de ", 300): "es"} {
			r := b.asksLogout(url.Values{"ui_locales": {locales}}, "Accept-Language", "es")
			if got := r.header.Get("Content-Language"); got != want {
				t.Errorf("ui_locales %q: %s, want %s", locales, got, want)
			}
		}
		app := s.notesApp()
		r := b.asksLogout(url.Values{"ui_locales": {"de fr"}, "id_token_hint": {s.idToken(app)}})
		b.has(r, map[string]bool{`action="/oauth/logout?ui_locales=de+fr"`: true, "data-languages": false})
		r = b.post("/oauth/logout?ui_locales=de+fr", url.Values{"end": {"app"}, "id_token_hint": {s.idToken(app)}})
		b.has(r, map[string]bool{"Sie sind abgemeldet": true})
		b.post("/language", url.Values{"language": {"ar"}})
		if r := b.asksLogout(url.Values{"ui_locales": {"de"}}); r.header.Get("Content-Language") != "ar" {
			t.Errorf("after a choice: %s", r.header.Get("Content-Language"))
		}
	}, func(_ *services.Config, w *web.Config) { w.Languages = nil })
}
