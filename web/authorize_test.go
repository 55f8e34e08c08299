package web_test

import (
	"crypto/sha256"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"latchkey/auth/client"
	"latchkey/auth/services"
	"latchkey/web"
)

const (
	notesURI  = "https://notes.example/cb"
	nativeURI = "http://127.0.0.1:49152/cb" // registered without the port
	schemeURI = "com.example.notes:/cb"
)

var grantVerifier = strings.Repeat("verifier~", 5)

func challengeOf(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return b64(sum[:])
}

// addNotes registers an app that signs in through the browser.
func (s *site) addNotes() {
	s.t.Helper()
	_, err := s.auth.Clients.Add(s.t.Context(), client.Registration{Name: "Notes", ID: "notes", RedirectURIs: []string{notesURI, "http://127.0.0.1/cb", "http://[::1]/cb", schemeURI}, Origins: []string{"https://notes.example"}})
	if err != nil {
		s.t.Fatal(err)
	}
}

// asked are the parameters of a request of notes with changes; an empty value leaves one out.
func asked(changes ...string) url.Values {
	v := url.Values{
		"response_type": {"code"}, "client_id": {"notes"}, "redirect_uri": {notesURI}, "state": {"st&1"}, "scope": {"openid email"}, "nonce": {"n-1"},
		"code_challenge": {challengeOf(grantVerifier)}, "code_challenge_method": {"S256"},
	}
	for i := 0; i < len(changes); i += 2 {
		if v.Set(changes[i], changes[i+1]); changes[i+1] == "" {
			v.Del(changes[i])
		}
	}
	return v
}

// asks sends a request to the authorization endpoint, and returns where it leads.
func (b *browser) asks(changes ...string) string {
	b.t.Helper()
	r := b.get("/oauth/authorize?" + asked(changes...).Encode())
	if r.status != http.StatusSeeOther {
		b.t.Fatalf("%d %s", r.status, r.body)
	}
	return r.header.Get("Location")
}

// allows presses the button of the page that asks.
func (b *browser) allows(page string, more ...string) reply {
	b.t.Helper()
	at, err := url.Parse(page)
	if err != nil {
		b.t.Fatal(err)
	}
	form := url.Values{"request": {at.Query().Get("request")}, "device_name": {"Notes here"}, "choice": {"allow"}}
	for i := 0; i < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return b.post("/authorize", form)
}

// answered reads what came at the app's redirect URI. Each answer names its issuer and its request (RFC 9207, RFC 6749 §4.1.2).
func (b *browser) answered(r reply, uri string) url.Values {
	b.t.Helper()
	rest, ok := strings.CutPrefix(r.header.Get("Location"), uri+"?")
	v, err := url.ParseQuery(rest)
	if r.status != http.StatusSeeOther || !ok || err != nil {
		b.t.Fatalf("%d to %q, want it at %s: %s", r.status, r.header.Get("Location"), uri, r.body)
	}
	if v.Get("iss") != b.config.Issuer || v.Get("state") != "st&1" || r.header.Get("Cache-Control") != "no-store" {
		b.t.Errorf("iss and state of %v, %s", v, r.header.Get("Cache-Control"))
	}
	return v
}

// redeem presents a code at the token endpoint.
func (s *site) redeem(code string, headers ...string) reply {
	s.t.Helper()
	return s.postForm("/oauth/token", url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {notesURI}, "code_verifier": {grantVerifier}, "client_id": {"notes"},
	}, headers...)
}

func inGerman(_ *services.Config, w *web.Config) { w.Languages = []string{"en", "de"} }

// From an app's request to its tokens, and to their end.
func TestAnAppSignsInThroughTheBrowser(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.addNotes()
		b := s.browser()
		page := b.asks("ui_locales", "fr de-AT", "login_hint", adaEmail)
		if !strings.HasPrefix(page, "/authorize?request=") {
			t.Fatal(page)
		}
		r := b.get(page)
		login := r.header.Get("Location")
		if r.status != http.StatusSeeOther || !strings.HasPrefix(login, "/login?next=") {
			t.Fatalf("signed out: %d to %s", r.status, login)
		}
		if lang := b.shown(login).one("html").attr("lang"); lang != "de" {
			t.Errorf("the page before speaks %s", lang)
		}
		next, err := url.QueryUnescape(strings.TrimPrefix(login, "/login?next="))
		if err != nil {
			t.Fatal(err)
		}
		b.expect(b.post("/login", url.Values{"email": {adaEmail}, "password": {adaPassword}, "next": {next}}), http.StatusSeeOther, next)
		r = b.get(next)
		screen := r.screen(t)
		policy := r.header.Get("Content-Security-Policy")
		if r.status != http.StatusOK || screen.one("html").attr("lang") != "de" || !strings.Contains(screen.text(), "Notes") || !strings.Contains(screen.text(), adaEmail) {
			t.Errorf("%d %s", r.status, screen.text())
		}
		if !strings.Contains(policy, "form-action 'self' https://notes.example;") || !strings.Contains(policy, "frame-ancestors 'none'") || r.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%v", r.header)
		}
		if name := screen.one("input", "name", "device_name").attr("value"); !strings.Contains(name, "Notes") || !strings.Contains(name, "Linux") {
			t.Errorf("the device is called %q", name)
		}
		v := b.answered(b.allows(page), notesURI)
		if again := b.answered(b.allows(page), notesURI); again.Get("code") != v.Get("code") || len(v) != 3 {
			t.Errorf("the form twice: %v, then %v", v, again)
		}
		r = s.redeem(v.Get("code"))
		if r.status != http.StatusOK || r.header.Get("Cache-Control") != "no-store" || r.text(t, "id_token") == "" || r.text(t, "scope") != "openid email" || r.text(t, "device_name") != "Notes here" {
			t.Fatalf("%d %v %s", r.status, r.header, r.body)
		}
		p := newPhone(t, r)
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			r := s.request(method, "/oauth/userinfo", "", append(bearer(p.access), "Origin", "https://notes.example")...)
			m := r.json(t)
			if r.status != http.StatusOK || len(m) != 3 || m["email"] != adaEmail || m["email_verified"] != false || m["sub"] == "" || r.header.Get("Cache-Control") != "no-store" ||
				r.header.Get("Access-Control-Allow-Origin") != "https://notes.example" {
				t.Errorf("%s: %d %v %s", method, r.status, r.header, r.body)
			}
		}
		p = s.refreshed(p.refresh)
		s.signOut("by notes", p.refresh)
		if r := s.request(http.MethodGet, "/oauth/userinfo", "", bearer(p.access)...); r.status != http.StatusUnauthorized || r.text(t, "error") != "invalid_token" || !strings.HasPrefix(r.header.Get("WWW-Authenticate"), `Bearer error="invalid_token"`) {
			t.Errorf("signed out: %d %v %s", r.status, r.header, r.body)
		}
		if r := s.request(http.MethodGet, "/oauth/userinfo", ""); r.status != http.StatusUnauthorized || !strings.HasPrefix(r.header.Get("WWW-Authenticate"), "Bearer") || r.text(t, "error") == "" {
			t.Errorf("without a token: %d %v %s", r.status, r.header, r.body)
		}
		if r := s.request(http.MethodGet, "/oauth/userinfo", "", bearer(s.loginBy("notes", "by password").text(t, "access_token"))...); r.status != http.StatusForbidden || r.text(t, "error") != "insufficient_scope" ||
			!strings.HasPrefix(r.header.Get("WWW-Authenticate"), `Bearer error="insufficient_scope", scope="openid"`) {
			t.Errorf("without openid: %d %v %s", r.status, r.header, r.body)
		}

		// A second app's request signs in with the session, after a click; a third one without a page, in this browser alone.
		if v := b.answered(b.get("/oauth/authorize?"+asked("prompt", "none", "scope", "").Encode()), notesURI); v.Get("code") == "" || s.redeem(v.Get("code")).status != http.StatusOK {
			t.Errorf("silently: %v", v)
		}
		if v := b.answered(s.signedIn().get("/oauth/authorize?"+asked("prompt", "none").Encode()), notesURI); v.Get("error") != "interaction_required" {
			t.Errorf("silently, in another browser: %v", v)
		}
		if v := b.answered(s.browser().get("/oauth/authorize?"+asked("prompt", "none").Encode()), notesURI); v.Get("error") != "login_required" {
			t.Errorf("silently, signed out: %v", v)
		}
		page = b.asks("redirect_uri", schemeURI, "device_name", "<Pixel> 9")
		r = b.get(page)
		if name := r.screen(t).one("input", "name", "device_name").attr("value"); name != "<Pixel> 9" || !strings.Contains(r.header.Get("Content-Security-Policy"), "form-action 'self' com.example.notes:;") {
			t.Errorf("%q %s", name, r.header.Get("Content-Security-Policy"))
		}
		b.answered(b.allows(page), schemeURI)
		page = b.asks("redirect_uri", nativeURI)
		if got := b.get(page).header.Get("Content-Security-Policy"); !strings.Contains(got, "form-action 'self' http://127.0.0.1:49152;") {
			t.Error(got)
		}
		if got := b.get(b.asks("redirect_uri", "http://[::1]:4000/cb")).header.Get("Content-Security-Policy"); !strings.Contains(got, "form-action 'self' http:;") {
			t.Error(got) // browsers know no IPv6 address there
		}
		if v := b.answered(b.allows(page, "choice", "deny"), nativeURI); v.Get("error") != "access_denied" || v.Has("code") {
			t.Errorf("declined: %v", v)
		}
		if r := b.allows(page, "device_name", "\u200b"); r.status != http.StatusUnprocessableEntity || !strings.Contains(r.header.Get("Content-Security-Policy"), "http://127.0.0.1:49152;") {
			t.Errorf("a name that cannot be seen: %d", r.status)
		}

		// A proof of a quarter of an hour ago is asked again.
		s.clock.Advance(15 * time.Minute)
		page = b.asks()
		b.shown(page).one("input", "name", "current_password")
		if r := b.allows(page); r.status != http.StatusUnprocessableEntity {
			t.Errorf("without the password: %d to %s", r.status, r.header.Get("Location"))
		}
		if r := b.allows(page, "current_password", "wrong"); r.status == http.StatusSeeOther {
			t.Error("the wrong password leads on")
		}
		if v := b.answered(b.allows(page, "current_password", adaPassword), notesURI); s.redeem(v.Get("code")).status != http.StatusOK {
			t.Errorf("with the password: %v", v)
		}
		v = b.answered(b.allows(page, "current_password", adaPassword), notesURI) // the same code: a reload of the answer
		s.clock.Advance(time.Minute)
		if r := b.allows(page, "current_password", adaPassword); r.status != http.StatusGone {
			t.Errorf("a minute later: %d to %s", r.status, r.header.Get("Location"))
		}
		if r := s.redeem(v.Get("code")); r.status != http.StatusBadRequest || r.text(t, "error") != "invalid_grant" {
			t.Errorf("a minute later: %d %s", r.status, r.body)
		}
	}, inGerman)
}

func TestAnAuthorizationRequestIsRefusedWhereItMayBe(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.addNotes()
		b := s.signedIn()
		for name, changes := range map[string][]string{
			"no client": {"client_id", ""}, "an unknown client": {"client_id", "nobody"}, "no URI": {"redirect_uri", ""}, "another URI": {"redirect_uri", "https://evil.example/cb"},
			"a bad URI and prompt=none": {"redirect_uri", notesURI + "/", "prompt", "none"}, "an unknown request URI": {"request_uri", "urn:ietf:params:oauth:request_uri:x"},
		} {
			r := b.get("/oauth/authorize?" + asked(changes...).Encode())
			if page := r.screen(t); r.status != http.StatusBadRequest || r.header.Get("Location") != "" || len(page.all("a", "href", "https://evil.example/cb")) > 0 {
				t.Errorf("%s: %d to %q", name, r.status, r.header.Get("Location"))
			}
		}
		if r := b.do(http.MethodDelete, "/oauth/authorize", nil); r.status != http.StatusMethodNotAllowed || len(r.screen(t).all("h1")) != 1 {
			t.Errorf("people get no page: %d %s", r.status, r.body)
		}
		twice := b.get("/oauth/authorize?" + asked().Encode() + "&redirect_uri=" + url.QueryEscape(notesURI))
		if twice.status != http.StatusBadRequest || twice.header.Get("Location") != "" {
			t.Errorf("two URIs: %d", twice.status)
		}
		for name, c := range map[string]struct {
			changes []string
			want    string
		}{
			"plain":               {[]string{"code_challenge_method", "plain", "code_challenge", grantVerifier}, "invalid_request"},
			"no PKCE":             {[]string{"code_challenge", ""}, "invalid_request"},
			"the implicit flow":   {[]string{"response_type", "id_token token"}, "unsupported_response_type"},
			"a response mode":     {[]string{"response_mode", "fragment"}, "invalid_request"},
			"a request object":    {[]string{"request", "e30.e30."}, "request_not_supported"},
			"a foreign reference": {[]string{"request_uri", "https://notes.example/request"}, "request_uri_not_supported"},
		} {
			if v := b.answered(b.get("/oauth/authorize?"+asked(c.changes...).Encode()), notesURI); v.Get("error") != c.want || v.Get("error_description") == "" || v.Has("code") {
				t.Errorf("%s: %v", name, v)
			}
		}

		// Another site may send people here with a form, and gets them no further than to the page that asks.
		evil := []string{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}
		r := b.do(http.MethodPost, "/oauth/authorize", asked(), evil...)
		page := r.header.Get("Location")
		if r.status != http.StatusSeeOther || !strings.HasPrefix(page, "/authorize?request=") {
			t.Fatalf("a POST from another site: %d to %q", r.status, page)
		}
		b.shown(page) // a GET gives nothing
		b.shown(page + "&choice=allow&device_name=x")
		at, err := url.Parse(page)
		if err != nil {
			t.Fatal(err)
		}
		form := url.Values{"request": at.Query()["request"], "device_name": {"x"}, "choice": {"allow"}, "account": {b.account()}}
		if r := b.do(http.MethodPost, "/authorize", form, evil...); r.status != http.StatusForbidden || r.header.Get("Location") != "" {
			t.Errorf("another site presses the button: %d to %q", r.status, r.header.Get("Location"))
		}
		form.Set("account", "")
		if r := b.do(http.MethodPost, "/authorize", form); strings.HasPrefix(r.header.Get("Location"), notesURI) {
			t.Error("a form that was made for no one got a code")
		}
		if codes := s.count("SELECT count(*) FROM challenges"); codes != 0 {
			t.Errorf("%d codes and requests are kept of what no one approved", codes)
		}
		other := s.browser()
		if r := other.do(http.MethodPost, "/authorize", form); r.status != http.StatusSeeOther || !strings.HasPrefix(r.header.Get("Location"), "/login") {
			t.Errorf("signed out: %d to %q", r.status, r.header.Get("Location"))
		}
		if r := b.allows("/authorize?request=" + strings.Repeat("A", 60)); r.status != http.StatusBadRequest || r.header.Get("Location") != "" {
			t.Errorf("a request of no one's: %d to %q", r.status, r.header.Get("Location"))
		}

		// The answer as a form: of a page that may send it there alone.
		page = b.asks("response_mode", "form_post")
		r = b.allows(page)
		answer := r.screen(t).one("form", "action", notesURI)
		if r.status != http.StatusOK || answer.attr("method") != "post" || answer.one("input", "name", "iss").attr("value") != s.config.Issuer || answer.one("input", "name", "state").attr("value") != "st&1" ||
			!strings.Contains(r.header.Get("Content-Security-Policy"), "form-action 'self' https://notes.example;") || r.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%d %v", r.status, r.header)
		}
		if r := s.redeem(answer.one("input", "name", "code").attr("value")); r.status != http.StatusOK {
			t.Errorf("%d %s", r.status, r.body)
		}
		refused := b.get("/oauth/authorize?"+asked("response_mode", "form_post", "prompt", "none login").Encode()).screen(t).one("form", "action", notesURI)
		if refused.one("input", "name", "error").attr("value") != "invalid_request" || refused.one("input", "name", "iss").attr("value") != s.config.Issuer || refused.one("input", "name", "state").attr("value") != "st&1" {
			t.Error("an error as a form")
		}

		// The largest request passes through the page where people sign in.
		large := asked("state", strings.Repeat(`"\`, 800))
		r = other.get("/oauth/authorize?" + large.Encode())
		login := other.get(r.header.Get("Location")).header.Get("Location")
		next, err := url.QueryUnescape(strings.TrimPrefix(login, "/login?next="))
		if err != nil {
			t.Fatal(err)
		}
		other.expect(other.post("/login", url.Values{"email": {adaEmail}, "password": {adaPassword}, "next": {next}}), http.StatusSeeOther, next)
		if back := other.allows(next); !strings.Contains(back.header.Get("Location"), url.Values{"state": large["state"]}.Encode()) {
			t.Errorf("the state is lost: %d to %.100s", back.status, back.header.Get("Location"))
		}
	})
}

// count is the number that a query returns.
func (s *site) count(query string) (n int64) {
	s.t.Helper()
	if err := s.store.Pools()[0].QueryRowContext(s.t.Context(), query).Scan(&n); err != nil {
		s.t.Fatal(err)
	}
	return n
}

// RFC 9126: pushed requests, and their refusals.
func TestARequestIsPushed(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.addNotes()
		r := s.postForm("/oauth/par", asked())
		uri := r.text(t, "request_uri")
		if r.status != http.StatusCreated || !strings.HasPrefix(uri, "urn:ietf:params:oauth:request_uri:") || r.json(t)["expires_in"] != 600.0 || r.header.Get("Cache-Control") != "no-store" {
			t.Fatalf("%d %v %s", r.status, r.header, r.body)
		}
		b := s.signedIn()
		for range 2 { // it is used up by the code, not by a look
			r := b.get("/oauth/authorize?" + url.Values{"client_id": {"notes"}, "request_uri": {uri}}.Encode())
			b.shown(r.header.Get("Location"))
		}
		page := b.get("/oauth/authorize?" + url.Values{"client_id": {"notes"}, "request_uri": {uri}}.Encode()).header.Get("Location")
		if v := b.answered(b.allows(page), notesURI); s.redeem(v.Get("code")).status != http.StatusOK {
			t.Errorf("%v", v)
		}
		if v := b.answered(b.get("/oauth/authorize?"+url.Values{"client_id": {"notes"}, "request_uri": {uri}}.Encode()), notesURI); v.Get("error") != "invalid_request_uri" {
			t.Errorf("replayed: %v", v)
		}
		if r := b.get("/oauth/authorize?" + url.Values{"client_id": {"app"}, "request_uri": {uri}}.Encode()); r.status != http.StatusBadRequest || r.header.Get("Location") != "" {
			t.Errorf("under another client: %d", r.status)
		}
		added, err := s.auth.Clients.Add(t.Context(), client.Registration{Name: "Board", ID: "board", Confidential: true, RedirectURIs: []string{"https://board.example/cb"}})
		if err != nil {
			t.Fatal(err)
		}
		board := []string{"client_id", "board", "redirect_uri", "https://board.example/cb"}
		if r := s.postForm("/oauth/par", asked(append(board, "client_id", "")...), basicOf("board", added.Secret)...); r.status != http.StatusCreated {
			t.Errorf("a confidential client: %d %s", r.status, r.body)
		}
		for name, c := range map[string]struct {
			r      reply
			status int
			want   string
		}{
			"a confidential client without its secret": {s.postForm("/oauth/par", asked(board...)), http.StatusUnauthorized, "invalid_client"},
			"no client":                   {s.postForm("/oauth/par", asked("client_id", "")), http.StatusBadRequest, "invalid_request"},
			"an unknown client":           {s.postForm("/oauth/par", asked("client_id", "nobody")), http.StatusUnauthorized, "invalid_client"},
			"another URI":                 {s.postForm("/oauth/par", asked("redirect_uri", "https://evil.example/")), http.StatusBadRequest, "invalid_request"},
			"no PKCE":                     {s.postForm("/oauth/par", asked("code_challenge", "")), http.StatusBadRequest, "invalid_request"},
			"another response type":       {s.postForm("/oauth/par", asked("response_type", "token")), http.StatusBadRequest, "unsupported_response_type"},
			"a bad scope":                 {s.postForm("/oauth/par", asked("scope", `"`)), http.StatusBadRequest, "invalid_scope"},
			"a request URI":               {s.postForm("/oauth/par", asked("request_uri", uri)), http.StatusBadRequest, "invalid_request"},
			"a parameter that is doubled": {s.request(http.MethodPost, "/oauth/par", asked().Encode()+"&nonce=2", "Content-Type", formType), http.StatusBadRequest, "invalid_request"},
			"a GET":                       {s.request(http.MethodGet, "/oauth/par?"+asked().Encode(), ""), http.StatusMethodNotAllowed, "invalid_request"},
			"a body that is too large":    {s.postForm("/oauth/par", asked("state", strings.Repeat("x", 70<<10))), http.StatusRequestEntityTooLarge, "invalid_request"},
		} {
			if c.r.status != c.status || c.r.text(t, "error") != c.want || c.r.text(t, "error_description") == "" || c.r.header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: %d %s", name, c.r.status, c.r.body)
			}
		}
	})
}
