package web_test

import "encoding/json"

// secondSteps are those of eve, who has every factor and a phone.
type secondSteps struct {
	*probe
	phone phone
	app   authenticator
	codes []string
	key   *phonePasskey
}

func newSecondSteps(p *probe) *secondSteps {
	p.t.Helper()
	const email = "eve@example.com"
	p.addUser(email, evePassword)
	e := &secondSteps{probe: p, phone: newPhone(p.t, p.tryLogin(email, evePassword, "eve's"))}
	o := p.ownerOf(email, evePassword)
	e.app, e.codes = o.addAuthenticator(), o.addRecoveryCodes()
	e.key = o.addPasskey(e.app.next(p.site))
	return e
}

// fill begins what a second step ends, and fills the right answer in. It returns false for other operations.
func (e *secondSteps) fill(op operation, value map[string]any) bool {
	e.t.Helper()
	var start reply
	switch op.OperationId {
	case "loginFactor":
		start = e.tryLogin("eve@example.com", evePassword, "another of eve's")
	case "confirmFactor":
		start = e.confirm(e.phone, evePassword)
	default:
		return false
	}
	value["challenge"] = start.text(e.t, "challenge")
	switch value["method"] {
	case "totp":
		value["code"] = e.app.next(e.site)
	case "recovery_code":
		value["code"], e.codes = e.codes[0], e.codes[1:]
	case "passkey":
		value["credential"] = e.key.answer(start)
	}
	return true
}

// badSteps are second steps that fail, where an account may have two devices.
func badSteps(p *probe) {
	phone, other := p.login("phone"), p.login("other")
	app := p.owner().addAuthenticator()
	headers := append(bearer(phone.access), "Content-Type", jsonType)
	for _, method := range []string{"PATCH", "DELETE"} {
		act := func(member, value string) reply {
			return p.send(false, method, "/api/devices/"+other.id, `{"name":"x","`+member+`":"`+value+`"}`, headers...)
		}
		p.want(act("password", adaPassword), 403, "second_factor_required")
		p.want(act("confirmation", noChallenge), 403, "invalid_confirmation")
	}
	p.want(p.send(true, "POST", "/api/confirmation/passkey", "", headers[:2]...), 403, "not_allowed")
	p.want(p.send(true, "POST", "/api/confirmation", `{"password":"wrong"}`, headers...), 403, "invalid_credentials")
	for path, begin := range map[string]func() reply{
		"/api/login/factor": func() reply {
			return p.send(true, "POST", "/api/login", `{"email":"`+adaEmail+`","password":"`+adaPassword+`","device_name":"x"}`, "Content-Type", jsonType)
		},
		"/api/confirmation/factor": func() reply {
			return p.send(true, "POST", "/api/confirmation", `{"password":"`+adaPassword+`"}`, headers...)
		},
	} {
		start := begin()
		p.want(start, 403, "second_factor_required")
		answer := func(code string, more ...string) reply {
			if path != "/api/login/factor" {
				more = append(more, headers[:2]...)
			}
			return p.send(true, "POST", path, `{"challenge":"`+start.text(p.t, "challenge")+`","method":"totp","code":"`+code+`"}`, append(more, "Content-Type", jsonType)...)
		}
		p.want(answer("000000"), 401, "invalid_code")
		if path == "/api/login/factor" {
			p.want(answer("000000", "DPoP", newProver(p.t, p.site, "ES256").proof("POST", path, "", nil)), 400, "invalid_dpop_proof")
			p.want(answer(app.next(p.site)), 409, "too_many_devices")
		}
		for range 5 {
			answer("000000")
		}
		p.want(answer("000000"), 401, "invalid_challenge")
	}
	for n := 0; ; n++ { // wrong codes until no more are taken
		r := p.send(true, "POST", "/api/login", `{"email":"`+adaEmail+`","password":"`+adaPassword+`","device_name":"x"}`, "Content-Type", jsonType)
		r = p.send(true, "POST", "/api/login/factor", `{"challenge":"`+r.text(p.t, "challenge")+`","method":"totp","code":"000000"}`, "Content-Type", jsonType)
		if r.status != 401 || n > 25 {
			p.want(r, 429, "rate_limited")
			return
		}
	}
}

// badPasskeys are right passkeys of accounts that may not sign in.
func badPasskeys(p *probe) {
	key := p.owner().addPasskey("")
	signIn := func() reply {
		start := p.send(true, "POST", "/api/login/passkey", `{"device_name":"x"}`, "Content-Type", jsonType)
		body, err := json.Marshal(map[string]any{"challenge": start.text(p.t, "challenge"), "method": "passkey", "credential": key.answer(start)})
		if err != nil {
			p.t.Fatal(err)
		}
		return p.send(true, "POST", "/api/login/factor", string(body), "Content-Type", jsonType)
	}
	p.want(p.send(true, "POST", "/api/login/passkey", `{"device_name":"x"}`, "Content-Type", jsonType,
		"DPoP", newProver(p.t, p.site, "ES256").proof("POST", "/oauth/token", "", nil)), 400, "invalid_dpop_proof")
	if _, err := p.auth.Operator.SetPasswordGenerated(p.t.Context(), adaEmail, adaPassword); err != nil {
		p.t.Fatal(err)
	}
	p.want(signIn(), 403, "password_change_required")
	if _, err := p.auth.Operator.Disable(p.t.Context(), adaEmail); err != nil {
		p.t.Fatal(err)
	}
	p.want(signIn(), 403, "account_disabled")
}

func noPasskeys(p *probe) {
	p.want(p.send(true, "POST", "/api/login/passkey", `{"device_name":"x"}`, "Content-Type", jsonType), 403, "not_allowed")
}

func mustSetUp(p *probe) {
	p.want(p.send(true, "POST", "/api/login", `{"email":"`+adaEmail+`","password":"`+adaPassword+`","device_name":"x"}`, "Content-Type", jsonType), 403, "second_factor_setup_required")
}
