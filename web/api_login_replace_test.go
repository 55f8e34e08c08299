package web_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/auth/client"
	"latchkey/auth/services"
	"latchkey/models"
	"latchkey/web"
)

// offered are the ids of the devices that a refusal offers, and its challenge.
func (r reply) offered(t *testing.T) (ids []string, challenge string) {
	t.Helper()
	r.wants(t, "too many devices", http.StatusConflict, "too_many_devices")
	if r.text(t, "challenge") == "" || r.json(t)["expires_in"] != 300.0 {
		t.Fatalf("no way out: %s", r.body)
	}
	for _, d := range r.json(t)["devices"].([]any) {
		ids = append(ids, d.(map[string]any)["id"].(string))
	}
	return ids, r.text(t, "challenge")
}

func (s *site) replace(challenge, device string, headers ...string) reply {
	s.t.Helper()
	return s.postJSON("/api/login/replace", map[string]string{"challenge": challenge, "replace": device}, headers...)
}

// eachOfTwo is each for sites where an account may have two apps.
func eachOfTwo(t *testing.T, fn func(t *testing.T, s *site)) {
	t.Helper()
	each(t, fn, func(a *services.Config, w *web.Config) { onLocalhost(a, w); a.MaxDevices = 2 })
}

func TestAnAppSignsInInThePlaceOfAnother(t *testing.T) {
	eachOfTwo(t, func(t *testing.T, s *site) {
		old := s.login("old")
		s.clock.Advance(time.Minute)
		other := s.login("other")
		r := s.tryLogin(adaEmail, adaPassword, "new")
		ids, challenge := r.offered(t)
		if len(ids) != 2 || ids[0] != old.id || ids[1] != other.id || r.json(t)["devices"].([]any)[0].(map[string]any)["name"] != "old" {
			t.Fatalf("offered %s", r.body)
		}
		done := s.replace(challenge, old.id)
		if done.status != http.StatusOK || done.text(t, "device_name") != "new" {
			t.Fatalf("%d %s", done.status, done.body)
		}
		s.refused(old.refresh, "revoked")
		s.refreshed(other.refresh)
		s.refreshed(newPhone(t, done).refresh)
		e := s.eventsOf(adaEmail)
		if countKind(e, models.EventDeviceRevoked) != 1 || countKind(e, models.EventSignIn) != 3 {
			t.Errorf("%+v", e)
		}
		s.replace(challenge, other.id).wants(t, "once more", http.StatusUnauthorized, "invalid_challenge")
		s.refreshed(s.login2(t, other.id).refresh)
	})
}

// login2 signs in in the place of a device.
func (s *site) login2(t *testing.T, place string) phone {
	t.Helper()
	_, challenge := s.tryLogin(adaEmail, adaPassword, "another").offered(t)
	r := s.replace(challenge, place)
	if r.status != http.StatusOK {
		t.Fatalf("%d %s", r.status, r.body)
	}
	return newPhone(t, r)
}

func TestAReplacementIsRefusedWhereItMustBe(t *testing.T) {
	eachOfTwo(t, func(t *testing.T, s *site) {
		s.addUser("eve@example.com", evePassword)
		foreign := newPhone(t, s.tryLogin("eve@example.com", evePassword, "eve's"))
		old, other := s.login("old"), s.login("other")
		_, challenge := s.tryLogin(adaEmail, adaPassword, "new").offered(t)
		s.replace(challenge, foreign.id).wants(t, "another's device", http.StatusUnprocessableEntity, "invalid_request")
		s.replace(challenge, noDevice).wants(t, "no device", http.StatusUnprocessableEntity, "invalid_request")
		s.replace(challenge, "").wants(t, "nothing", http.StatusUnprocessableEntity, "invalid_request")
		s.replace(noChallenge, old.id).wants(t, "no challenge", http.StatusUnauthorized, "invalid_challenge")
		s.step(challenge, "totp", "000000").wants(t, "as a second step", http.StatusUnauthorized, "invalid_challenge")
		key := newProver(t, s, "ES256")
		s.replace(challenge, old.id, "DPoP", key.proof("POST", "/api/login/replace", "", nil)).wants(t, "with a key", http.StatusBadRequest, "invalid_dpop_proof")
		s.refreshed(foreign.refresh)

		_, challenge = s.tryLogin(adaEmail, adaPassword, "new").offered(t)
		s.login2(t, old.id)
		if again, same := s.replace(challenge, old.id).offeredLate(t); same != challenge || len(again) != 2 {
			t.Errorf("the device has ended, and there is no room: %v", again)
		}
		s.postForm("/oauth/revoke", map[string][]string{"token": {other.refresh}})
		if r := s.replace(challenge, old.id); r.status != http.StatusOK {
			t.Errorf("the device has ended, and there is room: %d %s", r.status, r.body)
		}

		ids, challenge := s.tryLogin(adaEmail, adaPassword, "new").offered(t)
		s.clock.Advance(5 * time.Minute)
		s.replace(challenge, ids[0]).wants(t, "too late", http.StatusUnauthorized, "invalid_challenge")
		_, challenge = s.tryLogin(adaEmail, adaPassword, "new").offered(t)
		if _, err := s.auth.Operator.SetPasswordGenerated(t.Context(), adaEmail, adaPassword); err != nil {
			t.Fatal(err)
		}
		s.replace(challenge, ids[0]).wants(t, "after a new password", http.StatusUnauthorized, "invalid_challenge")
	})
}

// offeredLate is offered of a challenge that has lasted for some time.
func (r reply) offeredLate(t *testing.T) (ids []any, challenge string) {
	t.Helper()
	r.wants(t, "still too many devices", http.StatusConflict, "too_many_devices")
	ids, _ = r.json(t)["devices"].([]any)
	return ids, r.text(t, "challenge")
}

func TestOfManyReplacementsByOneChallengeOneSucceeds(t *testing.T) {
	eachOfTwo(t, func(t *testing.T, s *site) {
		old, other := s.login("old"), s.login("other")
		_, challenge := s.tryLogin(adaEmail, adaPassword, "new").offered(t)
		var done atomic.Int64
		together(10, func(i int) {
			if r := s.replace(challenge, []string{old.id, other.id}[i%2]); r.status == http.StatusOK {
				done.Add(1)
			}
		})
		e := s.eventsOf(adaEmail)
		if done.Load() != 1 || countKind(e, models.EventDeviceRevoked) != 1 || countKind(e, models.EventSignIn) != 3 {
			t.Errorf("%d succeeded: %+v", done.Load(), e)
		}
	})
}

// A thief with the password alone must not learn which devices there are, and a recovery code is used up only by a sign-in.
func TestTheListOfDevicesComesAfterTheLastFactor(t *testing.T) {
	eachOfTwo(t, func(t *testing.T, s *site) {
		old := s.login("old")
		s.login("other")
		o := s.owner()
		app := o.addAuthenticator()
		codes := o.addRecoveryCodes()
		first := s.half("new")
		if first.json(t)["devices"] != nil {
			t.Errorf("the password alone learns %s", first.body)
		}
		waiting := first.text(t, "challenge")
		s.replace(waiting, old.id).wants(t, "the challenge of the second step", http.StatusUnauthorized, "invalid_challenge")
		ids, _ := s.step(waiting, "totp", app.next(s)).offered(t)
		if len(ids) != 2 {
			t.Errorf("offered %v", ids)
		}
		_, challenge := s.step(s.half("new").text(t, "challenge"), "recovery_code", codes[0]).offered(t)
		if used := countKind(s.eventsOf(adaEmail), models.EventRecoveryCodeUsed); used != 0 {
			t.Errorf("%d codes are used before the sign-in", used)
		}
		_, second := s.step(s.half("new").text(t, "challenge"), "recovery_code", codes[0]).offered(t)
		if r := s.replace(challenge, ids[0]); r.status != http.StatusOK {
			t.Fatalf("%d %s", r.status, r.body)
		}
		if used := countKind(s.eventsOf(adaEmail), models.EventRecoveryCodeUsed); used != 1 {
			t.Errorf("%d codes are used", used)
		}
		s.replace(second, ids[1]).wants(t, "the same code again", http.StatusUnauthorized, "invalid_challenge")
	})
}

// The passkey answered one challenge: it must not sign in once more after the device that it replaced.
func TestAPasskeyAloneSignsInInThePlaceOfAnotherOnce(t *testing.T) {
	eachOfTwo(t, func(t *testing.T, s *site) {
		old, other := s.login("old"), s.login("other")
		key := s.owner().addPasskey("")
		r := s.startPasskey("new")
		waiting, answer := r.text(t, "challenge"), key.answer(r)
		_, challenge := s.stepWith("/api/login/factor", waiting, answer).offered(t)
		_, second := s.stepWith("/api/login/factor", waiting, answer).offered(t)
		done := s.replace(challenge, old.id)
		if done.status != http.StatusOK || done.text(t, "device_name") != "new" {
			t.Fatalf("%d %s", done.status, done.body)
		}
		if c := newPhone(t, done).proved(t); c.ACR != "aal2" {
			t.Errorf("%+v", c)
		}
		s.replace(second, other.id).wants(t, "another replacement by the same answer", http.StatusUnauthorized, "invalid_challenge")
		s.postForm("/oauth/revoke", map[string][]string{"token": {other.refresh}})
		s.stepWith("/api/login/factor", waiting, answer).wants(t, "the same answer, where there is room", http.StatusUnauthorized, "invalid_challenge")
	})
}

func TestAReplacementIsBoundToItsKeyAndItsApp(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		most := 1
		for _, id := range []string{"app", "one", "gone"} {
			r := client.Registration{Name: id, ID: id, IOSApps: notesApps.IOSApps, Limits: client.Limits{MaxDevices: &most}}
			if _, err := s.auth.Clients.Add(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
		other := s.login("of another app")
		login := func(key *prover, id string) reply {
			body := map[string]string{"email": adaEmail, "password": adaPassword, "device_name": "phone", "client_id": id}
			return s.postJSON("/api/login", body, "DPoP", key.proof("POST", "/api/login", "", nil))
		}
		key, thief := newProver(t, s, "ES256"), newProver(t, s, "ES256")
		mine := newPhone(t, login(key, "one"))
		ids, challenge := login(key, "one").offered(t)
		if len(ids) != 1 || ids[0] != mine.id {
			t.Errorf("offered %v", ids)
		}
		s.replace(challenge, mine.id).wants(t, "without the key", http.StatusBadRequest, "invalid_dpop_proof")
		s.replace(challenge, mine.id, "DPoP", thief.proof("POST", "/api/login/replace", "", nil)).wants(t, "with another key", http.StatusBadRequest, "invalid_dpop_proof")
		s.replace(challenge, other.id, "DPoP", key.proof("POST", "/api/login/replace", "", nil)).wants(t, "another app's device", http.StatusUnprocessableEntity, "invalid_request")
		r := s.replace(challenge, mine.id, "DPoP", key.proof("POST", "/api/login/replace", "", nil))
		if r.status != http.StatusOK || r.text(t, "token_type") != "DPoP" {
			t.Fatalf("%d %s", r.status, r.body)
		}
		s.refreshed(other.refresh)

		login(key, "gone")
		ids, challenge = login(key, "gone").offered(t)
		if err := s.auth.Clients.Remove(t.Context(), "gone"); err != nil {
			t.Fatal(err)
		}
		s.replace(challenge, ids[0], "DPoP", key.proof("POST", "/api/login/replace", "", nil)).wants(t, "a removed app", http.StatusUnprocessableEntity, "invalid_request")
	})
}
