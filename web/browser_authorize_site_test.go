package web_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"

	"latchkey/auth/client"
)

// website is the site of an app, an origin of its own: it sends people to sign in, and takes them back.
type website struct {
	*httptest.Server
	s        *site
	id, name string
	mu       sync.Mutex
	front    string     // stands on its first page
	method   string     // with which the answer came
	answer   url.Values // that came
	idToken  string     // of the latest sign-in
}

// atHTTPS opens a site whose certificate no browser trusts by itself. It does not log that.
func atHTTPS(h http.Handler) *httptest.Server {
	w := httptest.NewUnstartedServer(h)
	w.Config.ErrorLog = log.New(io.Discard, "", 0)
	w.StartTLS()
	return w
}

// website opens the site of an app, and registers the app.
func (s *site) website(id, name string, open func(http.Handler) *httptest.Server, more ...string) *website {
	s.t.Helper()
	w := &website{s: s, id: id, name: name}
	w.Server = open(w)
	s.t.Cleanup(w.Close)
	if _, err := s.auth.Clients.Add(s.t.Context(), client.Registration{Name: name, ID: id, RedirectURIs: append(more, w.URL+"/cb")}); err != nil {
		s.t.Fatal(err)
	}
	return w
}

func (w *website) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	page := w.front
	switch r.URL.Path {
	case "/start":
		http.Redirect(rw, r, w.s.URL+"/oauth/authorize?"+r.URL.RawQuery, http.StatusFound)
		return
	case "/cb":
		if err := r.ParseForm(); err != nil {
			http.Error(rw, "a bad form", http.StatusBadRequest)
			return
		}
		w.method, w.answer, page = r.Method, r.Form, `<p id="welcome">Welcome back.</p>`
	}
	rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = rw.Write([]byte(`<!doctype html><html lang="en"><title>` + w.name + `</title><link rel="icon" href="data:,"><meta name="viewport" content="width=device-width"><h1>` +
		w.name + `</h1>` + page))
}

func (w *website) asked(changes ...string) url.Values {
	return asked(append([]string{"client_id", w.id, "redirect_uri", w.URL + "/cb"}, changes...)...)
}

// shows puts something on the first page.
func (w *website) shows(front string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.front = front
}

// taken is what came back, which must name its request and its issuer (RFC 9207).
func (w *website) taken(method string) url.Values {
	w.s.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	v := w.answer
	if w.answer = nil; v.Get("state") != "st&1" || v.Get("iss") != w.s.config.Issuer || w.method != method {
		w.s.t.Fatalf("%s came back with %s %v", w.name, w.method, v)
	}
	return v
}

// signedIn redeems the code that came back, and returns the claims of the ID token.
func (w *website) signedIn(method string) map[string]any {
	w.s.t.Helper()
	v := w.taken(method)
	r := w.s.postForm("/oauth/token", url.Values{
		"grant_type": {"authorization_code"}, "code": v["code"], "redirect_uri": {w.URL + "/cb"}, "code_verifier": {grantVerifier}, "client_id": {w.id},
	})
	if r.status != http.StatusOK {
		w.s.t.Fatalf("%v: %d %s", v, r.status, r.body)
	}
	var claims map[string]any
	w.idToken = r.text(w.s.t, "id_token")
	part := strings.Split(w.idToken, ".")
	raw, err := base64.RawURLEncoding.DecodeString(part[1])
	if err == nil {
		err = json.Unmarshal(raw, &claims)
	}
	if err != nil || claims["aud"] != w.id || claims["nonce"] != "n-1" {
		w.s.t.Fatalf("%v %v", claims, err)
	}
	return claims
}

// refused takes an error that came back.
func (w *website) refused(what, want string) {
	w.s.t.Helper()
	if v := w.taken(http.MethodGet); v.Get("error") != want || v.Has("code") {
		w.s.t.Errorf("%s: %v, want %s", what, v, want)
	}
}
