package web_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/auth"
	"latchkey/auth/challenge"
	"latchkey/auth/client"
	"latchkey/auth/signin"
	"latchkey/models"
)

// startPasskey begins a sign-in with a passkey alone.
func (s *site) startPasskey(name string, headers ...string) reply {
	s.t.Helper()
	r := s.postJSON("/api/login/passkey", map[string]string{"device_name": name}, headers...)
	if r.status != http.StatusOK {
		s.t.Fatalf("start: %d %s", r.status, r.body)
	}
	return r
}

func TestAPasskeySignsInAlone(t *testing.T) {
	eachNamed(t, func(t *testing.T, s *site) {
		o := s.owner()
		key := o.addPasskey("")
		r := s.startPasskey(" phone ")
		m := r.json(t)
		public, _ := m["public_key"].(map[string]any)
		if len(m) != 3 || m["expires_in"] != 300.0 || public["rpId"] != "localhost" || public["userVerification"] != "required" || public["allowCredentials"] != nil || r.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%v %s", r.header, r.body)
		}
		waiting, answer := r.text(t, "challenge"), key.answer(r)
		var rows int
		if err := s.store.Pools()[0].QueryRowContext(t.Context(), "SELECT count(*) FROM challenges").Scan(&rows); err != nil || rows != 0 {
			t.Errorf("a start costs %d rows, %v", rows, err)
		}
		s.refusedInBrowser("an app's start", challenge.Answer{Challenge: waiting, Method: challenge.MethodPasskey, Credential: answer})
		done := s.stepWith("/api/login/factor", waiting, answer)
		if done.status != http.StatusOK || done.text(t, "device_name") != "phone" {
			t.Fatalf("%d %s", done.status, done.body)
		}
		if c := newPhone(t, done).proved(t); c.ACR != "aal2" || !slices.Equal(c.AMR, []string{"pop", "user", "mfa"}) || c.AuthTime != s.clock.Now().Unix() {
			t.Errorf("%+v", c)
		}
		s.refreshed(newPhone(t, done).refresh)
		s.stepWith("/api/login/factor", waiting, answer).wants(t, "once more", http.StatusUnauthorized, "invalid_challenge")
		if strings.Contains(s.log.String(), waiting) || strings.Contains(s.log.String(), adaEmail) {
			t.Error("the log tells too much")
		}
	})
}

func TestAPasskeyThatProvesNothingIsRefused(t *testing.T) {
	eachNamed(t, func(t *testing.T, s *site) {
		o := s.owner()
		user := o.session().User
		key := o.addPasskey("")
		stranger, unknown := s.newPasskey(user.ID), s.newPasskey(models.NewID(s.clock.Now()))
		elsewhere := *key
		elsewhere.party.Origin = "https://evil.example"
		start := s.startPasskey("phone")
		waiting := start.text(t, "challenge")
		for what, credential := range map[string]json.RawMessage{
			"a passkey that is not registered": stranger.answer(start),
			"a passkey of no account":          unknown.answer(start),
			"from another origin":              elsewhere.answer(start),
			"to another start":                 key.answer(s.startPasskey("phone")),
			"no credential at all":             json.RawMessage(`{}`),
			"garbage in one":                   json.RawMessage(`{"id":"AAAA","rawId":"AAAA","type":"public-key","response":{}}`),
		} {
			r := s.stepWith("/api/login/factor", waiting, credential)
			if r.wants(t, what, http.StatusUnauthorized, "invalid_code"); strings.Contains(r.body, "attempts_left") {
				t.Errorf("%s: attempts are not counted here: %s", what, r.body)
			}
		}
		s.step(waiting, "totp", "000000").wants(t, "a code", http.StatusUnprocessableEntity, "invalid_request")
		browser, err := s.auth.SignIn.StartPasskey()
		if err != nil {
			t.Fatal(err)
		}
		public, err := json.Marshal(map[string]any{"public_key": browser.PublicKey})
		if err != nil {
			t.Fatal(err)
		}
		s.stepWith("/api/login/factor", browser.Challenge, key.answer(reply{body: string(public)})).
			wants(t, "a start of the portal's", http.StatusUnauthorized, "invalid_challenge")
		s.stepWith("/api/login/factor", waiting[:len(waiting)-1], key.answer(start)).wants(t, "a cut start", http.StatusUnauthorized, "invalid_challenge")
		if n := s.acts(models.EventSignIn); n != 1 {
			t.Errorf("%d sign-ins", n)
		}
		if r := s.stepWith("/api/login/factor", waiting, key.answer(start)); r.status != http.StatusOK {
			t.Errorf("after all of that: %d %s", r.status, r.body)
		}
		start = s.startPasskey("phone")
		s.clock.Advance(5 * time.Minute)
		s.stepWith("/api/login/factor", start.text(t, "challenge"), key.answer(start)).wants(t, "too late", http.StatusUnauthorized, "invalid_challenge")
		if _, err := s.auth.Operator.Disable(t.Context(), adaEmail); err != nil {
			t.Fatal(err)
		}
		start = s.startPasskey("phone")
		s.stepWith("/api/login/factor", start.text(t, "challenge"), key.answer(start)).wants(t, "a disabled account", http.StatusForbidden, "account_disabled")
	})
}

func TestThePasskeyIsASecondStep(t *testing.T) {
	eachNamed(t, func(t *testing.T, s *site) {
		o := s.owner()
		app := o.addAuthenticator()
		key := o.addPasskey(app.next(s))
		r := s.half("phone")
		m := r.json(t)
		public, _ := m["public_key"].(map[string]any)
		if allowed, _ := public["allowCredentials"].([]any); len(allowed) != 1 || !slices.Equal(m["methods"].([]any), []any{"passkey", "totp"}) {
			t.Errorf("%s", r.body)
		}
		wrong := s.stepWith("/api/login/factor", r.text(t, "challenge"), s.newPasskey(o.session().User.ID).answer(r))
		if wrong.wants(t, "another passkey", http.StatusUnauthorized, "invalid_code"); wrong.json(t)["attempts_left"] != 4.0 {
			t.Errorf("%s", wrong.body)
		}
		done := s.stepWith("/api/login/factor", r.text(t, "challenge"), key.answer(r))
		if done.status != http.StatusOK {
			t.Fatalf("%d %s", done.status, done.body)
		}
		if c := newPhone(t, done).proved(t); c.ACR != "aal2" || !slices.Equal(c.AMR, []string{"pwd", "pop", "user", "mfa"}) {
			t.Errorf("%+v", c)
		}
	})
}

func TestTheKeyOfAStartMustProveItsEnd(t *testing.T) {
	eachNamed(t, func(t *testing.T, s *site) {
		key := s.owner().addPasskey("")
		device, other := newProver(t, s, "ES256"), newProver(t, s, "ES256")
		start := s.startPasskey("phone", "DPoP", device.proof("POST", "/api/login/passkey", "", nil))
		waiting, answer := start.text(t, "challenge"), key.answer(start)
		s.stepWith("/api/login/factor", waiting, answer).wants(t, "no proof", http.StatusBadRequest, "invalid_dpop_proof")
		s.stepWith("/api/login/factor", waiting, answer, "DPoP", other.proof("POST", "/api/login/factor", "", nil)).
			wants(t, "another key", http.StatusBadRequest, "invalid_dpop_proof")
		if r := s.stepWith("/api/login/factor", waiting, answer, "DPoP", device.proof("POST", "/api/login/factor", "", nil)); r.status != http.StatusOK || r.text(t, "token_type") != "DPoP" {
			t.Errorf("the same key: %d %s", r.status, r.body)
		}
		s.postJSON("/api/login/passkey", map[string]string{"device_name": "x"}, "DPoP", device.proof("POST", "/oauth/token", "", nil)).
			wants(t, "a proof of something else", http.StatusBadRequest, "invalid_dpop_proof")
	})
}

func TestStartsOfPasskeysThatAreRefused(t *testing.T) {
	eachNamed(t, func(t *testing.T, s *site) {
		start := func(body map[string]string) reply { return s.postJSON("/api/login/passkey", body) }
		start(map[string]string{}).wants(t, "no name", http.StatusUnprocessableEntity, "invalid_request")
		start(map[string]string{"device_name": strings.Repeat("a", 65)}).wants(t, "a long name", http.StatusUnprocessableEntity, "invalid_request")
		if _, err := s.auth.Clients.Add(t.Context(), client.Registration{Name: "Notes"}); err != nil {
			t.Fatal(err)
		}
		start(map[string]string{"device_name": "x"}).wants(t, "no client_id", http.StatusUnprocessableEntity, "invalid_request")
		start(map[string]string{"device_name": "x", "client_id": "other"}).wants(t, "another client_id", http.StatusUnprocessableEntity, "invalid_request")
	})
	each(t, func(t *testing.T, s *site) { // on an IP address
		s.postJSON("/api/login/passkey", map[string]string{"device_name": "x"}).wants(t, "where there can be no passkeys", http.StatusForbidden, "not_allowed")
	})
}

// A page can be open for a while before its passkey is used.
func TestAPasskeyWorksAsLongAsThePageOffersIt(t *testing.T) {
	eachNamed(t, func(t *testing.T, s *site) {
		key := s.owner().addPasskey("")
		start, err := s.auth.SignIn.StartPasskey()
		if err != nil {
			t.Fatal(err)
		}
		public, err := json.Marshal(map[string]any{"public_key": start.PublicKey})
		if err != nil {
			t.Fatal(err)
		}
		answer := key.answer(reply{body: string(public)})
		s.clock.Advance(challenge.PasskeyLife - time.Second)
		if _, err := s.auth.SignIn.FinishBrowser(t.Context(), signin.BrowserAnswer{Answer: challenge.Answer{Challenge: start.Challenge, Method: challenge.MethodPasskey, Credential: answer, From: auth.Caller{}}}); err != nil {
			t.Errorf("just before the page's end: %v", err)
		}
	})
}
