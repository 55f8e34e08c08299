package web_test

import (
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/auth"
	"latchkey/auth/client"
	"latchkey/auth/ratelimit"
	"latchkey/auth/services"
	"latchkey/models/modelstest"
	"latchkey/web"
)

// described are the requests of the description, with what an example cannot know filled in.
func described(p *probe) {
	for _, id := range []string{"app", "notes-android"} { // those that examples name
		if _, err := p.auth.Clients.Add(p.t.Context(), client.Registration{Name: id, ID: id, DeviceGrant: true, IOSApps: notesApps.IOSApps, AndroidApps: notesApps.AndroidApps, RedirectURIs: []string{exampleURI}}); err != nil {
			p.t.Fatal(err)
		}
	}
	other, eve := p.login("another").id, newSecondSteps(p)
	for _, op := range p.operations() {
		if op.ofBackends() {
			continue
		}
		path := strings.NewReplacer("/statuslists/{id}", "/statuslists/0", "{id}", other, "{path}", "tenant").Replace(op.path)
		if op.RequestBody == nil {
			var headers []string
			if op.OperationId == "confirmPasskey" {
				headers = bearer(eve.phone.access)
			} else if op.guarded() {
				headers = bearer(p.ofOperation(op, p.login("phone")).access)
			}
			if r := p.send(true, op.method, path+exampleQuery(p.t, op), "", headers...); r.status >= 400 {
				p.t.Errorf("%s: %d %s", op.OperationId, r.status, r.body)
			}
			continue
		}
		for mediaType, body := range op.RequestBody.Content.FromOldest() {
			for name, e := range body.Examples.FromOldest() {
				phone := p.login("phone")
				value := example(p.t, e)
				if eve.fill(op, value.(map[string]any)) {
					phone = eve.phone
				}
				if op.OperationId == "loginReplace" {
					p.fillReplacement(value.(map[string]any))
				}
				password := adaPassword
				if op.ofAccount() {
					phone, _ = p.someone()
					password = evePassword
				}
				if m := value.(map[string]any); m["confirmation"] != nil {
					m["confirmation"] = p.confirm(phone, password).confirmation(p.t)
				}
				if m := value.(map[string]any); m["device_code"] != nil {
					m["device_code"] = p.approvedCode()
				}
				for _, member := range []string{"refresh_token", "token"} {
					if m := value.(map[string]any); m[member] != nil {
						m[member] = phone.refresh
					}
				}
				if m := value.(map[string]any); m["code"] != nil && op.OperationId == "refresh" {
					m["code"] = p.exampleCode()
				}
				headers := []string{"Content-Type", mediaType}
				if op.OperationId == "introspect" {
					headers = append(headers, p.backend()...)
					value.(map[string]any)["token"] = phone.access
				}
				if op.guarded() {
					headers = append(headers, bearer(phone.access)...)
				}
				if r := p.send(true, op.method, path, encode(p.t, mediaType, value), headers...); r.status >= 400 {
					p.t.Errorf("%s, %s, %s: %d %s", op.OperationId, mediaType, name, r.status, r.body)
				}
			}
		}
	}
}

func withTenant(a *services.Config, w *web.Config) {
	withMail(a, w)
	a.Issuer += "/tenant"
	a.Budgets = ratelimit.Budgets{Window: 1000, Day: 1000} // every example has a phone of its own
}

func newProbe(t *testing.T, s *site, l *ledger) *probe { return &probe{s, newContract(t, s), t, l} }

func TestTheDescribedRequestsAreAnsweredAsDescribed(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		l := &ledger{answers: map[string]map[string]bool{}, bodies: map[string]bool{}}
		described(newProbe(t, s, l))
		if t.Logf("%d requests", l.sent); l.sent < 15 {
			t.Errorf("only %d requests were found", l.sent)
		}
	}, withTenant)
}

// TestEveryDescribedAnswerIsGivenAndDescribed counts at its end what was described and never happened.
func TestEveryDescribedAnswerIsGivenAndDescribed(t *testing.T) {
	l := &ledger{answers: map[string]map[string]bool{}, bodies: map[string]bool{}}
	for _, scene := range []struct {
		name   string
		play   func(p *probe)
		change func(*services.Config, *web.Config)
	}{
		{"the described requests", described, withTenant},
		{"bodies that cannot be read", badBodies, nil},
		{"fields that cannot be used", badFields, nil},
		{"access tokens that prove nothing", badAccess, nil},
		{"access tokens that lack a scope", noScope, nil},
		{"a second password", secondPassword, nil},
		{"second steps", badSteps, func(a *services.Config, w *web.Config) { onLocalhost(a, w); a.MaxDevices = 2 }},
		{"passkeys that are refused", badPasskeys, nil},
		{"no passkeys", noPasskeys, func(*services.Config, *web.Config) {}},
		{"a factor that must be set up", mustSetUp, func(a *services.Config, _ *web.Config) { a.SecondFactor = auth.FactorRequired }},
		{"sign-ins that are refused", badLogins, func(a *services.Config, _ *web.Config) { a.MaxDevices = 2 }},
		{"device tokens that prove nothing", badGrants, nil},
		{"devices that are not approved", badDevices, nil},
		{"replacements that are refused", badReplacements, nil},
		{"an idle device", idle, nil},
		{"devices at their end", atTheEnd, func(a *services.Config, _ *web.Config) { a.DeviceLifetime, a.MaxRefreshes = time.Hour, 1 }},
		{"nonces", nonces, func(a *services.Config, w *web.Config) { onLocalhost(a, w); a.NonceRequired = true }},
		{"a flood of proofs", crowd, func(a *services.Config, _ *web.Config) { a.ProofMemory = 4000 }},
		{"no database", noDatabase, withMail},
		{"acts on the account that are refused", accountRefusals, withKeptMails},
		{"everything since that is refused", sinceRefusals, nil},
		{"accounts without mail", accountsWithout, func(a *services.Config, w *web.Config) { onLocalhost(a, w); a.SignupOpen = false }},
		{"discovery", discovery, nil},
		{"a backend", backendRequests, withMail},
		{"a backend that is refused", backendRefusals, withMail},
		{"nonces of a backend", backendNonces, func(a *services.Config, w *web.Config) { onLocalhost(a, w); a.NonceRequired = true }},
		{"a flood of a backend's proofs", backendCrowd, func(a *services.Config, _ *web.Config) { a.ProofMemory = 4000 }},
		{"no database for a backend", backendWithout, nil},
		{"authorization requests", badRequests, func(a *services.Config, w *web.Config) { onLocalhost(a, w); a.MaxDevices = 2 }},
	} {
		t.Run(scene.name, func(t *testing.T) {
			change := scene.change
			if change == nil {
				change = onLocalhost
			}
			scene.play(newProbe(t, newSite(t, modelstest.MigratedSQLite(t), change), l))
		})
	}
	t.Run("a mistake of the server's", func(t *testing.T) {
		var broken atomic.Bool
		s := newSite(t, modelstest.MigratedSQLite(t), func(a *services.Config, w *web.Config) {
			withMail(a, w)
			now := a.Now
			a.Now = func() time.Time {
				if broken.Load() {
					panic("the clock fell from the wall")
				}
				return now()
			}
		})
		mistakes(newProbe(t, s, l), &broken)
	})
	text, err := os.ReadFile("api/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !t.Failed() { // a scene that failed has said why already
		l.complete(t, readContract(t, text))
	}
}

// target is a request that would succeed, for one operation.
type target struct {
	operation
	url     string
	body    string // of the operations that take one
	headers []string
}

// targets are such requests for every operation that takes a body or an access token, with a phone of their own.
func (p *probe) targets(phone phone, credentials func(method, path string) []string) (list []target) {
	other := p.login("other").id
	p.register()
	p.television()
	bodies := map[string]string{
		"deviceAuthorization": `{"client_id":"app"}`,
		"login":               `{"email":"` + adaEmail + `","password":"` + adaPassword + `","device_name":"x"}`,
		"loginFactor":         `{"challenge":"` + noChallenge + `","method":"totp","code":"000000"}`,
		"loginPasskey":        `{"device_name":"x"}`,
		"loginReplace":        `{"challenge":"` + noChallenge + `","replace":"` + noDevice + `"}`,
		"confirm":             `{"password":"` + adaPassword + `"}`,
		"confirmFactor":       `{"challenge":"` + noChallenge + `","method":"totp","code":"000000"}`,
		"authorizePost":       asked("client_id", "app", "redirect_uri", exampleURI).Encode(),
		"pushRequest":         encode(p.t, jsonType, pushed()),
		"refresh":             `{"grant_type":"refresh_token","refresh_token":"` + phone.refresh + `"}`,
		"revoke":              `{"token":"` + phone.refresh + `"}`,
		"introspect":          `{"token":"` + phone.access + `"}`,
		"renameCurrent":       `{"name":"x"}`,
		"renameDevice":        `{"name":"x","password":"` + adaPassword + `"}`,
		"signOutDevice":       `{"password":"` + adaPassword + `"}`,
		"signOutOthers":       `{"confirmation":"` + noChallenge + `"}`,
		"signOutSince":        `{"confirmation":"` + noChallenge + `"}`,
		"signUp":              `{"email":"grace@example.com","password":"nine lives of a cat"}`,
		"resetPassword":       `{"email":"` + adaEmail + `"}`,
		"changePassword":      `{"confirmation":"` + noChallenge + `","new_password":"nine lives of a cat"}`,
		"changeEmail":         `{"confirmation":"` + noChallenge + `","email":"ada@example.net"}`,
		"deleteAccount":       `{"confirmation":"` + noChallenge + `"}`,
	}
	for _, op := range p.operations() {
		if op.RequestBody == nil && !op.guarded() || op.ofBackends() {
			continue
		}
		to := target{operation: op, url: strings.ReplaceAll(op.path, "{id}", other), body: bodies[op.OperationId]}
		if op.guarded() {
			to.headers = credentials(op.method, to.url)
		}
		if op.OperationId == "introspect" {
			to.headers = p.backend()
		}
		switch {
		case op.OperationId == "authorizePost":
			to.headers = append(to.headers, "Content-Type", formType)
		case op.RequestBody != nil:
			to.headers = append(to.headers, "Content-Type", jsonType)
		}
		list = append(list, to)
	}
	return list
}

// backend registers a confidential client, and returns how it authenticates.
func (p *probe) backend() []string {
	p.t.Helper()
	c, err := p.auth.Clients.Add(p.t.Context(), client.Registration{Name: "Backend", Confidential: true})
	if err != nil {
		p.t.Fatal(err)
	}
	return basicOf(c.ID, c.Secret)
}

// noChallenge has the form of a challenge, but is not one.
var noChallenge = strings.Repeat("A", 43)

// plain presents a phone's access token as a bearer token.
func plain(phone phone) func(string, string) []string {
	return func(string, string) []string { return bearer(phone.access) }
}

// oauthCode is the error of RFC 6749 where the operation speaks so, else the code of a problem.
func (to target) oauthCode(oauth, problem string) string {
	if strings.HasPrefix(to.path, "/oauth/") {
		return oauth
	}
	return problem
}

func badBodies(p *probe) {
	phone := p.login("phone")
	for _, to := range p.targets(phone, plain(phone)) {
		if to.RequestBody == nil || to.OperationId == "authorizePost" { // whatever is wrong there, a page says so
			continue
		}
		auth := to.headers[:len(to.headers)-2]
		p.want(p.send(false, to.method, to.url, "[", to.headers...), 400, "invalid_request")
		p.want(p.stall(to.method, to.url, to.headers...), 408, to.oauthCode("temporarily_unavailable", "request_timeout"))
		p.want(p.send(false, to.method, to.url, `{"x":"`+strings.Repeat("a", 70_000)+`"}`, to.headers...), 413, to.oauthCode("invalid_request", "payload_too_large"))
		p.want(p.send(false, to.method, to.url, "<x/>", append(auth, "Content-Type", "application/xml")...), 415, to.oauthCode("invalid_request", "unsupported_media_type"))
		p.want(p.send(false, to.method, to.url, "\x1f\x8b", append(to.headers, "Content-Encoding", "gzip")...), 415, to.oauthCode("invalid_request", "unsupported_media_type"))
	}
	p.refreshed(phone.refresh)
}

func badFields(p *probe) {
	phone := p.login("phone")
	for _, to := range p.targets(phone, plain(phone)) {
		if answer := to.Responses.Codes.GetOrZero("422"); answer != nil && !to.ofAccount() && to.OperationId != "signOutSince" { // accountRefusals and sinceRefusals have those
			p.want(p.send(false, to.method, to.url, `{"name":"","challenge":"`+noChallenge+`","password":"`+strings.Repeat("a", 2000)+`"}`, to.headers...), 422, "invalid_request")
		}
		if to.asClient() {
			kind := to.headers[len(to.headers)-2:]
			p.want(p.send(false, to.method, to.url, to.body, append(kind, "Authorization", "Basic YXBwOnNlY3JldA==")...), 401, "invalid_client")
			if to.OperationId == "introspect" {
				p.want(p.send(false, to.method, to.url, "{}", to.headers...), 400, "invalid_request")
				p.want(p.send(true, to.method, to.url, to.body, kind...), 401, "invalid_client")
			}
		}
	}
	p.want(p.send(false, "POST", "/api/login", `{"email":"`+adaEmail+`","device_name":"x"}`, "Content-Type", jsonType), 422, "invalid_request")
	web, err := p.auth.Clients.Add(p.t.Context(), client.Registration{Name: "Web", Confidential: true})
	if err != nil {
		p.t.Fatal(err)
	}
	p.want(p.send(true, "POST", "/api/login", `{"email":"`+adaEmail+`","password":"`+adaPassword+`","device_name":"x","client_id":"`+web.ID+`"}`, "Content-Type", jsonType), 401, "invalid_client")
	p.want(p.send(true, "POST", "/api/login/passkey", `{"device_name":"x","client_id":"`+web.ID+`"}`, "Content-Type", jsonType), 401, "invalid_client")
	for _, path := range []string{"/oauth/token", "/oauth/revoke"} {
		body := `{"grant_type":"refresh_token","refresh_token":"` + phone.refresh + `","token":"` + phone.refresh + `","client_id":"` + web.ID + `"`
		p.want(p.send(false, "POST", path, body+`}`, "Content-Type", jsonType), 401, "invalid_client")
		p.want(p.send(false, "POST", path, body+`,"client_secret":"wrong"}`, "Content-Type", jsonType), 401, "invalid_client")
		p.want(p.send(false, "POST", path, body+`,"client_secret":"`+web.Secret+`"}`, "Content-Type", jsonType), 400, "invalid_grant")
	}
	if _, err := p.auth.Clients.Add(p.t.Context(), client.Registration{Name: "Notes"}); err != nil {
		p.t.Fatal(err)
	}
	for range ratelimit.MaxNetSecrets {
		p.send(false, "POST", "/oauth/introspect", "{}", append(basicOf(web.ID, "wrong"), "Content-Type", jsonType)...)
	}
	p.want(p.send(false, "POST", "/oauth/introspect", "{}", append(basicOf(web.ID, "wrong"), "Content-Type", jsonType)...), 429, "temporarily_unavailable")
	p.want(p.send(true, "POST", "/api/login", `{"email":"`+adaEmail+`","password":"`+adaPassword+`","device_name":"x","client_id":"other"}`, "Content-Type", jsonType), 422, "invalid_request")
}

func badAccess(p *probe) {
	phone, owner := p.login("phone"), newProver(p.t, p.site, "ES256")
	bound := newPhone(p.t, owner.login("bound"))
	for _, to := range p.targets(phone, func(string, string) []string { return nil }) {
		if !to.guarded() {
			continue
		}
		try := func(status int, code string, headers ...string) {
			p.want(p.send(false, to.method, to.url, to.body, append(headers, to.headers...)...), status, code)
		}
		try(401, to.oauthCode("invalid_token", "unauthenticated"))
		try(401, "invalid_token", bearer("x")...)
		try(401, "invalid_token", bearer(bound.access)...)
		try(401, "invalid_token", "Authorization", "DPoP "+phone.access, "DPoP", owner.proof(to.method, to.url, phone.access, nil))
		try(401, "invalid_dpop_proof", "Authorization", "DPoP "+bound.access)
		try(401, "invalid_dpop_proof", "Authorization", "DPoP "+bound.access, "DPoP", owner.proof(to.method, to.url, phone.access, nil))
		try(400, "invalid_request", append(bearer(phone.access), bearer(phone.access)...)...)
	}
}

func noScope(p *probe) {
	if _, err := p.auth.Clients.Add(p.t.Context(), client.Registration{Name: "Reader", ID: "reader", Scopes: []string{client.OwnDevicesRead}}); err != nil {
		p.t.Fatal(err)
	}
	if _, err := p.auth.Clients.Add(p.t.Context(), client.Registration{Name: "Writer", ID: "writer", Scopes: []string{client.OwnDevicesWrite}}); err != nil {
		p.t.Fatal(err)
	}
	if _, err := p.auth.Clients.Add(p.t.Context(), client.Registration{Name: "App", ID: "app"}); err != nil { // of the others in this scene
		p.t.Fatal(err)
	}
	reader, writer := newPhone(p.t, p.loginBy("reader", "reader")), newPhone(p.t, p.loginBy("writer", "writer"))
	for _, to := range p.targets(reader, plain(reader)) {
		switch {
		case !to.guarded() || to.OperationId == "whoami":
		case to.method == "GET":
			p.want(p.send(true, to.method, to.url, to.body, bearer(writer.access)...), 403, "insufficient_scope")
		default:
			p.want(p.send(true, to.method, to.url, to.body, to.headers...), 403, "insufficient_scope")
		}
	}
}

func secondPassword(p *probe) {
	phone := p.login("phone")
	for _, to := range p.targets(phone, plain(phone)) {
		if to.path != "/api/devices/{id}" {
			continue
		}
		try := func(url, password string) reply {
			return p.send(false, to.method, url, `{"name":"x","password":"`+password+`"}`, to.headers...)
		}
		p.want(try(to.url, ""), 403, "reauthentication_required")
		p.want(try(to.url, "wrong"), 403, "invalid_credentials")
		p.want(try("/api/devices/"+noDevice, adaPassword), 404, "not_found")
		p.want(try("/api/devices/x", adaPassword), 404, "not_found")
	}
}

func badLogins(p *probe) {
	login := func(password string, headers ...string) reply {
		body := `{"email":"` + adaEmail + `","password":"` + password + `","device_name":"x"}`
		return p.send(true, "POST", "/api/login", body, append(headers, "Content-Type", jsonType)...)
	}
	owner := newProver(p.t, p.site, "ES256")
	p.want(login(adaPassword, "DPoP", owner.proof("POST", "/oauth/token", "", nil)), 400, "invalid_dpop_proof")
	bound := newPhone(p.t, login(adaPassword, "DPoP", owner.proof("POST", "/api/login", "", nil)))
	p.want(p.send(true, "POST", "/oauth/token", `{"grant_type":"refresh_token","refresh_token":"`+bound.refresh+`"}`, "Content-Type", jsonType), 400, "invalid_dpop_proof")
	p.login("two")
	p.want(login(adaPassword), 409, "too_many_devices")
	another := p.send(true, "POST", "/api/login", `{"email":"`+adaEmail+`","password":"`+adaPassword+`","device_name":"x","client_id":"another"}`, "Content-Type", jsonType)
	if p.want(another, 409, "too_many_devices"); another.json(p.t)["devices"] != nil || another.json(p.t)["challenge"] != nil {
		p.t.Errorf("an app without devices is offered %s", another.body)
	}
	if _, err := p.auth.Operator.SetPasswordGenerated(p.t.Context(), adaEmail, adaPassword); err != nil {
		p.t.Fatal(err)
	}
	p.want(login(adaPassword), 403, "password_change_required")
	if _, err := p.auth.Operator.Disable(p.t.Context(), adaEmail); err != nil {
		p.t.Fatal(err)
	}
	p.want(login(adaPassword), 403, "account_disabled")
	for range 10 {
		p.want(login("wrong"), 401, "invalid_credentials")
	}
	p.want(login("wrong"), 429, "rate_limited")
}

func badGrants(p *probe) {
	present := func(token string, more ...string) reply {
		form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
		for i := 0; i < len(more); i += 2 {
			form.Set(more[i], more[i+1])
		}
		return p.send(false, "POST", "/oauth/token", form.Encode(), "Content-Type", formType)
	}
	one, two := p.login("one"), p.login("two")
	p.want(present("x"), 400, "malformed")
	p.want(present(one.refresh, "client_id", "another"), 400, "unknown_device")
	p.want(present(""), 400, "invalid_request")
	p.want(present(one.refresh, "grant_type", "password"), 400, "unsupported_grant_type")
	p.refreshed(p.refreshed(two.refresh).refresh)
	p.want(present(two.refresh), 400, "reused")
	p.want(p.send(false, "POST", "/oauth/revoke", "token=", "Content-Type", formType), 400, "invalid_request")
	p.send(true, "POST", "/oauth/revoke", "token="+one.refresh, "Content-Type", formType)
	p.want(present(one.refresh), 400, "revoked")
}

func atTheEnd(p *probe) {
	phone, used := p.login("phone"), p.login("used")
	used = p.refreshed(used.refresh)
	p.want(p.send(true, "POST", "/oauth/token", "grant_type=refresh_token&refresh_token="+used.refresh, "Content-Type", formType), 400, "refresh_limit")
	p.clock.Advance(time.Hour)
	p.want(p.send(true, "POST", "/oauth/token", "grant_type=refresh_token&refresh_token="+phone.refresh, "Content-Type", formType), 400, "expired")
}
