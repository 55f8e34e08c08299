package web_test

import (
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/auth"
	"latchkey/auth/challenge"
	"latchkey/auth/client"
	"latchkey/auth/services"
	"latchkey/models"
	"latchkey/web"
)

func TestAnAppTakesTheSecondStep(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		o := s.owner()
		app, codes := o.addAuthenticator(), o.addRecoveryCodes()
		before := len(s.events(t))
		r := s.half("  phone ")
		m := r.json(t)
		if r.header.Get("Cache-Control") != "no-store" || r.header.Get("Content-Type") != "application/problem+json" || len(r.text(t, "challenge")) != 43 || m["expires_in"] != 300.0 ||
			m["public_key"] != nil || m["attempts_left"] != nil || m["setup_uri"] != nil || !slices.Equal(m["methods"].([]any), []any{"totp", "recovery_code"}) {
			t.Errorf("%v %s", r.header, r.body)
		}
		if n := len(s.events(t)); n != before {
			t.Errorf("the password alone wrote %d events", n-before)
		}
		waiting := r.text(t, "challenge")
		for what, body := range map[string]map[string]any{
			"no method":     {"challenge": waiting, "code": "000000"},
			"sms":           {"challenge": waiting, "method": "sms", "code": "000000"},
			"no code":       {"challenge": waiting, "method": "totp"},
			"a long code":   {"challenge": waiting, "method": "totp", "code": strings.Repeat("0", 65)},
			"a control":     {"challenge": waiting, "method": "recovery_code", "code": "0000\u00000"},
			"no credential": {"challenge": waiting, "method": "passkey", "code": "000000"},
			"a large one":   {"challenge": waiting, "method": "passkey", "credential": map[string]string{"id": strings.Repeat("a", 17<<10)}},
		} {
			s.postJSON("/api/login/factor", body).wants(t, what, http.StatusUnprocessableEntity, "invalid_request")
		}
		for what, body := range map[string]string{
			"a credential in a text":    `{"challenge":"` + waiting + `","method":"passkey","credential":"{}"}`,
			"a member that is repeated": `{"challenge":"` + waiting + `","method":"passkey","credential":{"id":"a","ID":"b"}}`,
			"data behind the end":       `{"challenge":"` + waiting + `","method":"passkey","credential":{}} {}`,
		} {
			s.request(http.MethodPost, "/api/login/factor", body, "Content-Type", jsonType).wants(t, what, http.StatusBadRequest, "invalid_request")
		}
		for i, wrong := range []reply{s.step(waiting, "totp", "000000"), s.step(waiting, "recovery_code", "0000-0000-0000-0000"), s.step(waiting, "totp", app.code(s))} {
			if wrong.wants(t, "a wrong code", http.StatusUnauthorized, "invalid_code"); wrong.json(t)["attempts_left"] != float64(4-i) {
				t.Errorf("%s", wrong.body)
			}
		}
		used := app.next(s)
		r = s.step(waiting, "totp", used)
		if r.status != http.StatusOK || r.text(t, "device_name") != "phone" || r.header.Get("Cache-Control") != "no-store" {
			t.Fatalf("the right code: %d %s", r.status, r.body)
		}
		p := newPhone(t, r)
		if c := p.proved(t); c.ACR != "aal2" || !slices.Equal(c.AMR, []string{"pwd", "otp", "mfa"}) || c.AuthTime != s.clock.Now().Unix() {
			t.Errorf("%+v", c)
		}
		s.refreshed(p.refresh)
		s.step(waiting, "totp", app.next(s)).wants(t, "once more", http.StatusUnauthorized, "invalid_challenge")
		again := s.half("phone").text(t, "challenge")
		s.step(again, "totp", used).wants(t, "a code that was used", http.StatusUnauthorized, "invalid_code")
		r = s.step(again, "recovery_code", strings.ToLower(strings.ReplaceAll(codes[3], "-", " ")))
		if r.status != http.StatusOK || r.text(t, "device_name") != "phone (2)" || newPhone(t, r).proved(t).ACR != "aal2" {
			t.Errorf("a recovery code: %d %s", r.status, r.body)
		}
		s.step(s.half("x").text(t, "challenge"), "recovery_code", codes[3]).wants(t, "a recovery code once more", http.StatusUnauthorized, "invalid_code")
		for _, secret := range []string{waiting, again, used, codes[3], app.secret, adaEmail, adaPassword} {
			if strings.Contains(s.log.String(), secret) {
				t.Errorf("%q is in the log", secret)
			}
		}
	})
}

func TestFiveWrongCodesEndAChallengeAndTellTheOwner(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		o := s.owner()
		app := o.addAuthenticator()
		for round := range 2 {
			waiting := s.half("phone").text(t, "challenge")
			for left := 4; left >= 0; left-- {
				if r := s.step(waiting, "recovery_code", "0000-0000-0000-0000"); r.status != http.StatusUnauthorized || r.json(t)["attempts_left"] != float64(left) {
					t.Errorf("%d left: %d %s", left, r.status, r.body)
				}
			}
			s.step(waiting, "totp", app.next(s)).wants(t, "the right code after five wrong ones", http.StatusUnauthorized, "invalid_challenge")
			if n := s.acts(models.EventSecondStepMissed); n != 1 {
				t.Errorf("round %d: the owner was told %d times", round, n)
			}
		}
	})
}

// A challenge ends with what it stands on, and works nowhere but where it was given.
func TestDeadAndForeignChallengesAreRefused(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		o := s.owner()
		app := o.addAuthenticator()
		renew := func() {
			s.exec("UPDATE users SET locked_at = NULL, disabled_at = NULL WHERE email_key = '" + adaEmail + "'")
		}
		for what, end := range map[string]func(){
			"expired":  func() { s.clock.Advance(5 * time.Minute) },
			"locked":   func() { s.exec("UPDATE users SET locked_at = created_at WHERE email_key = '" + adaEmail + "'") },
			"disabled": func() { s.exec("UPDATE users SET disabled_at = created_at WHERE email_key = '" + adaEmail + "'") },
			"a new password": func() {
				if _, err := s.auth.Operator.SetPassword(t.Context(), adaEmail, adaPassword); err != nil {
					t.Fatal(err)
				}
			},
			"changed factors": func() {
				s.exec("UPDATE users SET factors_version = factors_version + 1 WHERE email_key = '" + adaEmail + "'")
			},
		} {
			waiting := s.half("x").text(t, "challenge")
			code := app.next(s)
			end()
			s.step(waiting, "totp", code).wants(t, what, http.StatusUnauthorized, "invalid_challenge")
			renew()
		}
		p := newPhone(t, s.step(s.half("phone").text(t, "challenge"), "totp", app.next(s)))
		waiting := s.half("x").text(t, "challenge")
		code := app.next(s)
		for what, malformed := range map[string]string{
			"none": "", "short": waiting[:42], "long": waiting + "A", "padded": waiting + "=", "another": strings.Repeat("A", 43), "with a break": waiting[:20] + "\n" + waiting[20:],
			"a sealed one that is not one": "s." + waiting, "a huge one": "s." + strings.Repeat("A", 20_000), "the browser's": s.browserChallenge(),
		} {
			r := s.postJSON("/api/login/factor", map[string]any{"challenge": malformed, "method": "totp", "code": code, "credential": map[string]string{"id": "x"}})
			r.wants(t, what, http.StatusUnauthorized, "invalid_challenge")
			if strings.Contains(r.body, "attempts_left") {
				t.Errorf("%s: %s", what, r.body)
			}
		}
		s.refusedInBrowser("an app's challenge", challenge.Answer{Challenge: waiting, Method: challenge.MethodTOTP, Code: code})
		confirming := s.postJSON("/api/confirmation", map[string]string{"password": adaPassword}, bearer(p.access)...)
		confirming.wants(t, "the phone confirms", http.StatusForbidden, "second_factor_required")
		s.step(confirming.text(t, "challenge"), "totp", code).wants(t, "a confirmation's challenge", http.StatusUnauthorized, "invalid_challenge")
		s.refusedInBrowser("a confirmation's challenge", challenge.Answer{Challenge: confirming.text(t, "challenge"), Method: challenge.MethodTOTP, Code: code})
		s.postJSON("/api/confirmation/factor", map[string]string{"challenge": waiting, "method": "totp", "code": code}, bearer(p.access)...).
			wants(t, "a sign-in's challenge, to confirm", http.StatusUnauthorized, "invalid_challenge")
		if r := s.step(waiting, "totp", code); r.status != http.StatusOK {
			t.Errorf("after all of that: %d %s", r.status, r.body)
		}
	})
}

func TestOneOfThreeHundredAnswersSignsIn(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		o := s.owner()
		app := o.addAuthenticator()
		waiting := s.half("phone").text(t, "challenge")
		code := app.next(s)
		var won, broken atomic.Int64
		together(60, func(int) {
			for range 5 {
				switch r := s.step(waiting, "totp", code); {
				case r.status == http.StatusOK:
					won.Add(1)
				case r.status != http.StatusUnauthorized && r.status != http.StatusServiceUnavailable:
					broken.Add(1)
				}
			}
		})
		if won.Load() != 1 || broken.Load() != 0 {
			t.Errorf("%d of 300 signed in, %d broke", won.Load(), broken.Load())
		}
		if n := s.acts(models.EventSignIn); n != 2 { // the browser and the phone
			t.Errorf("%d sign-ins", n)
		}
	})
}

// Neither the answer to a wrong password nor its work says whether there is a second factor.
func TestAWrongPasswordTellsNothingOfTheSecondFactor(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		wrong := func(email string) (body string, statements int64) {
			before := s.statements.Load()
			r := s.tryLogin(email, "not the password", "x")
			statements = s.statements.Load() - before
			id := r.text(t, "request_id")
			for name := range r.header {
				if name != "Date" && name != "X-Request-Id" {
					r.body += name + r.header.Get(name)
				}
			}
			if r.status != http.StatusUnauthorized {
				t.Fatalf("%d %s", r.status, r.body)
			}
			list := []byte(strings.Replace(r.body, id, "", 1))
			slices.Sort(list) // headers come in any order
			return string(list), statements
		}
		s.addUser("eve@example.com", evePassword)
		s.owner().addAuthenticator()
		wrong("first@example.com") // the first request reads the clients, for all
		with, n := wrong(adaEmail)
		for _, email := range []string{"eve@example.com", "nobody@example.com"} {
			if without, m := wrong(email); with != without || n != m {
				t.Errorf("%s: %d statements\n%s\nwith a second factor: %d\n%s", email, m, without, n, with)
			}
		}
	})
}

func TestTheKeyOfTheFirstCallMustProveTheSecond(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		o := s.owner()
		app := o.addAuthenticator()
		key, other := newProver(t, s, "ES256"), newProver(t, s, "EdDSA")
		first := key.proof("POST", "/api/login", "", nil)
		waiting := s.half("bound", "DPoP", first).text(t, "challenge")
		s.tryDPoP(first).wants(t, "the first proof again", http.StatusBadRequest, "invalid_dpop_proof")
		code := app.next(s)
		proof := key.proof("POST", "/api/login/factor", "", nil)
		for what, headers := range map[string][]string{
			"no proof":           nil,
			"another key":        {"DPoP", other.proof("POST", "/api/login/factor", "", nil)},
			"the first proof":    {"DPoP", first},
			"for something else": {"DPoP", key.proof("POST", "/oauth/token", "", nil)},
			"two":                {"DPoP", proof, "DPoP", proof},
		} {
			s.step(waiting, "totp", code, headers...).wants(t, what, http.StatusBadRequest, "invalid_dpop_proof")
		}
		r := s.step(waiting, "totp", code, "DPoP", proof)
		if r.status != http.StatusOK || r.text(t, "token_type") != "DPoP" {
			t.Fatalf("the same key: %d %s", r.status, r.body)
		}
		if again := key.refresh(newPhone(t, r).refresh); again.status != http.StatusOK {
			t.Errorf("refresh: %d %s", again.status, again.body)
		}
		s.refresh(newPhone(t, r).refresh).wantsOAuth(t, "refresh without the key", "invalid_dpop_proof")

		waiting = s.half("again", "DPoP", key.proof("POST", "/api/login", "", nil)).text(t, "challenge")
		code = app.next(s)
		s.step(waiting, "totp", code, "DPoP", proof).wants(t, "a proof that was used", http.StatusBadRequest, "invalid_dpop_proof")
		if r := s.step(waiting, "totp", code, "DPoP", key.proof("POST", "/api/login/factor", "", nil)); r.status != http.StatusOK {
			t.Errorf("a new proof after that: %d %s", r.status, r.body)
		}
		waiting = s.half("unbound").text(t, "challenge")
		code = app.next(s)
		s.step(waiting, "totp", code, "DPoP", key.proof("POST", "/api/login/factor", "", nil)).
			wants(t, "a proof where the first call had none", http.StatusBadRequest, "invalid_dpop_proof")
		if r := s.step(waiting, "totp", code); r.status != http.StatusOK || r.text(t, "token_type") != "Bearer" {
			t.Errorf("without one: %d %s", r.status, r.body)
		}
	})
}

// tryDPoP gives the right password with a proof.
func (s *site) tryDPoP(proof string) reply {
	s.t.Helper()
	return s.postJSON("/api/login", map[string]string{"email": adaEmail, "password": adaPassword, "device_name": "x"}, "DPoP", proof)
}

// wantsOAuth checks a refusal of an OAuth endpoint.
func (r reply) wantsOAuth(t testing.TB, what, code string) {
	t.Helper()
	if r.status != http.StatusBadRequest || r.text(t, "error") != code {
		t.Errorf("%s: %d %s, want %s", what, r.status, r.body, code)
	}
}

func TestNoncesOfTheSecondStep(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		app := s.owner().addAuthenticator()
		key, nonce := newProver(t, s, "ES256"), ""
		proof := func(path string) string {
			return key.proof("POST", path, "", func(_, c map[string]any) { c["nonce"] = nonce })
		}
		nonce = s.tryDPoP(proof("/api/login")).header.Get("DPoP-Nonce")
		waiting := s.half("x", "DPoP", proof("/api/login")).text(t, "challenge")
		code := app.next(s)
		nonce = ""
		for range 7 { // none of these is an attempt
			r := s.step(waiting, "totp", code, "DPoP", proof("/api/login/factor"))
			if r.wants(t, "without a nonce", http.StatusBadRequest, "use_dpop_nonce"); r.header.Get("DPoP-Nonce") == "" {
				t.Error("there is no nonce")
			}
		}
		nonce = s.step(waiting, "totp", code, "DPoP", proof("/api/login/factor")).header.Get("DPoP-Nonce")
		if r := s.step(waiting, "totp", code, "DPoP", proof("/api/login/factor")); r.status != http.StatusOK || r.text(t, "token_type") != "DPoP" {
			t.Errorf("with one: %d %s", r.status, r.body)
		}
	}, func(a *services.Config, _ *web.Config) { a.NonceRequired = true })
}

func TestAnAppCannotSignInBeforeASecondFactorIsSetUpWhereOneIsRequired(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		r := s.tryLogin(adaEmail, adaPassword, "x")
		if r.wants(t, "the right password", http.StatusForbidden, "second_factor_setup_required"); r.text(t, "setup_uri") != s.URL+"/login" || strings.Contains(r.body, "challenge") {
			t.Errorf("%s", r.body)
		}
		s.tryLogin(adaEmail, "not the password", "x").wants(t, "a wrong one", http.StatusUnauthorized, "invalid_credentials")
		if n := s.acts(models.EventSignIn); n != 0 {
			t.Errorf("%d sign-ins", n)
		}
		app := s.owner().addAuthenticator()
		waiting := s.half("x").text(t, "challenge")
		if r := s.step(waiting, "totp", app.next(s)); r.status != http.StatusOK {
			t.Errorf("with a factor: %d %s", r.status, r.body)
		}
	}, func(a *services.Config, _ *web.Config) { a.SecondFactor = auth.FactorRequired })
}

// What the first step checked of the app, the second checks again: an app can be removed in between.
func TestTheSecondStepIsThatOfTheSameApp(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		app := s.owner().addAuthenticator()
		first := s.postJSON("/api/login", map[string]string{"email": adaEmail, "password": adaPassword, "device_name": "x", "client_id": "notes"})
		r := s.postJSON("/api/login/factor", map[string]string{"challenge": first.text(t, "challenge"), "method": "totp", "code": app.next(s), "client_id": "another", "device_name": "y"})
		p := newPhone(t, r)
		if who := s.request(http.MethodGet, "/api/whoami", "", bearer(p.access)...); who.text(t, "client_id") != "notes" || p.name != "x" {
			t.Errorf("%s %s", r.body, who.body)
		}
		waiting := s.half("x").text(t, "challenge")
		if _, err := s.auth.Clients.Add(t.Context(), client.Registration{Name: "Notes"}); err != nil { // from now on "app" is not registered
			t.Fatal(err)
		}
		r = s.step(waiting, "totp", app.next(s))
		if r.wants(t, "removed", http.StatusUnprocessableEntity, "invalid_request"); !strings.Contains(r.body, `"field":"client_id"`) {
			t.Errorf("%s", r.body)
		}
		if n := s.acts(models.EventSignIn); n != 2 { // the browser and "notes"
			t.Errorf("%d sign-ins", n)
		}
	})
}
