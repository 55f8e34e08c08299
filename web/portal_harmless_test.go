package web_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"latchkey/auth/device"
	"latchkey/models"
)

// /readyz is not among them: it writes a row to see whether it can.
func TestLookingAtPagesChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b, id := s.signedIn(), s.login("phone").id
		s.clock.Advance(time.Hour)
		paths := []string{"/activity?before=x", "/login?next=/security", "/signup?next=/security", "/healthz", "/nothing", "/static/", "/.well-known/jwks.json"}
		for _, r := range append(pages(t, http.MethodGet, id), pages(t, http.MethodPost, id)...) {
			paths = append(paths, r.path)
		}
		for _, path := range paths {
			for _, who := range []*browser{b, s.browser()} {
				for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodOptions} {
					s.unchanged(method+" "+path, func() { who.do(method, path, nil) })
				}
			}
		}
		s.unchanged("a form sent by GET", func() {
			b.get("/devices/" + id + "/revoke?name=x&_method=POST")
			b.get("/login?" + url.Values{"email": {adaEmail}, "password": {adaPassword}}.Encode())
		})
		b.shown("/devices")
	})
}

var securityHeaders = map[string]string{
	"Content-Security-Policy": "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
	"X-Content-Type-Options":  "nosniff", "Referrer-Policy": "same-origin",
	"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
	"Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

func TestEveryAnswerCarriesTheSecurityHeaders(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b, id := s.signedIn(), s.login("phone").id
		forPrograms := map[string]bool{"an API": true, "a token endpoint": true, "a probe": true, "keys": true, "no file": true}
		answers := map[string]reply{
			"a redirect": b.get("/"), "nothing there": b.get("/nothing"), "no method": b.do(http.MethodPut, "/devices", nil),
			"another site": b.post("/logout", nil, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"),
			"a refusal":    b.post("/devices/"+id+"/rename", nil), "no device": b.get("/devices/" + noDevice + "/revoke"),
			"too much": b.post("/login", url.Values{"email": {strings.Repeat("a", 70000)}}), "no form": b.post("/login", nil, "Content-Type", "text/plain"),
			"the favicon": b.get("/favicon.ico"), "no file": b.get("/static/nothing.css"), "signed out": s.browser().get("/devices"),
			"an API": b.get("/api/whoami"), "a token endpoint": b.post("/oauth/token", nil), "a probe": b.get("/healthz"), "keys": b.get("/.well-known/jwks.json"),
		}
		for _, r := range pages(t, http.MethodGet, id) {
			answers["GET "+r.path] = b.get(r.path)
			if r.guard == "signedIn" && answers["GET "+r.path].header.Get("Cache-Control") != "no-store" {
				t.Errorf("GET %s may be kept: %q", r.path, answers["GET "+r.path].header.Get("Cache-Control"))
			}
		}
		want := map[int]string{http.StatusNotFound: "nothing there", http.StatusMethodNotAllowed: "no method", http.StatusForbidden: "another site",
			http.StatusUnprocessableEntity: "a refusal", http.StatusRequestEntityTooLarge: "too much", http.StatusUnsupportedMediaType: "no form"}
		for status, name := range want {
			if r := answers[name]; r.status != status || r.header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: %d %v", name, r.status, r.header)
			}
			answers[name].screen(t).one("h1")
		}
		page := b.shown("/devices")
		for _, link := range page.all("link", "href", "*") {
			file := b.get(link.attr("href"))
			kept := "public, max-age=31536000, immutable"
			if link.attr("rel") == "manifest" {
				kept = "public, max-age=300"
			}
			if file.status != http.StatusOK || file.header.Get("Cache-Control") != kept {
				t.Errorf("%s: %d %v", link.attr("href"), file.status, file.header)
			}
			answers[link.attr("href")], forPrograms[link.attr("href")] = file, true
		}
		for name, r := range answers {
			for header, want := range securityHeaders {
				if got := r.header.Get(header); got != want && (header == "X-Content-Type-Options" || !forPrograms[name]) {
					t.Errorf("%s: %s is %q", name, header, got)
				}
			}
			if got := r.header.Get("Strict-Transport-Security"); got != "" {
				t.Errorf("%s: Strict-Transport-Security %q on http", name, got)
			}
			if r.header.Get("X-Request-Id") == "" {
				t.Errorf("%s has no request id", name)
			}
			if strings.HasPrefix(r.header.Get("Content-Type"), "text/html") {
				noInline(t, name, r.screen(t))
			}
		}
	})
}

// noInline checks that a page holds nothing that the content security policy would stop, or a hostile text could add.
func noInline(t *testing.T, name string, page screen) {
	t.Helper()
	for _, script := range page.all("script") {
		if !regexp.MustCompile(`^/static/app\.[0-9a-f]{8}\.js$`).MatchString(script.attr("src")) || script.text() != "" {
			t.Errorf("%s: <script %v> %q", name, script.n.Attr, script.text())
		}
	}
	for _, tag := range []string{"style", "iframe", "object", "embed", "base"} {
		page.none(tag)
	}
	for _, img := range page.all("img") { // the QR code of an authenticator app, which the server draws
		if !strings.HasPrefix(img.attr("src"), "data:image/svg+xml;base64,") || img.attr("alt") == "" {
			t.Errorf("%s: <img %v>", name, img.n.Attr)
		}
	}
	for _, e := range page.all("") {
		for _, a := range e.n.Attr {
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") || strings.HasPrefix(strings.TrimSpace(strings.ToLower(a.Val)), "javascript:") && a.Key != "value" {
				t.Errorf("%s: <%s %s=%q>", name, e.n.Data, a.Key, a.Val)
			}
		}
	}
}

const evil = `<script>alert(1)</script>"'><img src=x onerror=alert(1)>&amp;`

func TestWhatPeopleTypeIsShownAsText(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b, p := s.signedIn(), s.login(evil)
		hostile := s.browser()
		hostile.agent = "Mozilla/5.0 (" + evil + "; Linux x86_64) " + evil + "/1.0 Firefox/140.0"
		hostile.signIn(adaEmail, adaPassword)

		page := b.shown("/devices")
		noInline(t, "the devices", page)
		page.one("section", "aria-labelledby", "apps").one("", "class", "device-name").says(evil)
		page.one("form", "action", "/devices/"+p.id+"/rename").one("input", "name", "name", "value", evil)
		noInline(t, "the question", b.shown("/devices/"+p.id+"/revoke"))
		b.shown("/devices/" + p.id + "/revoke").one("h1").says("Sign out “" + evil + "”?")
		noInline(t, "the question about all", b.shown("/devices/revoke-others"))

		refused := b.post("/devices/"+p.id+"/rename", url.Values{"name": {evil + strings.Repeat("x", 64)}}).screen(t)
		noInline(t, "a refused name", refused)
		refused.one("input", "aria-invalid", "true", "value", evil+strings.Repeat("x", 64))
		s.clock.Advance(time.Minute)
		b.post("/devices/"+p.id+"/rename", url.Values{"name": {evil[4:]}})
		noInline(t, "the message", b.told("/devices", "You’ve renamed the device to “"+evil[4:]+"”."))
		noInline(t, "the activity", b.shown("/activity"))
		if got := b.shown("/activity").all("p", "class", "event-text"); !strings.Contains(got[0].text()+got[1].text()+got[2].text(), "You renamed “"+evil+"” to “"+evil[4:]+"”.") {
			t.Errorf("the activity says %q", got[0].text())
		}

		next := "/" + evil
		for _, path := range []string{"/login", "/signup"} {
			form := s.browser().post(path, url.Values{"email": {evil}, "password": {evil}, "next": {next}}).screen(t)
			noInline(t, path, form)
			form.one("input", "name", "email", "value", evil)
			form.one("input", "name", "next", "value", next)
			noInline(t, path, s.browser().shown(path+"?next="+url.QueryEscape(next)))
		}
		for _, path := range []string{"/" + url.PathEscape(evil), "/devices/" + url.PathEscape(evil) + "/revoke", "/activity?before=" + url.QueryEscape(evil)} {
			noInline(t, path, b.get(path).screen(t))
		}
	})
}

// One statement finds who is signed in, and two the networks that the account knows; the lists themselves cost the rest.
func TestAListCostsAFewStatementsHoweverLongItIs(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.signedIn()
		for _, name := range numbered("phone %d", 98) {
			s.addDevice(name)
		}
		s.addEvents(100_000)
		for path, most := range map[string]int64{
			"/devices": 5, "/devices/revoke-others": 4, "/activity": 5, "/activity?kind=warnings": 5, "/activity?kind=account": 5,
			"/security": 5, "/security/passkeys": 4, "/security/app": 3, "/security/codes": 3, "/security/browsers": 5, "/security/setup": 3, "/login": 1, "/static/nothing": 0, "/nothing": 1,
		} {
			before := s.statements.Load()
			r := b.get(path)
			if n := s.statements.Load() - before; n > most {
				t.Errorf("GET %s: %d statements", path, n)
			}
			if r.status == http.StatusOK && path == "/devices" {
				if n := len(r.screen(t).all("li", "class", "device")); n != device.ListShort {
					t.Errorf("%d devices are listed beside this one, want a page of them", n)
				}
			}
		}
		if n := len(b.shown("/activity").all("li", "class", "event")); n != 50 {
			t.Errorf("%d events on a page, want 50", n)
		}
		if n := len(b.shown("/activity?kind=account").all("li", "class", "event")); n != 1 {
			t.Errorf("%d events of the account among 100,000 others, want 1", n)
		}
		before := s.statements.Load()
		s.browser().get("/nothing")
		if n := s.statements.Load() - before; n != 0 {
			t.Errorf("a stranger at a wrong address costs %d statements", n)
		}
	})
}

// AddDevice signs ada in on an app without hashing her password.
func (s *site) addDevice(name string) {
	s.t.Helper()
	u, err := s.auth.Operator.FindUser(s.t.Context(), adaEmail)
	if err != nil {
		s.t.Fatal(err)
	}
	now, id := s.clock.Now(), models.NewID(s.clock.Now())
	if _, err := s.store.AddDevice(s.t.Context(), models.NewDevice{
		Device: models.Device{
			UserID: u.ID, ID: id, Kind: models.KindApp, ClientID: "app", CreatedAt: now, LastSeenAt: now, ExpiresAt: now.Add(time.Hour), SecretHash: id[:], Generation: 1, Floor: 1, RotatedAt: now,
		},
		FreeName: func(func(string) bool) string { return name }, Live: models.Liveness{Now: now},
		Event: models.Event{UserID: u.ID, At: now, Kind: models.EventSignIn, Actor: models.ActorOwner},
	}); err != nil {
		s.t.Fatal(err)
	}
}

// addEvents fills ada's activity by one statement.
func (s *site) addEvents(n int) {
	s.t.Helper()
	u, err := s.auth.Operator.FindUser(s.t.Context(), adaEmail)
	if err != nil {
		s.t.Fatal(err)
	}
	statement := `INSERT INTO events (user_id, id, at, kind, actor) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
		SELECT ?, printf('00000000-0000-4000-8000-%012d', i), (strftime('%s', '2026-11-01') - i) * 1000000, 'sign_in', 'owner' FROM n`
	args := []any{n, u.ID.String()}
	if s.store.Dialect() == "postgres" {
		statement = `INSERT INTO events (user_id, id, at, kind, actor) SELECT $2::uuid, gen_random_uuid(), timestamptz '2026-11-01' - i * interval '1 second', 'sign_in', 'owner' FROM generate_series(1, $1::int) i`
	}
	if _, err := s.store.Pools()[0].ExecContext(s.t.Context(), statement, args...); err != nil {
		s.t.Fatal(err)
	}
}
