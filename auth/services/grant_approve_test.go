package services_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/client"
	"latchkey/auth/confirm"
	"latchkey/auth/grant"
	"latchkey/auth/ratelimit"
	"latchkey/auth/services"
	"latchkey/auth/token"
	"latchkey/models"
	"latchkey/models/modelstest"
)

const uriPrefix = "urn:ietf:params:oauth:request_uri:"

func TestASealedRequestIsOursAndYoung(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		v := newVisitor(t, store)
		q := v.request(t, "device_name", "“Work” \\ <phone>")
		open := func(text string) any { _, err := v.Grants.Open(t.Context(), text); return refused(err) }
		raw, err := base64.RawURLEncoding.DecodeString(q.Text)
		if err != nil {
			t.Fatal(err)
		}
		if opened, err := v.Grants.Open(t.Context(), q.Text); err != nil || opened.DeviceName != "“Work” \\ <phone>" || opened.State != "st" {
			t.Errorf("%+v %v", opened, err)
		}
		for i := range raw {
			if i%7 > 0 && i > 40 {
				continue
			}
			bad := slices.Clone(raw)
			bad[i] ^= 1
			if got := open(base64.RawURLEncoding.EncodeToString(bad)); got != auth.KindDeadLink {
				t.Fatalf("byte %d changed: %v", i, got)
			}
		}
		for name, text := range map[string]string{
			"nothing": "", "a word": "request", "cut": q.Text[:len(q.Text)-4], "longer": q.Text + "AAAA", "padded": q.Text + "=", "with a prefix": uriPrefix + q.Text,
			"spaces": " " + q.Text, "huge": strings.Repeat("A", 1<<20), "a code": v.given(t),
		} {
			if got := open(text); got != auth.KindDeadLink {
				t.Errorf("%s: %v", name, got)
			}
		}
		other, err := services.New(store, func() services.Config {
			c := v.config
			c.Secret = bytes.Repeat([]byte{9}, 32)
			return c
		}())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := other.Grants.Open(t.Context(), q.Text); refused(err) != auth.KindDeadLink {
			t.Errorf("under another secret: %v", err)
		}
		v.advance(grant.RequestLife - time.Second)
		if got := open(q.Text); got != nil {
			t.Errorf("before its end: %v", got)
		}
		v.advance(time.Second)
		if got := open(q.Text); got != "invalid_request_uri" {
			t.Errorf("at its end: %v", got)
		}
		v.advance(-grant.RequestLife - time.Hour)
		if got := open(q.Text); got != "invalid_request_uri" {
			t.Errorf("of the future: %v", got)
		}
	})
}

func TestAPushedRequestIsItsClients(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		v := newVisitor(t, store)
		push := func(by string, changes ...string) (grant.Receipt, error) {
			return v.Grants.Push(t.Context(), asking(changes...), client.Identity{ID: by}, token.Proof{})
		}
		receipt, err := push("notes")
		if err != nil || !strings.HasPrefix(receipt.URI, uriPrefix) || receipt.ExpiresIn != 600 {
			t.Fatalf("%+v %v", receipt, err)
		}
		use := func(id, uri string) (grant.Sealed, any) {
			q, err := v.Grants.Pushed(t.Context(), grant.Params{Values: map[string]string{"client_id": id, "request_uri": uri, "scope": "changed", "redirect_uri": "https://evil.example/"}})
			return q, refused(err)
		}
		q, bad := use("notes", receipt.URI)
		if bad != nil || q.RedirectURI != notesURI || q.State != "st" {
			t.Fatalf("%+v %v", q, bad)
		}
		for name, got := range map[string]any{
			"without a client": refusedUse(use("", receipt.URI)), "of another client": refusedUse(use("other", receipt.URI)),
			"that was not pushed": refusedUse(use("notes", uriPrefix+v.request(t).Text)),
		} {
			if got != auth.KindUnauthorizedClient {
				t.Errorf("a request URI %s: %v", name, got)
			}
		}
		if got := refusedUse(use("notes", uriPrefix+"x")); got != auth.KindDeadLink {
			t.Errorf("a request URI that we did not make: %v", got)
		}
		if _, got := use("notes", receipt.URI); got != nil { // RFC 9126 §4: a person may load the page again
			t.Errorf("a second look: %v", got)
		}
		code, err := v.approve(t.Context(), v.here(t), q.Text)
		if err != nil {
			t.Fatal(err)
		}
		for _, after := range []time.Duration{0, 2 * time.Minute, 7 * time.Minute} { // while the sealed text is young
			v.advance(after)
			if _, got := use("notes", receipt.URI); got != "invalid_request_uri" {
				t.Errorf("replayed %v after the code: %v", after, got)
			}
			if again, err := v.approve(t.Context(), v.here(t), q.Text); err == nil && after > 0 || err == nil && again.Text != code.Text {
				t.Errorf("approved again %v after the code: %v", after, err)
			}
		}
		for name, c := range map[string]struct {
			by     string
			change []string
			want   any
		}{
			"no client":                   {"", nil, auth.KindInvalidRequest},
			"an unknown client":           {"nobody", nil, auth.KindInvalidClient},
			"a request URI":               {"notes", []string{"request_uri", receipt.URI}, auth.KindInvalidRequest},
			"no PKCE":                     {"notes", []string{"code_challenge", ""}, "invalid_request"},
			"the client of the secret":    {"notes", []string{"client_id", "other"}, nil},
			"a client without client_id":  {"notes", []string{"client_id", ""}, nil},
			"a URI of another one":        {"board", nil, auth.KindInvalidRequest},
			"a request object":            {"notes", []string{"request", "e"}, "request_not_supported"},
			"prompt=none with login":      {"notes", []string{"prompt", "none login"}, "invalid_request"},
			"a scope that no scope is":    {"notes", []string{"scope", "\""}, "invalid_scope"},
			"a type that is not supportd": {"notes", []string{"response_type", "id_token"}, "unsupported_response_type"},
		} {
			if _, err := push(c.by, c.change...); refused(err) != c.want {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func refusedUse(_ grant.Sealed, refused any) any { return refused }

func TestAPushedRequestMayBindTheCodeToAKey(t *testing.T) {
	v := newVisitor(t, openStore(t))
	key, other := newProver(t, 1), newProver(t, 2)
	par := v.config.Issuer + "/oauth/par"
	push := func(p token.Proof, changes ...string) (grant.Sealed, error) {
		receipt, err := v.Grants.Push(t.Context(), asking(changes...), client.Identity{ID: "notes"}, p)
		if err != nil {
			return grant.Sealed{}, err
		}
		return v.Grants.Pushed(t.Context(), grant.Params{Values: map[string]string{"client_id": "notes", "request_uri": receipt.URI}})
	}
	proof := key.proofAt(t, par, v.now())
	if q, err := push(proof); err != nil || q.JKT != key.thumb {
		t.Errorf("by a proof: %q %v", q.JKT, err)
	}
	for range 300 { // strangers must not use up what is remembered of proofs in a client's name
		if q, err := push(proof); err != nil || q.JKT != key.thumb {
			t.Fatalf("the same proof again: %v", err)
		}
	}
	if q, err := push(key.proofAt(t, par, v.now()), "dpop_jkt", key.thumb); err != nil || q.JKT != key.thumb {
		t.Errorf("by both: %q %v", q.JKT, err)
	}
	if q, err := push(token.Proof{}, "dpop_jkt", key.thumb); err != nil || q.JKT != key.thumb {
		t.Errorf("by dpop_jkt: %q %v", q.JKT, err)
	}
	if _, err := push(other.proofAt(t, par, v.now()), "dpop_jkt", key.thumb); refused(err) != auth.KindInvalidProof {
		t.Errorf("another key: %v", err)
	}
	elsewhere := key.proofAt(t, v.config.Issuer+"/oauth/token", v.now())
	elsewhere.URL = par
	if _, err := push(elsewhere); refused(err) != auth.KindInvalidProof {
		t.Errorf("a proof for the token endpoint: %v", err)
	}
}

// A session of a browser does not become a phone's without a fresh proof.
func TestAnApprovalNeedsAFreshProof(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		v := newVisitor(t, store)
		long := strings.Repeat("0", 9)
		for name, c := range map[string]struct {
			age  time.Duration // of the proof at the time of the request
			wait time.Duration // from the request to the approval
			ask  []string
			want bool
		}{
			"just signed in":              {0, 0, nil, false},
			"almost a quarter of an hour": {15*time.Minute - time.Second, 0, nil, false},
			"a quarter of an hour":        {15 * time.Minute, 0, nil, true},
			"while the page was open":     {9 * time.Minute, 6 * time.Minute, nil, true},
			"a client with SSO":           {20 * time.Hour, 0, []string{"client_id", "board", "redirect_uri", boardURI}, false},
			"SSO and prompt=login":        {20 * time.Hour, 0, []string{"client_id", "board", "redirect_uri", boardURI, "prompt", "login"}, true},
			"SSO and max_age":             {20 * time.Hour, 0, []string{"client_id", "board", "redirect_uri", boardURI, "max_age", "3600"}, true},
			"SSO and a long max_age":      {20 * time.Hour, 0, []string{"client_id", "board", "redirect_uri", boardURI, "max_age", "1" + long}, false},
			"a long max_age":              {16 * time.Minute, 0, []string{"max_age", "1" + long}, true},
			"max_age":                     {time.Minute, 0, []string{"max_age", "60"}, true},
			"max_age that is met":         {time.Minute, 0, []string{"max_age", "61"}, false},
			"max_age 0":                   {0, 0, []string{"max_age", "0"}, true},
			"prompt=login":                {0, 0, []string{"prompt", "login"}, true},
			"prompt=consent":              {0, 0, []string{"prompt", "consent"}, false},
			"prompt=select_account":       {0, 0, []string{"prompt", "select_account"}, false},
			"a level that cannot be":      {0, 0, []string{"acr_values", token.TwoFactors}, false}, // it is a wish (OpenID Connect Core §3.1.2.1)
		} {
			v.advance(time.Hour) // for the limits; and a sign-in within a minute of another is the same one
			v.signIn(t, v.laptop)
			v.advance(c.age)
			q := v.request(t, c.ask...)
			v.advance(c.wait)
			_, err := v.approve(t.Context(), v.here(t), q.Text)
			if want := map[bool]any{true: auth.KindInvalidRequest}[c.want]; refused(err) != want {
				t.Errorf("%s: %v", name, err)
			}
			if !c.want {
				continue
			}
			a := grant.Approval{Sealed: q.Text, DeviceName: "x", From: v.laptop, Confirmation: confirmed("wrong password", v.laptop)}
			if _, err := v.Grants.Approve(t.Context(), v.here(t), a); refused(err) != auth.KindWrongPassword {
				t.Errorf("%s, the wrong password: %v", name, err)
			}
			a.Confirmation.Password = adaPassword
			if _, err := v.Grants.Approve(t.Context(), v.here(t), a); err != nil {
				t.Errorf("%s, the password: %v", name, err)
			}
		}
		v.signIn(t, v.laptop)
		q := v.request(t, "prompt", "login")
		v.advance(2 * time.Minute) // sooner, it would be the same form again
		v.signIn(t, v.laptop)
		if _, err := v.approve(t.Context(), v.here(t), q.Text); err != nil {
			t.Errorf("signed in since the request: %v", err)
		}
	})
}

// renewed keeps the key that a confirmation gives the browser.
func (v *visitor) renewed(t *testing.T) *browser.Session {
	by := v.here(t)
	by.Keep = func(k browser.Key) { v.key = k }
	return by
}

func TestALevelIsAskedForWhereItCanBeReached(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		v := newVisitor(t, store)
		secret := v.addApp(t, at("192.0.2.9"))
		v.advance(step)
		_, err := v.SignIn.LoginBrowser(t.Context(), browser.Login{Email: adaEmail, Password: adaPassword, From: v.laptop})
		if refused(err) != auth.KindSecondFactor {
			t.Fatal(err)
		}
		two := []string{"acr_values", "aal3 " + token.TwoFactors}
		q := v.request(t, two...)
		if _, err := v.approve(t.Context(), v.here(t), q.Text); refused(err) != auth.KindInvalidRequest {
			t.Errorf("with one factor: %v", err)
		}
		if _, err := v.approve(t.Context(), v.here(t), v.request(t, "acr_values", token.TwoFactors+" "+token.OneFactor).Text); err != nil {
			t.Errorf("where one factor is fine, too: %v", err)
		}
		a := grant.Approval{Sealed: q.Text, DeviceName: "x", From: v.laptop, Confirmation: confirm.Confirmation{Password: adaPassword, Code: v.code(t, secret), From: v.laptop}}
		if _, err := v.Grants.Approve(t.Context(), v.renewed(t), a); err != nil {
			t.Fatal(err)
		}
		if _, err := v.approve(t.Context(), v.here(t), v.request(t, two...).Text); err != nil {
			t.Errorf("after a proof with two factors: %v", err)
		}
		// A code that was used confirms nothing, and gives no code.
		a.Sealed = v.request(t, "prompt", "login").Text
		code, err := v.Grants.Approve(t.Context(), v.renewed(t), a)
		if refused(err) != auth.KindInvalidCode || code.Text != "" {
			t.Errorf("the same code of the authenticator app again: %v, %q", err, code.Text)
		}
		v.advance(step)
		a.Confirmation.Code = v.code(t, secret)
		if code, err = v.Grants.Approve(t.Context(), v.renewed(t), a); err != nil {
			t.Errorf("the next code: %v", err)
		}
		if again, err := v.Grants.Approve(t.Context(), v.renewed(t), a); err != nil || again.Text != code.Text {
			t.Errorf("the same form again: %v", err)
		}
	})
}

func TestTheSameApprovalGetsTheSameCode(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		v := newVisitor(t, store)
		for _, ask := range [][]string{nil, {"prompt", "login"}} {
			q, by := v.request(t, ask...), v.here(t)
			a := grant.Approval{Sealed: q.Text, DeviceName: "x", From: v.laptop, Confirmation: confirmed(adaPassword, v.laptop)}
			codes := make([]grant.Code, 8)
			var all sync.WaitGroup
			for i := range codes {
				all.Go(func() {
					var err error
					if codes[i], err = v.Grants.Approve(t.Context(), by, a); err != nil {
						t.Errorf("%v, at once: %v", ask, err)
					}
				})
			}
			all.Wait()
			again, err := v.Grants.Approve(t.Context(), v.here(t), a)
			for _, code := range codes {
				if err != nil || code.Text != again.Text || !strings.HasPrefix(code.Text, "lkc_") {
					t.Errorf("%q and %q, %v", code.Text, again.Text, err)
				}
			}
			v.redeem(t, again.Text)
			if len(v.apps(t)) != 1 {
				t.Errorf("%d apps", len(v.apps(t)))
			}
			v.advance(grant.CodeLife)
			if code, err := v.Grants.Approve(t.Context(), v.here(t), a); refused(err) != "invalid_request_uri" || code.Text != "" {
				t.Errorf("when the code is too old: %v", err)
			}
			_, _ = v.Devices.RevokeOthers(t.Context(), v.here(t), v.laptop)
		}
	})
}

func TestARequestIsAnsweredForOneBrowser(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		v := newVisitor(t, store)
		q := v.request(t)
		bob, err := v.Operator.AddUser(t.Context(), "bob@example.com", adaPassword, models.RoleUser)
		if err != nil {
			t.Fatal(err)
		}
		other := v.laptop
		other.Browser = "another mark"
		_, his := v.browser(t, bob.Email, adaPassword)
		_, hers := v.browser(t, adaEmail, adaPassword)
		if _, err := v.approve(t.Context(), v.here(t), q.Text); err != nil {
			t.Fatal(err)
		}
		for name, by := range map[string]*browser.Session{"another account": his, "another browser of the account": hers} {
			for _, after := range []time.Duration{0, 5 * time.Minute} {
				v.advance(after)
				if code, err := v.approve(t.Context(), by, q.Text); refused(err) != "invalid_request_uri" || code.Text != "" {
					t.Errorf("%s, %v later: %v", name, after, err)
				}
				v.advance(-after)
			}
		}
		if err := v.Grants.Deny(t.Context(), q.Text); refused(err) != "invalid_request_uri" {
			t.Errorf("denied after the code: %v", err)
		}
		q = v.request(t)
		if err := v.Grants.Deny(t.Context(), q.Text); refused(err) != "access_denied" {
			t.Errorf("denied: %v", err)
		}
		if _, err := v.Grants.Approve(t.Context(), v.here(t), grant.Approval{Sealed: q.Text, DeviceName: "\n", From: v.laptop}); refused(err) != auth.KindInvalidRequest {
			t.Errorf("a bad name: %v", err)
		}
	})
}

func TestNoCodeIsGivenOnAStateThatHasChanged(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*testing.T, *visitor) error
		silent string // the refusal of a request without a page
	}{
		"disabled": {func(t *testing.T, v *visitor) error { _, err := v.Operator.Disable(t.Context(), adaEmail); return err }, "interaction_required"},
		"new password": {func(t *testing.T, v *visitor) error {
			_, err := v.Operator.SetPassword(t.Context(), adaEmail, "a rainy day at the lake")
			return err
		}, "interaction_required"},
		"new factor": {func(t *testing.T, v *visitor) error { v.addApp(t, at("192.0.2.9")); return nil }, "login_required"},
	} {
		t.Run(name, func(t *testing.T) {
			modelstest.Each(t, func(t *testing.T, store *models.Store) {
				v := newVisitor(t, store)
				q, silent, code, by := v.request(t), v.request(t, "prompt", "none"), v.given(t), v.here(t)
				if err := c.change(t, v); err != nil {
					t.Fatal(err)
				}
				if code, err := v.approve(t.Context(), by, q.Text); refused(err) != auth.KindInvalidChallenge || code.Text != "" {
					t.Errorf("approved: %v", err)
				}
				if _, err := v.Grants.Silent(t.Context(), silent, by, "x", v.laptop); refused(err) != c.silent {
					t.Errorf("silently: %v", err)
				}
				if _, err := v.Grants.Redeem(t.Context(), v.redemption(code)); refused(err) != auth.KindInvalidGrant || len(v.apps(t)) != 0 {
					t.Errorf("redeemed: %v", err)
				}
			})
		})
	}
}

func TestCodesHaveABudget(t *testing.T) {
	v := newVisitor(t, openStore(t))
	v.change(t, func(c *services.Config) { c.Budgets = ratelimit.Budgets{Window: 3, Day: 100} })
	for range 3 {
		v.given(t)
	}
	_, err := v.approve(t.Context(), v.here(t), v.request(t).Text)
	var limited *auth.Error
	if !errors.As(err, &limited) || limited.Kind != auth.KindRateLimited || limited.RetryAfter <= 0 {
		t.Errorf("past the budget: %v", err)
	}
	if _, err := v.Grants.Silent(t.Context(), v.request(t, "prompt", "none"), v.here(t), "x", v.laptop); refused(err) != "temporarily_unavailable" {
		t.Errorf("silently: %v", err)
	}
	v.advance(ratelimit.AttemptWindow)
	v.signIn(t, v.laptop)
	v.given(t)
}
