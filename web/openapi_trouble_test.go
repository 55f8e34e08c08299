package web_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"time"

	"latchkey/auth/services"
	"latchkey/auth/token"
	"latchkey/web"
)

// described are the requests of the description, with what an example cannot know filled in.

func nonces(p *probe) {
	owner := newProver(p.t, p.site, "ES256")
	first := owner.login("phone")
	nonce := func(_, c map[string]any) { c["nonce"] = first.header.Get("DPoP-Nonce") }
	bound := newPhone(p.t, p.postJSON("/api/login", map[string]string{"email": adaEmail, "password": adaPassword, "device_name": "x"},
		"DPoP", owner.proof("POST", "/api/login", "", nonce)))
	for _, to := range p.targets(bound, func(method, path string) []string {
		return []string{"Authorization", "DPoP " + bound.access, "DPoP", owner.proof(method, path, bound.access, nil)}
	}) {
		if to.OperationId == "authorizePost" {
			continue
		}
		status := 401
		if to.OperationId == "introspect" || to.ofAccount() && !to.guarded() {
			continue // they take no proof
		}
		if !to.guarded() {
			status = 400
			to.headers = append(to.headers, "DPoP", owner.proof(to.method, to.url, "", nil))
		}
		if to.OperationId == "revoke" {
			to.body = `{"token":"` + bound.access + `"}` // a device token needs no proof: a finder may sign the device out
		}
		r := p.send(true, to.method, to.url, to.body, to.headers...)
		if p.want(r, status, "use_dpop_nonce"); r.header.Get("DPoP-Nonce") == "" {
			p.t.Errorf("%s: no nonce", to.OperationId)
		}
	}
}

func crowd(p *probe) {
	owner := newProver(p.t, p.site, "EdDSA")
	bound, full := newPhone(p.t, owner.login("phone")), p.full("DPoP", owner)
	whoami := func() error {
		_, err := p.auth.Tokens.Authenticate(bound.access, token.SchemeDPoP, token.Proof{
			Headers: []string{owner.proof("GET", "/api/whoami", bound.access, nil)}, Method: "GET", URL: p.URL + "/api/whoami",
		})
		return err
	}
	for n := 0; whoami() == nil; n++ {
		if n > 300 {
			p.t.Fatal("no end of proofs is taken")
		}
	}
	p.want(p.send(true, "POST", "/api/login/replace", `{"challenge":"`+full.text(p.t, "challenge")+`","replace":"`+noDevice+`"}`,
		"Content-Type", jsonType, "DPoP", owner.proof("POST", "/api/login/replace", "", nil)), 429, "rate_limited")
	for _, to := range p.targets(bound, func(method, path string) []string {
		return []string{"Authorization", "DPoP " + bound.access, "DPoP", owner.proof(method, path, bound.access, nil)}
	}) {
		if to.OperationId == "introspect" {
			continue // it takes no proof
		}
		if to.asClient() {
			to.headers = append(to.headers, "DPoP", owner.proof(to.method, to.url, "", nil))
		}
		if to.OperationId == "revoke" {
			to.body = `{"token":"` + bound.access + `"}`
		}
		if to.OperationId == "deviceAuthorization" {
			continue // the proofs of another presenter leave room
		}
		if to.OperationId == "pushRequest" {
			continue // its proofs are counted by the client, not by the account
		}
		if to.guarded() || to.asClient() {
			p.want(p.send(true, to.method, to.url, to.body, to.headers...), http.StatusTooManyRequests, to.oauthCode("temporarily_unavailable", "rate_limited"))
		}
	}
}

func noDatabase(p *probe) {
	phone := p.login("phone")
	list := p.targets(phone, plain(phone))
	for i, to := range list {
		if to.path == "/oauth/userinfo" {
			list[i].headers = bearer(p.ofOperation(to.operation, phone).access)
		}
	}
	if err := p.store.Close(); err != nil {
		p.t.Fatal(err)
	}
	for _, to := range list {
		if to.OperationId == "whoami" || to.OperationId == "authorizePost" || to.OperationId == "pushRequest" {
			continue // asks no database
		}
		p.want(p.send(true, to.method, to.url, to.body, to.headers...), 503, to.oauthCode("temporarily_unavailable", "unavailable"))
	}
	p.want(p.send(true, "GET", "/readyz", ""), 503, "unavailable")
	p.clock.Advance(time.Minute)
	p.want(p.send(true, "GET", "/statuslists/0", ""), 503, "unavailable")
	// A server that starts now never read its keys.
	service, err := services.New(p.store, p.config)
	if err != nil {
		p.t.Fatal(err)
	}
	fresh, err := web.New(service, web.Config{BaseURL: p.URL, Secret: p.config.Secret})
	if err != nil {
		p.t.Fatal(err)
	}
	unready(p, fresh)
	for _, name := range []string{"jwks.json", "apple-app-site-association", "assetlinks.json"} {
		request := httptest.NewRequestWithContext(p.t.Context(), "GET", p.URL+"/.well-known/"+name, nil)
		recorder := httptest.NewRecorder()
		fresh.ServeHTTP(recorder, request)
		p.want(p.check(true, request, recorder.Result()), 503, "unavailable")
	}
}

func mistakes(p *probe, broken *atomic.Bool) {
	phone := p.login("phone")
	list := p.targets(phone, plain(phone))
	list = append(list, p.newBackend().targets()...)
	for _, op := range p.operations() {
		if answer := op.Responses.Codes.GetOrZero("500"); answer != nil && !op.ofBackends() && op.RequestBody == nil && !op.guarded() {
			list = append(list, target{operation: op, url: strings.ReplaceAll(op.path, "{id}", "0") + exampleQuery(p.t, op)})
		}
	}
	p.clock.Advance(2 * time.Second) // so that readiness is asked again
	broken.Store(true)
	for _, to := range list {
		p.want(p.send(true, to.method, to.url, to.body, to.headers...), 500, to.oauthCode("temporarily_unavailable", "internal"))
	}
	broken.Store(false)
	p.refreshed(phone.refresh) // nothing was consumed
}

func discovery(p *probe) {
	r := p.send(true, "GET", "/openapi.yaml", "")
	for _, known := range []string{r.header.Get("ETag"), "W/" + r.header.Get("ETag"), `"x", ` + r.header.Get("ETag"), "*"} {
		if again := p.send(true, "GET", "/openapi.yaml", "", "If-None-Match", known); again.status != http.StatusNotModified {
			p.t.Errorf("with %s: %d", known, again.status)
		}
	}
	if again := p.send(true, "GET", "/openapi.yaml", "", "If-None-Match", `"0123456789abcdef"`); again.status != http.StatusOK || again.body != r.body {
		p.t.Errorf("with another tag: %d", again.status)
	}
	p.want(p.send(true, "GET", "/.well-known/oauth-authorization-server/tenant", ""), 404, "not_found")
	p.want(p.send(true, "GET", "/.well-known/oauth-protected-resource/tenant", ""), 404, "not_found")
	p.want(p.send(true, "GET", "/.well-known/openid-configuration/tenant", ""), 404, "not_found")
	p.want(p.send(true, "GET", "/.well-known/apple-app-site-association", ""), 404, "not_found")
	p.want(p.send(true, "GET", "/.well-known/assetlinks.json", ""), 404, "not_found")
	p.login("phone")
	list := p.send(true, "GET", "/statuslists/0", "")
	if again := p.send(true, "GET", "/statuslists/0", "", "If-None-Match", list.header.Get("ETag")); list.status != http.StatusOK || again.status != http.StatusNotModified {
		p.t.Errorf("status list: %d, then %d", list.status, again.status)
	}
	p.want(p.send(true, "GET", "/statuslists/x", ""), 404, "not_found")
}

func idle(p *probe) {
	phone := p.login("phone")
	p.clock.Advance(31 * 24 * time.Hour)
	p.want(p.send(true, "POST", "/oauth/token", "grant_type=refresh_token&refresh_token="+phone.refresh, "Content-Type", formType), 400, "idle")
}
