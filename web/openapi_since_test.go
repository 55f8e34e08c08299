package web_test

import "net/http"

// sinceRefusals are refusals to sign out everything since.
func sinceRefusals(p *probe) {
	x, mine := p.login("x"), p.login("mine")
	act := func(id, confirmation string) reply {
		return p.send(true, http.MethodDelete, "/api/devices/"+id+"/since", `{"confirmation":"`+confirmation+`"}`, append(bearer(mine.access), "Content-Type", jsonType)...)
	}
	p.want(p.send(false, http.MethodDelete, "/api/devices/"+x.id+"/since", "{}", append(bearer(mine.access), "Content-Type", jsonType)...), 403, "reauthentication_required")
	p.want(act(x.id, noChallenge), 403, "invalid_confirmation")
	secret := p.confirm(mine, adaPassword).confirmation(p.t)
	p.want(act(mine.id, secret), 422, "invalid_request")
	p.want(act(noDevice, secret), 404, "not_found")
	app := p.owner().addAuthenticator()
	secret = p.confirmStep(mine, p.confirm(mine, adaPassword).text(p.t, "challenge"), "totp", app.next(p.site)).confirmation(p.t)
	p.want(act(x.id, secret), 403, "factor_too_new")
}
