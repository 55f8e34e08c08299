package web_test

import (
	"net/netip"
	"net/url"
	"time"

	"latchkey/auth"
	portal "latchkey/auth/browser"
	"latchkey/auth/client"
	"latchkey/auth/confirm"
	"latchkey/auth/grant"
)

// television registers the client that requests to the device authorization endpoint name, unless it is.
func (p *probe) television() {
	p.t.Helper()
	if _, err := p.auth.Clients.Find(p.t.Context(), "app"); err == nil {
		return
	}
	if _, err := p.auth.Clients.Add(p.t.Context(), client.Registration{Name: "Television", ID: "app", DeviceGrant: true}); err != nil {
		p.t.Fatal(err)
	}
}

// approvedCode is a device code of the client "app" that ada has approved.
func (p *probe) approvedCode() string {
	p.t.Helper()
	device, user := p.deviceCodes("app")
	p.answer(user, true)
	return device
}

// answer approves or denies a code in ada's name.
func (p *probe) answer(user string, allow bool) {
	p.t.Helper()
	from := auth.Caller{IP: netip.MustParseAddr("127.0.0.1")}
	key, err := p.auth.SignIn.LoginBrowser(p.t.Context(), portal.Login{Email: adaEmail, Password: adaPassword, From: from})
	if err != nil {
		p.t.Fatal(err)
	}
	by, err := p.auth.Browsers.Authenticate(p.t.Context(), key, from)
	if err != nil {
		p.t.Fatal(err)
	}
	sealed, err := p.auth.DeviceCodes.Find(p.t.Context(), by, user, from)
	if err == nil && allow {
		err = p.auth.DeviceCodes.Approve(p.t.Context(), by, grant.DeviceApproval{
			Sealed: sealed, DeviceName: "television", Confirmation: confirm.Confirmation{Password: adaPassword, From: from}, From: from,
		})
	} else if err == nil {
		err = p.auth.DeviceCodes.Deny(p.t.Context(), by, sealed)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

// badDevices are the refusals of RFC 8628.
func badDevices(p *probe) {
	p.television()
	if _, err := p.auth.Clients.Add(p.t.Context(), client.Registration{Name: "Notes", ID: "notes-android"}); err != nil {
		p.t.Fatal(err)
	}
	start := func(form url.Values, headers ...string) reply {
		return p.send(false, "POST", "/oauth/device_authorization", form.Encode(), append(headers, "Content-Type", formType)...)
	}
	p.want(start(nil), 400, "invalid_request")
	p.want(start(url.Values{"client_id": {"app"}, "scope": {"a  b"}}), 400, "invalid_scope")
	p.want(start(url.Values{"client_id": {"notes-android"}}), 400, "unauthorized_client")
	p.want(start(url.Values{"client_id": {"unknown"}}), 401, "invalid_client")
	p.want(start(url.Values{"client_id": {"app"}}, "DPoP", "x"), 400, "invalid_dpop_proof")

	poll := func(code, clientID string) reply {
		form := url.Values{"grant_type": {deviceGrant}, "device_code": {code}, "client_id": {clientID}}
		return p.send(false, "POST", "/oauth/token", form.Encode(), "Content-Type", formType)
	}
	device, user := p.deviceCodes("app")
	p.want(poll(device, "app"), 400, "authorization_pending")
	p.want(poll(device, "app"), 400, "slow_down")
	p.want(poll(device, "notes-android"), 400, "unauthorized_client")
	p.want(poll("lkd_x", "app"), 400, "invalid_grant")
	p.want(poll("", "app"), 400, "invalid_request")
	p.answer(user, false)
	p.want(poll(device, "app"), 400, "access_denied")
	p.clock.Advance(time.Hour)
	p.want(poll(device, "app"), 400, "expired_token")
	for range grant.MaxNetDeviceCodes {
		p.deviceCodes("app")
	}
	p.want(start(url.Values{"client_id": {"app"}}), 429, "temporarily_unavailable")
}
