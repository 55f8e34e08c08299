package web_test

import (
	"time"

	"latchkey/auth/client"
	"latchkey/models"
)

// full signs ada in by an app that may have one device, and once more, which is refused. A prover proves its key both times.
func (p *probe) full(by string, owner *prover) (r reply) {
	p.t.Helper()
	most := 1
	if _, err := p.auth.Clients.Find(p.t.Context(), "one"); err != nil {
		one := client.Registration{Name: "One", ID: "one", RedirectURIs: []string{exampleURI}, Limits: client.Limits{MaxDevices: &most}}
		if _, err := p.auth.Clients.Add(p.t.Context(), one); err != nil {
			p.t.Fatal(err)
		}
		if _, err := p.auth.Clients.Add(p.t.Context(), client.Registration{Name: "App", ID: "app", RedirectURIs: []string{exampleURI}}); err != nil {
			p.t.Log(err) // it is there
		}
	}
	for range 2 {
		headers := []string{"Content-Type", jsonType}
		if owner != nil {
			headers = append(headers, by, owner.proof("POST", "/api/login", "", nil))
		}
		r = p.send(true, "POST", "/api/login", `{"email":"`+adaEmail+`","password":"`+adaPassword+`","device_name":"x","client_id":"one"}`, headers...)
		if r.status == 409 {
			break
		}
	}
	p.want(r, 409, "too_many_devices")
	return r
}

// fillReplacement begins what a replacement ends.
func (p *probe) fillReplacement(value map[string]any) {
	p.t.Helper()
	r := p.full("", nil)
	value["challenge"] = r.text(p.t, "challenge")
	value["replace"] = r.json(p.t)["devices"].([]any)[0].(map[string]any)["id"]
}

func badReplacements(p *probe) {
	replace := func(challenge, device string, headers ...string) reply {
		return p.send(true, "POST", "/api/login/replace", `{"challenge":"`+challenge+`","replace":"`+device+`"}`, append(headers, "Content-Type", jsonType)...)
	}
	first := p.full("", nil)
	ended := first.json(p.t)["devices"].([]any)[0].(map[string]any)["id"].(string)
	if r := replace(first.text(p.t, "challenge"), ended); r.status != 200 {
		p.t.Fatalf("%d %s", r.status, r.body)
	}
	p.want(replace(first.text(p.t, "challenge"), ended), 401, "invalid_challenge")
	second := p.full("", nil).text(p.t, "challenge")
	p.want(replace(second, ended), 409, "too_many_devices")
	p.want(replace(second, noDevice), 422, "invalid_request")
	p.want(replace(second, "x"), 422, "invalid_request")
	p.want(replace(second, ended, "DPoP", newProver(p.t, p.site, "ES256").proof("POST", "/api/login/replace", "", nil)), 400, "invalid_dpop_proof")
	ada := p.eventsOf(adaEmail)[0].UserID
	e := models.Event{UserID: ada, At: p.clock.Now(), Kind: models.EventPasswordChangeRequired, Actor: models.ActorOperator}
	if err := p.store.RequirePasswordChange(p.t.Context(), ada, e); err != nil {
		p.t.Fatal(err)
	}
	p.want(replace(second, ended), 403, "password_change_required")
	p.clock.Advance(5 * time.Minute)
	p.want(replace(second, ended), 401, "invalid_challenge")
}
