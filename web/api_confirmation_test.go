package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/auth/ratelimit"
	"latchkey/auth/token"
	"latchkey/models"
)

// confirm gives the password for a confirmation.
func (s *site) confirm(p phone, password string) reply {
	s.t.Helper()
	return s.postJSON("/api/confirmation", map[string]string{"password": password}, bearer(p.access)...)
}

// confirmStep answers the challenge of a confirmation with a code.
func (s *site) confirmStep(p phone, challenge, method, code string) reply {
	s.t.Helper()
	return s.postJSON("/api/confirmation/factor", map[string]string{"challenge": challenge, "method": method, "code": code}, bearer(p.access)...)
}

// confirmByPasskey is a confirmation with a passkey alone.
func (s *site) confirmByPasskey(p phone, key *phonePasskey) string {
	s.t.Helper()
	start := s.request(http.MethodPost, "/api/confirmation/passkey", "", bearer(p.access)...)
	return s.stepWith("/api/confirmation/factor", start.text(s.t, "challenge"), key.answer(start), bearer(p.access)...).confirmation(s.t)
}

// confirmation is the secret of a confirmation that must succeed.
func (r reply) confirmation(t testing.TB) string {
	t.Helper()
	if m := r.json(t); r.status != http.StatusOK || len(m) != 2 || m["expires_in"] != 300.0 || len(r.text(t, "confirmation")) != 43 || r.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v %s", r.status, r.header, r.body)
	}
	return r.text(t, "confirmation")
}

// actOn signs out or renames a device.
func (s *site) actOn(method string, p phone, id, body string) reply {
	s.t.Helper()
	return s.request(method, "/api/devices/"+id, body, append(bearer(p.access), "Content-Type", jsonType)...)
}

func withConfirmation(secret string) string {
	return `{"name":"renamed","confirmation":"` + secret + `"}`
}

func TestThePasswordConfirmsWhereItIsAllThereIs(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		a, b, c := s.login("a"), s.login("b"), s.login("c")
		s.confirm(a, "").wants(t, "no password", http.StatusUnprocessableEntity, "invalid_request")
		s.confirm(a, "not the password").wants(t, "a wrong one", http.StatusForbidden, "invalid_credentials")
		secret := s.confirm(a, adaPassword).confirmation(t)
		s.actOn(http.MethodDelete, b, c.id, withConfirmation(secret)).wants(t, "another device's confirmation", http.StatusForbidden, "invalid_confirmation")
		for what, wrong := range map[string]string{"short": secret[:42], "padded": secret + "=", "unknown": strings.Repeat("A", 43), "huge": strings.Repeat("A", 5000)} {
			s.actOn(http.MethodDelete, a, c.id, withConfirmation(wrong)).wants(t, what, http.StatusForbidden, "invalid_confirmation")
		}
		s.actOn(http.MethodPatch, a, c.id, `{"name":"\u0000","confirmation":"`+secret+`"}`).wants(t, "a bad name", http.StatusUnprocessableEntity, "invalid_request")
		s.actOn(http.MethodDelete, a, noDevice, withConfirmation(secret)).wants(t, "an unknown device", http.StatusNotFound, "not_found")
		if r := s.actOn(http.MethodPatch, a, c.id, withConfirmation(secret)); r.status != http.StatusOK {
			t.Fatalf("what was refused used the confirmation: %d %s", r.status, r.body)
		}
		s.actOn(http.MethodDelete, a, c.id, withConfirmation(secret)).wants(t, "a second act", http.StatusForbidden, "invalid_confirmation")
		s.refreshed(c.refresh)
		secret = s.confirm(a, adaPassword).confirmation(t)
		s.clock.Advance(5 * time.Minute)
		s.actOn(http.MethodDelete, a, c.id, withConfirmation(secret)).wants(t, "after five minutes", http.StatusForbidden, "invalid_confirmation")
		s.actOn(http.MethodDelete, a, c.id, `{}`).wants(t, "a device that confirmed lately", http.StatusForbidden, "reauthentication_required")
		if r := s.actOn(http.MethodDelete, a, c.id, `{"password":"`+adaPassword+`"}`); r.status != http.StatusNoContent {
			t.Errorf("the password: %d %s", r.status, r.body)
		}
		e := s.events(t)
		if s.acts(models.EventConfirmed) != 2 || e[0].Kind != models.EventDeviceRevoked {
			t.Errorf("%+v", e)
		}
		for _, event := range e {
			if event.Kind == models.EventConfirmed && (event.DeviceID.UUID.String() != a.id || event.DeviceName != "a" || event.Detail != "password") {
				t.Errorf("%+v", event)
			}
		}
		if strings.Contains(s.log.String(), secret) {
			t.Error("the confirmation is in the log")
		}
	})
}

func TestASecondFactorConfirmsToo(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		a, b := s.login("a"), s.login("b")
		if c := a.proved(t); c.ACR != "aal1" {
			t.Errorf("%+v", c)
		}
		o := s.owner()
		app, codes := o.addAuthenticator(), o.addRecoveryCodes()
		for what, body := range map[string]string{"nothing": `{"name":"c"}`, "the password": `{"name":"c","password":"` + adaPassword + `"}`, "a wrong one": `{"name":"c","password":"x"}`} {
			for _, method := range []string{http.MethodPatch, http.MethodDelete} {
				r := s.actOn(method, a, b.id, body)
				if r.wants(t, what, http.StatusForbidden, "second_factor_required"); r.json(t)["challenge"] != nil || r.json(t)["methods"] != nil || r.json(t)["expires_in"] != nil {
					t.Errorf("%s: %s", what, r.body)
				}
			}
		}
		s.confirm(a, "not the password").wants(t, "a wrong password", http.StatusForbidden, "invalid_credentials")
		r := s.confirm(a, adaPassword)
		if m := r.json(t); m["expires_in"] != 300.0 || len(m["methods"].([]any)) != 2 || m["public_key"] != nil {
			t.Errorf("%s", r.body)
		}
		r.wants(t, "the password", http.StatusForbidden, "second_factor_required")
		challenge := r.text(t, "challenge")
		s.actOn(http.MethodDelete, a, b.id, withConfirmation(challenge)).wants(t, "the challenge is no confirmation", http.StatusForbidden, "invalid_confirmation")
		wrong := s.confirmStep(a, challenge, "totp", "000000")
		if wrong.wants(t, "a wrong code", http.StatusUnauthorized, "invalid_code"); wrong.json(t)["attempts_left"] != 4.0 || wrong.header.Get("WWW-Authenticate") != `Latchkey realm="latchkey"` {
			t.Errorf("%v %s", wrong.header, wrong.body)
		}
		code := app.next(s)
		s.confirmStep(b, challenge, "totp", code).wants(t, "another device's challenge", http.StatusUnauthorized, "invalid_challenge")
		secret := s.confirmStep(a, challenge, "totp", code).confirmation(t)
		at := s.clock.Now().Unix()
		s.confirmStep(a, challenge, "totp", app.next(s)).wants(t, "once more", http.StatusUnauthorized, "invalid_challenge")
		s.actOn(http.MethodDelete, a, b.id, `{}`).wants(t, "no confirmation, but a raised proof", http.StatusForbidden, "second_factor_required")
		a = s.refreshed(a.refresh)
		if c := a.proved(t); c.ACR != "aal2" || c.AuthTime != at {
			t.Errorf("the next access token: %+v, confirmed at %d", c, at)
		}
		if c := s.refreshed(b.refresh).proved(t); c.ACR != "aal1" {
			t.Errorf("another device's: %+v", c)
		}
		if r := s.actOn(http.MethodDelete, a, b.id, withConfirmation(secret)); r.status != http.StatusNoContent {
			t.Errorf("the act: %d %s", r.status, r.body)
		}
		secret = s.confirmStep(a, s.confirm(a, adaPassword).text(t, "challenge"), "recovery_code", codes[0]).confirmation(t)
		s.confirmStep(a, s.confirm(a, adaPassword).text(t, "challenge"), "recovery_code", codes[0]).wants(t, "a recovery code once more", http.StatusUnauthorized, "invalid_code")
		if s.acts(models.EventRecoveryCodeUsed) != 1 || s.acts(models.EventConfirmed) != 2 {
			t.Errorf("%+v", s.events(t))
		}
		for _, hidden := range []string{challenge, secret, code, codes[0], adaEmail} {
			if strings.Contains(s.log.String(), hidden) {
				t.Errorf("%q is in the log", hidden)
			}
		}
	})
}

func TestFiveWrongCodesEndAConfirmation(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		a := s.login("a")
		app := s.owner().addAuthenticator()
		challenge := s.confirm(a, adaPassword).text(t, "challenge")
		for left := 4; left >= 0; left-- {
			if r := s.confirmStep(a, challenge, "totp", "000000"); r.json(t)["attempts_left"] != float64(left) {
				t.Errorf("%d left: %d %s", left, r.status, r.body)
			}
		}
		s.confirmStep(a, challenge, "totp", app.next(s)).wants(t, "the right code after five wrong ones", http.StatusUnauthorized, "invalid_challenge")
		late := s.confirm(a, adaPassword).text(t, "challenge")
		s.clock.Advance(5 * time.Minute)
		s.confirmStep(a, late, "totp", app.next(s)).wants(t, "too late", http.StatusUnauthorized, "invalid_challenge")
		if n := s.acts(models.EventConfirmed); n != 0 {
			t.Errorf("%d confirmations", n)
		}
	})
}

func TestAPasskeyConfirmsAlone(t *testing.T) {
	eachNamed(t, func(t *testing.T, s *site) {
		a, b := s.login("a"), s.login("b")
		start := func(p phone) reply {
			return s.request(http.MethodPost, "/api/confirmation/passkey", "", bearer(p.access)...)
		}
		finish := func(p phone, start reply, credential *phonePasskey) reply {
			return s.stepWith("/api/confirmation/factor", start.text(t, "challenge"), credential.answer(start), bearer(p.access)...)
		}
		start(a).wants(t, "without a passkey", http.StatusForbidden, "not_allowed")
		o := s.owner()
		key := o.addPasskey("")
		r := start(a)
		m := r.json(t)
		if allowed, _ := m["public_key"].(map[string]any)["allowCredentials"].([]any); r.status != http.StatusOK || len(m) != 3 || m["expires_in"] != 300.0 || len(allowed) != 1 {
			t.Errorf("%d %s", r.status, r.body)
		}
		finish(a, r, s.newPasskey(o.session().User.ID)).wants(t, "another passkey", http.StatusUnauthorized, "invalid_code")
		finish(b, r, key).wants(t, "another device's start", http.StatusUnauthorized, "invalid_challenge")
		s.stepWith("/api/login/factor", r.text(t, "challenge"), key.answer(r)).wants(t, "for a sign-in", http.StatusUnauthorized, "invalid_challenge")
		signIn := s.startPasskey("x")
		finish(a, signIn, key).wants(t, "the start of a sign-in", http.StatusUnauthorized, "invalid_challenge")
		secret := finish(a, r, key).confirmation(t)
		finish(a, r, key).wants(t, "once more", http.StatusUnauthorized, "invalid_challenge")
		if c := s.refreshed(a.refresh).proved(t); c.ACR != "aal2" || fmt.Sprint(c.AMR) != "[pop user mfa]" {
			t.Errorf("%+v", c)
		}
		if r := s.actOn(http.MethodDelete, a, b.id, withConfirmation(secret)); r.status != http.StatusNoContent {
			t.Errorf("%d %s", r.status, r.body)
		}
		s.confirm(a, adaPassword).wants(t, "the password", http.StatusForbidden, "second_factor_required")
		r = s.confirm(a, adaPassword)
		finish(a, r, key).confirmation(t) // the passkey as the second step
		r = start(a)
		s.clock.Advance(5 * time.Minute)
		finish(a, r, key).wants(t, "too late", http.StatusUnauthorized, "invalid_challenge")
	})
}

// A confirmation belongs to the key of the access token that asked for it.
func TestAConfirmationIsBoundToTheKey(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		other := s.login("other")
		key := newProver(t, s, "ES256")
		plain := s.login("plain")
		r := key.refresh(plain.refresh) // an access token of the same device that is bound to the key
		bound := newPhone(t, r)
		call := func(method, path, body string) reply {
			return s.request(method, path, body, "Content-Type", jsonType, "Authorization", "DPoP "+bound.access, "DPoP", key.proof(method, path, bound.access, nil))
		}
		secret := call(http.MethodPost, "/api/confirmation", `{"password":"`+adaPassword+`"}`).confirmation(t)
		s.actOn(http.MethodDelete, plain, other.id, withConfirmation(secret)).wants(t, "without the key", http.StatusForbidden, "invalid_confirmation")
		if r := call(http.MethodDelete, "/api/devices/"+other.id, withConfirmation(secret)); r.status != http.StatusNoContent {
			t.Errorf("with the key: %d %s", r.status, r.body)
		}
	})
}

// The rights of a device that is bound for good do not depend on the account's factors.
func TestABoundDeviceNeedsNoConfirmation(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		other := s.login("other")
		key := newProver(t, s, "ES256")
		bound := newPhone(t, key.login("bound"))
		s.owner().addAuthenticator()
		path := "/api/devices/" + other.id
		r := s.request(http.MethodDelete, path, "", "Authorization", "DPoP "+bound.access, "DPoP", key.proof("DELETE", path, bound.access, nil))
		if r.status != http.StatusNoContent {
			t.Errorf("%d %s", r.status, r.body)
		}
		s.refused(other.refresh, token.ReasonRevoked)
	})
}

func TestConfirmationsAreLimited(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		a := s.login("a")
		app := s.owner().addAuthenticator()
		challenge, code := s.confirm(a, adaPassword).text(t, "challenge"), app.next(s)
		user, err := s.auth.Operator.FindUser(t.Context(), adaEmail)
		if err != nil {
			t.Fatal(err)
		}
		for range ratelimit.ConfirmLimit.Most {
			s.addEvent(models.Event{UserID: user.ID, ID: uuid.New(), At: s.clock.Now(), Kind: models.EventConfirmed, Actor: models.ActorOwner})
		}
		s.confirmStep(a, challenge, "totp", code).wants(t, "past the limit", http.StatusTooManyRequests, "rate_limited")
		if _, err := s.store.Pools()[0].ExecContext(t.Context(), "DELETE FROM events WHERE kind = 'confirmed'"); err != nil {
			t.Fatal(err)
		}
		s.confirmStep(a, challenge, "totp", code).confirmation(t) // the refusal consumed nothing
	})
}

func TestOfManyActsOneHasTheConfirmation(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		a, b := s.login("a"), s.login("b")
		secret := s.confirm(a, adaPassword).confirmation(t)
		var won, refused atomic.Int64
		together(30, func(i int) {
			switch r := s.actOn(http.MethodPatch, a, b.id, fmt.Sprintf(`{"name":"n%d","confirmation":"%s"}`, i, secret)); r.status {
			case http.StatusOK:
				won.Add(1)
			case http.StatusForbidden:
				refused.Add(1)
			}
		})
		if won.Load() != 1 || refused.Load() != 29 {
			t.Errorf("%d acts happened, %d were refused", won.Load(), refused.Load())
		}
	})
}
