package web_test

import (
	"context"
	"net/http"
	"strings"
	"time"

	"latchkey/auth/client"
	"latchkey/auth/mail"
	"latchkey/auth/services"
	"latchkey/models"
	"latchkey/web"
)

// backend is a client that acts for itself, with an account that it may change and a device of it.
type backend struct {
	*probe
	id, secret, access string
	user, device       string
}

// allScopes are those of a backend.
var allScopes = []string{client.UsersRead, client.UsersWrite, client.CredentialsWrite, client.UsersDelete, client.DevicesWrite, client.EventsRead}

func (p *probe) newBackend(scopes ...string) *backend {
	p.t.Helper()
	if len(scopes) == 0 {
		scopes = allScopes
	}
	c, err := p.auth.Clients.Add(p.t.Context(), client.Registration{Name: "Shop", Confidential: true, Scopes: scopes})
	if err != nil {
		p.t.Fatal(err)
	}
	b := &backend{probe: p, id: c.ID, secret: c.Secret}
	b.access = b.token().text(p.t, "access_token")
	b.device = p.login("of the backend's person").id
	ada, err := p.auth.Operator.FindUser(p.t.Context(), adaEmail)
	if err != nil {
		p.t.Fatal(err)
	}
	b.user = ada.ID.String()
	return b
}

// token asks for a token of the client's own; headers come in pairs.
func (b *backend) token(headers ...string) reply {
	b.t.Helper()
	return b.send(true, "POST", "/oauth/token", "grant_type=client_credentials", append(append(basicOf(b.id, b.secret), "Content-Type", formType), headers...)...)
}

// do sends a request of the backend's.
func (b *backend) do(proper bool, method, path, body string, headers ...string) reply {
	b.t.Helper()
	if body != "" {
		headers = append(headers, "Content-Type", jsonType)
	}
	return b.send(proper, method, path, body, append(bearer(b.access), headers...)...)
}

// targets are requests that would succeed, one for each operation; deletions come last.
func (b *backend) targets() (list []target) {
	bodies := map[string]string{"adminCreateUser": `{"email":"made@example.com"}`, "adminChangeUser": `{"metadata":{"plan":"gold"}}`, "adminImport": `{"users":[{"email":"imported@example.com"}]}`}
	var last []target
	for _, op := range b.operations() {
		if !op.ofBackends() {
			continue
		}
		to := target{operation: op, url: strings.NewReplacer("{id}", b.user, "{device}", b.device).Replace(op.path), body: bodies[op.OperationId], headers: bearer(b.access)}
		if to.body != "" {
			to.headers = append(to.headers, "Content-Type", jsonType)
		}
		if op.OperationId == "adminDeleteUser" {
			last = append(last, to)
			continue
		}
		list = append(list, to)
	}
	return append(list, last...)
}

func backendRequests(p *probe) {
	b := p.newBackend()
	p.clock.Advance(time.Minute) // what happened is settled
	for _, to := range b.targets() {
		if r := p.send(true, to.method, to.url+exampleQuery(p.t, to.operation), to.body, to.headers...); r.status >= 300 {
			p.t.Errorf("%s: %d %s", to.OperationId, r.status, r.body)
		}
		if to.RequestBody == nil {
			continue
		}
		for name, e := range to.RequestBody.Content.GetOrZero(jsonType).Examples.FromOldest() {
			if r := p.send(true, to.method, to.url, encode(p.t, jsonType, example(p.t, e)), to.headers...); r.status >= 300 {
				p.t.Errorf("%s, %s: %d %s", to.OperationId, name, r.status, r.body)
			}
		}
		b.do(true, "PATCH", "/api/admin/users/"+b.user, `{"disabled":false}`)
	}
	p.want(b.do(true, "GET", "/api/admin/users/"+b.user, ""), 404, "not_found") // it was deleted
}

func backendRefusals(p *probe) {
	b, reader := p.newBackend(), p.newBackend(client.OwnDevicesRead, client.EventsRead)
	nothing, phone, owner := p.newBackend(client.UsersRead), p.login("phone"), newProver(p.t, p.site, "ES256")
	bound := b.token("DPoP", owner.proof("POST", "/oauth/token", "", nil)).text(p.t, "access_token")
	for _, to := range b.targets() {
		kind := to.headers[2:]
		try := func(status int, code string, headers ...string) {
			p.want(p.send(false, to.method, to.url, to.body, append(headers, kind...)...), status, code)
		}
		try(401, "unauthenticated")
		try(401, "invalid_token", bearer(phone.access)...)
		try(401, "invalid_token", bearer("x")...)
		try(401, "invalid_token", bearer(bound)...)
		try(401, "invalid_dpop_proof", "Authorization", "DPoP "+bound)
		try(400, "invalid_request", append(bearer(b.access), bearer(b.access)...)...)
		if to.OperationId == "adminEvents" {
			try(403, "insufficient_scope", bearer(nothing.access)...)
		} else {
			try(403, "insufficient_scope", bearer(reader.access)...)
		}
		if strings.Contains(to.path, "{id}") {
			p.want(b.do(true, to.method, strings.Replace(to.url, b.user, noDevice, 1), to.body), 404, "not_found")
		}
		if to.RequestBody != nil {
			p.want(b.do(false, to.method, to.url, "["), 400, "invalid_request")
			p.want(b.do(false, to.method, to.url, `{"metadata":[]}`), 422, "invalid_request")
			p.want(b.do(false, to.method, to.url, `{"extrenal_id":"1"}`), 422, "invalid_request")
			p.want(p.stall(to.method, to.url, to.headers...), 408, "request_timeout")
			p.want(b.do(false, to.method, to.url, `{"email":"`+strings.Repeat("a", 70_000)+`"}`), 413, "payload_too_large")
			p.want(p.send(false, to.method, to.url, "<x/>", append(bearer(b.access), "Content-Type", "application/xml")...), 415, "unsupported_media_type")
		}
	}
	for _, list := range []string{"/api/admin/users", "/api/admin/events"} {
		for _, query := range []string{"?limit=0", "?limit=501", "?limit=x", "?cursor=x"} {
			p.want(b.do(false, "GET", list+query, ""), 422, "invalid_request")
		}
	}
	p.want(b.do(false, "GET", "/api/admin/users?changed_since=yesterday", ""), 422, "invalid_request")
	b.refusedByState()
	p.want(p.send(true, "POST", "/oauth/token", "grant_type=client_credentials&scope=users%3Awrite", append(basicOf(nothing.id, nothing.secret), "Content-Type", formType)...), 400, "invalid_scope")
}

// refusedByState are refusals by what the database holds.
func (b *backend) refusedByState() {
	b.t.Helper()
	p, made := b.probe, func(body string, headers ...string) reply {
		return b.do(true, "POST", "/api/admin/users", body, headers...)
	}
	first := made(`{"email":"one@example.com","external_id":"1"}`, "Idempotency-Key", "first")
	id := first.text(p.t, "id")
	p.want(made(`{"email":"two@example.com","external_id":"1"}`), 409, "external_id_taken")
	p.want(made(`{"email":"One@example.com"}`), 409, "email_taken")
	p.want(made(`{"email":"two@example.com"}`, "Idempotency-Key", "first"), 422, "idempotency_key_reused")
	p.want(b.do(true, "PATCH", "/api/admin/users/"+b.user, `{"external_id":"1"}`), 409, "external_id_taken")
	p.want(b.do(true, "PATCH", "/api/admin/users/"+b.user, `{"email":"one@example.com"}`), 409, "email_taken")
	if r := b.do(true, "DELETE", "/api/admin/users/"+id, ""); r.status != http.StatusNoContent {
		p.t.Errorf("deletion: %d %s", r.status, r.body)
	}
	p.want(made(`{"email":"one@example.com","external_id":"1"}`, "Idempotency-Key", "first"), 404, "not_found")
	for range 10 {
		b.do(true, "POST", "/api/admin/users/"+b.user+"/password/reset", "")
	}
	p.want(b.do(true, "POST", "/api/admin/users/"+b.user+"/password/reset", ""), 429, "rate_limited")

	if err := p.auth.Operator.SetRole(p.t.Context(), adaEmail, models.RoleSupport); err != nil {
		p.t.Fatal(err)
	}
	for _, to := range b.targets() {
		if strings.Contains(to.path, "{id}") && to.method != "GET" {
			p.want(b.do(true, to.method, to.url, to.body), 403, "not_allowed")
		}
	}
}

// boundTargets are the backend's requests under a token that is bound to a key, each with a proof.
func (b *backend) boundTargets(owner *prover, access string) []target {
	list := b.targets()
	for i, to := range list {
		list[i].headers = append([]string{"Authorization", "DPoP " + access, "DPoP", owner.proof(to.method, to.url, access, nil)}, to.headers[2:]...)
	}
	return list
}

func backendNonces(p *probe) {
	b, owner := p.newBackend(), newProver(p.t, p.site, "ES256")
	first := b.token("DPoP", owner.proof("POST", "/oauth/token", "", nil))
	p.want(first, 400, "use_dpop_nonce")
	nonce := func(_, c map[string]any) { c["nonce"] = first.header.Get("DPoP-Nonce") }
	access := b.token("DPoP", owner.proof("POST", "/oauth/token", "", nonce)).text(p.t, "access_token")
	for _, to := range b.boundTargets(owner, access) {
		p.want(p.send(true, to.method, to.url, to.body, to.headers...), 401, "use_dpop_nonce")
	}
}

func backendCrowd(p *probe) {
	b, owner := p.newBackend(), newProver(p.t, p.site, "EdDSA")
	access := b.token("DPoP", owner.proof("POST", "/oauth/token", "", nil)).text(p.t, "access_token")
	for n := 0; ; n++ {
		if n > 300 {
			p.t.Fatal("no end of proofs is taken")
		}
		to := b.boundTargets(owner, access)[0]
		if r := p.send(true, to.method, to.url, to.body, to.headers...); r.status == http.StatusTooManyRequests {
			break
		}
	}
	for _, to := range b.boundTargets(owner, access) {
		p.want(p.send(true, to.method, to.url, to.body, to.headers...), 429, "rate_limited")
	}
}

func backendWithout(p *probe) {
	b := p.newBackend()
	list := b.targets()
	if err := p.store.Close(); err != nil {
		p.t.Fatal(err)
	}
	for _, to := range list {
		p.want(p.send(true, to.method, to.url, to.body, to.headers...), 503, "unavailable")
	}
}

// withMail sends mails to no one.
func withMail(a *services.Config, w *web.Config) {
	onLocalhost(a, w)
	a.Mail, a.Render = discarded{}, web.MailRenderer(w.BaseURL)
}

type discarded struct{}

func (discarded) Send(context.Context, mail.Message) error { return nil }
