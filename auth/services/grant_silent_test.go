package services_test

import (
	"testing"
	"time"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/client"
	"latchkey/auth/grant"
	"latchkey/auth/ratelimit"
	"latchkey/auth/services"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// Every outcome of prompt=none (OpenID Connect Core §3.1.2.1).
func TestASilentSignIn(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		v := newVisitor(t, store)
		silent := func(by *browser.Session, from auth.Caller, changes ...string) any {
			t.Helper()
			q := v.request(t, append([]string{"prompt", "none"}, changes...)...)
			code, err := v.Grants.Silent(t.Context(), q, by, "Notes", from)
			if err == nil {
				r := v.redemption(code.Text)
				r.RedirectURI, r.Client.ID = q.RedirectURI, q.ClientID
				if _, err := v.Grants.Redeem(t.Context(), r); err != nil {
					t.Errorf("redeem: %v", err)
				}
			}
			return refused(err)
		}
		check := func(when string, got, want any) {
			t.Helper()
			if got != want {
				t.Errorf("%s: %v, want %v", when, got, want)
			}
		}
		const login, interaction = "login_required", "interaction_required"
		board := []string{"client_id", "board", "redirect_uri", boardURI}
		check("signed out", silent(nil, v.laptop), login)
		check("never approved", silent(v.here(t), v.laptop), interaction)
		v.given(t)
		check("approved", silent(v.here(t), v.laptop), nil)
		check("again", silent(v.here(t), v.laptop), nil)
		check("for a second account's hint", silent(v.here(t), v.laptop, "login_hint", "bob@example.com"), login)
		check("for her own hint", silent(v.here(t), v.laptop, "login_hint", "ADA@example.com"), nil)
		check("another client", silent(v.here(t), v.laptop, board...), interaction)
		check("another client of the same URI", silent(v.here(t), v.laptop, "client_id", "other"), interaction)
		check("with the largest age", silent(v.here(t), v.laptop, "max_age", "0"), login)
		v.given(t, "redirect_uri", nativeURI)
		check("a loopback address", silent(v.here(t), v.laptop, "redirect_uri", "http://127.0.0.1:7777/cb"), interaction)
		v.given(t, "redirect_uri", schemeURI)
		check("a scheme of its own", silent(v.here(t), v.laptop, "redirect_uri", schemeURI), interaction)

		elsewhere := v.laptop
		elsewhere.Browser = "another mark"
		check("a browser with another mark", silent(v.here(t), elsewhere), interaction)
		elsewhere.Browser = ""
		check("a browser without a mark", silent(v.here(t), elsewhere), interaction)
		elsewhere.Browser = "no cookies"
		if _, err := v.Grants.Approve(t.Context(), v.here(t), grant.Approval{Sealed: v.request(t).Text, DeviceName: "x", From: at("192.0.2.1")}); err != nil {
			t.Fatal(err)
		}
		check("approved in a browser without a mark", silent(v.here(t), at("192.0.2.1")), interaction)

		v.given(t, board...)
		v.advance(15 * time.Minute)
		check("an old proof", silent(v.here(t), v.laptop), login)
		check("an old proof and SSO", silent(v.here(t), v.laptop, board...), nil)
		check("SSO and max_age", silent(v.here(t), v.laptop, append(board, "max_age", "60")...), login)
		v.signIn(t, v.laptop)
		check("signed in again in the same browser", silent(v.here(t), v.laptop), nil)

		v.given(t)
		v.advance(ratelimit.KnownFor - time.Hour)
		v.signIn(t, v.laptop)
		check("after almost a month", silent(v.here(t), v.laptop), nil)
		v.advance(time.Hour)
		v.signIn(t, v.laptop)
		check("a month after the page, whatever came between", silent(v.here(t), v.laptop), interaction)

		v.given(t, "scope", "openid")
		check("what the page said", silent(v.here(t), v.laptop, "scope", "openid"), nil)
		check("the e-mail address, which the page did not name", silent(v.here(t), v.laptop), interaction)
		check("a hint, before the app was approved for the address", silent(v.here(t), v.laptop, "login_hint", adaEmail), login)
		v.given(t)
		check("the e-mail address", silent(v.here(t), v.laptop), nil)
		check("less than the page said", silent(v.here(t), v.laptop, "scope", "openid"), nil)
		check("her own hint at an app that she did not approve", silent(v.here(t), v.laptop, "client_id", "other", "login_hint", adaEmail), login)
		check("a wrong hint at an app that she did not approve", silent(v.here(t), v.laptop, "client_id", "other", "login_hint", "bob@example.com"), login)
		if _, err := v.Clients.Update(t.Context(), "notes", client.Change{Scopes: []string{client.OwnDevicesRead}}); err != nil {
			t.Fatal(err)
		}
		check("other devices' rights than the page said", silent(v.here(t), v.laptop), interaction)
		v.change(t, func(c *services.Config) { c.SecondFactor = auth.FactorRequired })
		check("a second factor must be set up", silent(v.here(t), v.laptop), interaction)
		v.change(t, func(c *services.Config) { c.SecondFactor = "" })
		if _, err := v.Operator.SetPasswordGenerated(t.Context(), adaEmail, adaPassword); err != nil {
			t.Fatal(err)
		}
		v.signIn(t, v.laptop)
		check("a password must be chosen", silent(v.here(t), v.laptop), interaction)

		if _, err := v.Clients.Update(t.Context(), "notes", client.Change{RedirectURIs: []string{"https://new.example/"}}); err != nil {
			t.Fatal(err)
		}
	})
}

// A pushed request that is answered silently is used up as any other.
func TestASilentAnswerUsesThePushedRequest(t *testing.T) {
	v := newVisitor(t, openStore(t))
	v.given(t)
	q := v.request(t, "prompt", "none")
	if _, err := v.Grants.Silent(t.Context(), q, v.here(t), "Notes", v.laptop); err != nil {
		t.Fatal(err)
	}
	if code, err := v.Grants.Silent(t.Context(), q, v.here(t), "Notes", v.laptop); refused(err) != "invalid_request_uri" || code.Text != "" {
		t.Errorf("%v", err)
	}
	if _, err := v.Grants.Open(t.Context(), q.Text); refused(err) != "invalid_request_uri" {
		t.Errorf("%v", err)
	}
}

// What an account can make us keep: the latest consents.
func TestAnAccountKeepsTheLatestConsents(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		consented := func(i int) bool {
			t.Helper()
			ok, err := store.Consented(t.Context(), d.ada.ID, models.SilentUse{
				Consents: []models.Consent{{ClientID: "notes", Browser: []byte{byte(i / 256), byte(i % 256)}}}, Since: d.now().Add(-24 * time.Hour),
			})
			if err != nil {
				t.Fatal(err)
			}
			return ok
		}
		for i := range 203 {
			d.advance(time.Second)
			consent := models.Consent{ClientID: "notes", Browser: []byte{byte(i / 256), byte(i % 256)}}
			hash := []byte{byte(i / 256), byte(i % 256)}
			err := store.AddCode(t.Context(), models.NewCode{
				Code:    models.Challenge{Hash: append(hash, 'c'), UserID: d.ada.ID, Purpose: "code", Data: []byte("x"), CreatedAt: d.now(), ExpiresAt: d.now().Add(time.Minute)},
				Request: models.ChallengeUse{Hash: append(hash, 'r'), Purpose: "request", ExpiresAt: d.now().Add(time.Minute), Sealed: true},
				Proof:   models.Proof{Verified: d.ada.PasswordHash, Version: d.ada.FactorsVersion}, Consent: &consent,
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		for i, want := range map[int]bool{0: false, 1: false, 2: false, 3: true, 202: true} {
			if consented(i) != want {
				t.Errorf("consent %d: %v", i, !want)
			}
		}
	})
}
