package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"latchkey/auth"
	"latchkey/auth/client"
)

// Those that the examples of the description name.
const (
	exampleURI      = "https://app.example.net/callback"
	exampleVerifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" // RFC 7636, appendix B
)

// exampleQuery is the query of an operation with the examples of its parameters.
func exampleQuery(t *testing.T, op operation) string {
	t.Helper()
	query := url.Values{}
	for _, p := range op.Parameters {
		if p.In != "query" || p.Example == nil {
			continue
		}
		query.Set(p.Name, p.Example.Value)
	}
	if len(query) == 0 {
		return ""
	}
	return "?" + query.Encode()
}

// register makes the app of the examples known, unless it is.
func (p *probe) register() {
	p.t.Helper()
	_, err := p.auth.Clients.Add(p.t.Context(), client.Registration{Name: "app", ID: "app", RedirectURIs: []string{exampleURI}, DeviceGrant: true})
	if err != nil && auth.AsError(err).Kind != auth.KindInvalidRequest {
		p.t.Fatal(err)
	}
}

// pushed is a request of the app, as JSON has it.
func pushed() map[string]any {
	body := map[string]any{}
	for name, values := range asked("client_id", "app", "redirect_uri", exampleURI) {
		body[name] = values[0]
	}
	return body
}

// exampleCode is a code for the example of its redemption.
func (p *probe) exampleCode() string {
	p.t.Helper()
	b := p.signedIn()
	page := b.asks("client_id", "app", "redirect_uri", exampleURI, "code_challenge", challengeOf(exampleVerifier), "state", "")
	back, err := url.Parse(b.allows(page).header.Get("Location"))
	if err != nil {
		p.t.Fatal(err)
	}
	return back.Query().Get("code")
}

// ofOperation is a phone that an operation is for: user info is of apps that signed in through the browser.
func (p *probe) ofOperation(op operation, other phone) phone {
	p.t.Helper()
	if op.path != "/oauth/userinfo" {
		return other
	}
	return newPhone(p.t, p.postForm("/oauth/token", url.Values{
		"grant_type": {"authorization_code"}, "code": {p.exampleCode()}, "redirect_uri": {exampleURI}, "code_verifier": {exampleVerifier}, "client_id": {"app"},
	}))
}

// asClient tells whether a client may authenticate with the request.
func (to target) asClient() bool {
	return strings.HasPrefix(to.path, "/oauth/") && !to.guarded() && to.path != "/oauth/authorize"
}

// badRequests are authorization requests, codes and tokens that are refused.
func badRequests(p *probe) {
	p.addNotes()
	get := func(changes ...string) reply {
		return p.send(false, "GET", "/oauth/authorize?"+asked(changes...).Encode(), "")
	}
	post := func(changes ...string) reply {
		return p.send(false, "POST", "/oauth/authorize", asked(changes...).Encode(), "Content-Type", formType)
	}
	for _, send := range []func(...string) reply{get, post} {
		p.want(send("client_id", "nobody"), 400, "")
		for status, r := range map[int]reply{http.StatusSeeOther: send("scope", `"`), http.StatusOK: send("response_mode", "form_post", "prompt", "none")} {
			if r.status != status {
				p.t.Errorf("%d, want %d: %s", r.status, status, r.body)
			}
		}
	}
	push := func(changes ...string) reply {
		return p.send(false, "POST", "/oauth/par", asked(changes...).Encode(), "Content-Type", formType)
	}
	p.want(push("redirect_uri", "https://evil.example/"), 400, "invalid_request")
	p.want(push("code_challenge", ""), 400, "invalid_request")
	p.want(push("scope", `"`), 400, "invalid_scope")
	p.want(push("response_type", "token"), 400, "unsupported_response_type")
	p.want(push("request", "x"), 400, "request_not_supported")
	p.want(push("registration", "x"), 400, "registration_not_supported")
	owner := newProver(p.t, p.site, "ES256")
	proof := []string{"Content-Type", formType, "DPoP", owner.proof("POST", "/oauth/token", "", nil)}
	p.want(p.send(true, "POST", "/oauth/par", asked().Encode(), proof...), 400, "invalid_dpop_proof")
	board, err := p.auth.Clients.Add(p.t.Context(), client.Registration{Name: "Board", Confidential: true})
	if err != nil {
		p.t.Fatal(err)
	}
	for last := 401; last != 429; {
		r := push("client_id", board.ID, "client_secret", "wrong")
		if last = r.status; last != 401 {
			p.want(r, 429, "temporarily_unavailable")
			break
		}
	}

	redeem := func(code string) reply {
		form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {notesURI}, "code_verifier": {grantVerifier}, "client_id": {"notes"}}
		return p.send(false, "POST", "/oauth/token", form.Encode(), "Content-Type", formType)
	}
	b := p.signedIn()
	p.want(redeem("lkc_"+challengeOf("x")), 400, "invalid_grant")
	code := b.answered(b.allows(b.asks()), notesURI).Get("code") // before others take the last places
	for range 2 {
		r := p.loginBy("notes", "x")
		for _, method := range []string{"GET", "POST"} { // an app that signs in with the password has no scope
			p.want(p.send(true, method, "/oauth/userinfo", "", bearer(r.text(p.t, "access_token"))...), 403, "insufficient_scope")
		}
	}
	p.want(redeem(code), 400, "invalid_grant")
}

// unready are the answers of a server that never read its clients.
func unready(p *probe, fresh http.Handler) {
	for _, to := range []struct{ method, url, body string }{
		{"GET", "/oauth/authorize?" + asked().Encode(), ""}, {"POST", "/oauth/authorize", asked().Encode()}, {"POST", "/oauth/par", asked().Encode()},
	} {
		request := httptest.NewRequestWithContext(p.t.Context(), to.method, p.URL+to.url, strings.NewReader(to.body))
		if to.body != "" {
			request.Header.Set("Content-Type", formType)
		}
		recorder := httptest.NewRecorder()
		fresh.ServeHTTP(recorder, request)
		request.Body = http.NoBody
		p.want(p.check(false, request, recorder.Result()), 503, "temporarily_unavailable")
	}
}
