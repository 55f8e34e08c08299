package web_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/auth/client"
	"latchkey/auth/services"
	"latchkey/auth/token"
	"latchkey/models"
	"latchkey/web"
)

// untouched checks that refused acts did nothing: ada's devices, password and address are as they were, and no mail went out.
func (s *postOffice) untouched(b phone, clientID string) phone {
	s.t.Helper()
	for _, m := range s.mails() {
		s.t.Errorf("to %q: %q", m.To, m.Subject)
	}
	if s.email() != adaEmail {
		s.t.Errorf("the address is %s", s.email())
	}
	for _, kind := range []models.EventKind{models.EventPasswordChanged, models.EventEmailAsked, models.EventDevicesRevoked, models.EventDevicesRevokedSince, models.EventDeviceRevoked, models.EventAccountDeleted} {
		if n := s.acts(kind); n != 0 {
			s.t.Errorf("%d events %s", n, kind)
		}
	}
	if r := s.loginBy(clientID, "again"); r.status != http.StatusOK {
		s.t.Errorf("the password: %d %s", r.status, r.body)
	}
	s.mails()
	return s.refreshed(b.refresh)
}

// Many servers see an access token. Alone it does nothing to the account, and tells nothing about it.
func TestAnAccessTokenAloneDoesNothingToTheAccount(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		a, b := s.login("a"), s.login("b")
		s.addUser(eveEmail, evePassword)
		eve := newPhone(t, s.tryLogin(eveEmail, evePassword, "eve's"))
		s.mails()
		others, eves, late := s.confirmed(b), s.confirm(eve, evePassword).confirmation(t), s.confirmed(a)
		s.clock.Advance(5 * time.Minute)
		used := s.confirmed(a)
		if r := s.actOn(http.MethodPatch, a, b.id, withConfirmation(used)); r.status != http.StatusOK {
			t.Fatalf("%d %s", r.status, r.body)
		}
		headers := append(bearer(a.access), "Content-Type", jsonType)
		for name, act := range accountActs {
			for what, body := range map[string]string{
				"no body": "", "null": "null", "nothing": "{}", "the password": `{"password":"` + adaPassword + `","current_password":"` + adaPassword + `","new_password":"` + newPassword + `","email":"` + newEmail + `"}`,
				"an empty one": strings.ReplaceAll(act.body, "secret", ""),
			} {
				s.request(act.method, act.path, body, headers...).wants(t, name+", "+what, http.StatusForbidden, "reauthentication_required")
			}
			for what, secret := range map[string]string{
				"a guess": strings.Repeat("A", 43), "short": used[:42], "padded": used + "=", "huge": strings.Repeat("A", 5000), "a refresh token": a.refresh,
				"another device's": others, "another person's": eves, "a late one": late, "a used one": used,
			} {
				s.accountAct(a, name, secret).wants(t, name+", "+what, http.StatusForbidden, "invalid_confirmation")
			}
			for what, scheme := range map[string][]string{"no token": nil, "a device token": bearer(a.refresh), "a token of none": bearer("x")} {
				if r := s.request(act.method, act.path, act.body, append(scheme, "Content-Type", jsonType)...); r.status != http.StatusUnauthorized {
					t.Errorf("%s, %s: %d %s", name, what, r.status, r.body)
				}
			}
		}
		// What is not confirmed is not judged: the answer would tell the account's address.
		for _, body := range []string{`{"new_password":"` + adaEmail + `"}`, `{"new_password":"` + adaEmail + `","confirmation":"` + late + `"}`} {
			if r := s.request(http.MethodPut, "/api/account/password", body, headers...); r.status != http.StatusForbidden {
				t.Errorf("%d %s", r.status, r.body)
			}
		}
		if r := s.request(http.MethodPut, "/api/account/email", `{"email":"`+adaEmail+`","confirmation":"`+late+`"}`, headers...); r.status != http.StatusForbidden {
			t.Errorf("%d %s", r.status, r.body)
		}
		s.untouched(b, "")
		// Nor did it use up what the owner may ask for.
		if r := s.accountAct(a, "the address", s.confirmed(a)); r.status != http.StatusAccepted {
			t.Errorf("the owner: %d %s", r.status, r.body)
		}
	})
}

func TestAConfirmationOfAnotherKeyDoesNothingToTheAccount(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		b, key := s.login("b"), newProver(t, s.site, "ES256")
		bound := newPhone(t, key.login("bound"))
		s.mails()
		call := func(method, path, body string) reply {
			return s.request(method, path, body, "Content-Type", jsonType, "Authorization", "DPoP "+bound.access, "DPoP", key.proof(method, path, bound.access, nil))
		}
		secret := call(http.MethodPost, "/api/confirmation", `{"password":"`+adaPassword+`"}`).confirmation(t)
		for name, act := range accountActs {
			body := strings.ReplaceAll(act.body, "secret", secret)
			s.accountAct(bound, name, secret).wants(t, name+" without a proof", http.StatusUnauthorized, "invalid_token")
			s.request(act.method, act.path, body, "Content-Type", jsonType, "Authorization", "DPoP "+bound.access, "DPoP", key.proof(http.MethodPost, act.path, bound.access, nil)).
				wants(t, name+" with the proof of another request", http.StatusUnauthorized, "invalid_dpop_proof")
			s.accountAct(b, name, secret).wants(t, name+" by another device", http.StatusForbidden, "invalid_confirmation")
			// A device that is bound for good may sign out single devices without a confirmation, but not all of them.
			call(act.method, act.path, "{}").wants(t, name+" with the key alone", http.StatusForbidden, "reauthentication_required")
		}
		s.untouched(b, "")
		if r := call(http.MethodDelete, "/api/devices", `{"confirmation":"`+secret+`"}`); r.status != http.StatusOK {
			t.Errorf("%d %s", r.status, r.body)
		}
	})
}

// A client with scopes may have its devices signed out, if it was registered for that; no act on the account is any but first-party apps'.
func TestThirdPartiesDoNothingToTheAccount(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		for id, scopes := range map[string][]string{"first": nil, "third": {client.OwnDevicesWrite, client.OwnDevicesRead}, "photos": {"photos:write"}} {
			if _, err := s.auth.Clients.Add(t.Context(), client.Registration{Name: id, ID: id, Scopes: scopes}); err != nil {
				t.Fatal(err)
			}
		}
		backend, err := s.auth.Clients.Add(t.Context(), client.Registration{Name: "Shop", ID: "shop", Confidential: true, Scopes: allScopes})
		if err != nil {
			t.Fatal(err)
		}
		b := newPhone(t, s.loginBy("first", "b"))
		third, photos := newPhone(t, s.loginBy("third", "third")), newPhone(t, s.loginBy("photos", "photos"))
		s.mails()
		own := s.request(http.MethodPost, "/oauth/token", "grant_type=client_credentials", append(basicOf(backend.ID, backend.Secret), "Content-Type", formType)...)
		secret := s.confirmed(third)
		for name := range accountActs {
			s.accountAct(phone{access: own.text(t, "access_token")}, name, secret).wants(t, name+" by a backend", http.StatusUnauthorized, "invalid_token")
			s.accountAct(photos, name, secret).wants(t, name+" for other servers", http.StatusUnauthorized, "invalid_token")
			if name == "the others" {
				continue
			}
			r := s.accountAct(third, name, secret)
			if r.wants(t, name, http.StatusForbidden, "insufficient_scope"); !strings.Contains(r.header.Get("WWW-Authenticate"), `scope="own_account:write"`) {
				t.Errorf("%s: %v", name, r.header)
			}
		}
		s.untouched(b, "first")
		if r := s.accountAct(third, "the others", secret); r.status != http.StatusOK {
			t.Errorf("its own scope: %d %s", r.status, r.body)
		}
		s.exec("DELETE FROM attempts")
		b = newPhone(t, s.loginBy("first", "b"))
		if r := s.accountAct(b, "the password", s.confirmed(b)); r.status != http.StatusOK {
			t.Errorf("a first-party app: %d %s", r.status, r.body)
		}
	})
}

// What the owner changes ends what was confirmed before it.
func TestAChangeOfTheAccountEndsItsConfirmations(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		a, b := s.login("a"), s.login("b")
		secret, gone := s.confirmed(a), s.confirmed(b)
		s.owner().addAuthenticator()
		s.mails()
		for name := range accountActs {
			s.accountAct(a, name, secret).wants(t, name+" after a new factor", http.StatusForbidden, "invalid_confirmation")
		}
		s.actOn(http.MethodDelete, b, "current", "")
		for name := range accountActs {
			s.accountAct(b, name, gone).wants(t, name+" by a device that is out", http.StatusUnauthorized, "invalid_token")
		}
		s.confirm(a, adaPassword).wants(t, "the password alone", http.StatusForbidden, "second_factor_required")
		if list := s.mails(); len(list) != 0 {
			t.Errorf("%+v", list)
		}
	})
}

func TestASecondFactorConfirmsActsOnTheAccount(t *testing.T) {
	eachNamed(t, func(t *testing.T, s *site) {
		a := s.login("a")
		o := s.owner()
		app := o.addAuthenticator()
		key := o.addPasskey(app.next(s))
		challenge := s.confirm(a, adaPassword).text(t, "challenge")
		for _, name := range []string{"the password", "the deletion", "the others", "what is since"} {
			s.accountAct(a, name, challenge).wants(t, name+" with a challenge", http.StatusForbidden, "invalid_confirmation")
		}
		secret := s.confirmStep(a, challenge, "totp", app.next(s)).confirmation(t)
		if r := s.accountAct(a, "the password", secret); r.status != http.StatusOK {
			t.Fatalf("a code: %d %s", r.status, r.body)
		}
		secret = s.confirmByPasskey(a, key)
		s.newPasswordBy(a, secret, newPassword).wants(t, "the present password", http.StatusUnprocessableEntity, "invalid_request")
		if r := s.accountAct(a, "the deletion", secret); r.status != http.StatusNoContent {
			t.Errorf("a passkey: %d %s", r.status, r.body)
		}
	})
}

// A passkey confirms although the password is locked; but it opens no more than on the portal. The answer must not send the app round again.
func TestAPasskeyDoesNotReplaceALockedPassword(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		a, b := s.login("a"), s.login("b")
		key := s.owner().addPasskey("")
		s.mails()
		s.exec("UPDATE users SET locked_at = created_at")
		secret := s.confirmByPasskey(a, key)
		for _, name := range []string{"the password", "the address", "the deletion"} {
			r := s.accountAct(a, name, secret)
			if r.wants(t, name, http.StatusForbidden, "invalid_credentials"); !strings.HasPrefix(r.text(t, "detail"), "Your password is locked.") {
				t.Errorf("%s: %s", name, r.body)
			}
			s.accountAct(a, name, strings.Repeat("A", 43)).wants(t, name+" with a guess", http.StatusForbidden, "invalid_confirmation")
		}
		for _, m := range s.mails() {
			t.Errorf("to %q: %q", m.To, m.Subject)
		}
		if n := s.acts(models.EventPasswordChanged) + s.acts(models.EventEmailAsked) + s.acts(models.EventAccountDeleted); n != 0 {
			t.Errorf("%d acts happened", n)
		}
		if r := s.accountAct(a, "the others", secret); r.status != http.StatusOK {
			t.Errorf("the others: %d %s", r.status, r.body)
		}
		s.refused(b.refresh, token.ReasonRevoked)
	}, onLocalhost)
}

// The owner signs a stolen phone out while its act is under way, here during the question whether its new password is known from breaches.
func TestAPhoneThatIsSignedOutDuringItsActDoesNothing(t *testing.T) {
	during := func() {}
	posted(t, func(t *testing.T, s *postOffice) {
		a, b, browser := s.login("a"), s.login("b"), s.signedIn()
		s.mails()
		secret, owners := s.confirmed(a), s.confirmed(b)
		during = func() {
			if r := s.actOn(http.MethodDelete, b, a.id, withConfirmation(owners)); r.status != http.StatusNoContent {
				t.Errorf("the owner: %d %s", r.status, r.body)
			}
		}
		s.accountAct(a, "the password", secret).wants(t, "the phone", http.StatusUnauthorized, "invalid_token")
		during = func() {}
		if n := s.acts(models.EventPasswordChanged); n != 0 {
			t.Errorf("%d changes", n)
		}
		s.refreshed(b.refresh)
		browser.shown("/devices")
		if r := s.tryLogin(adaEmail, adaPassword, "again"); r.status != http.StatusOK {
			t.Errorf("the password: %d %s", r.status, r.body)
		}
	}, func(c *services.Config, _ *web.Config) {
		c.Breached = func(context.Context, string) (string, error) { during(); return "", nil }
	})
}

// Of many acts that race with one confirmation, one is done.
func TestOneConfirmationIsGoodForOneActOnTheAccount(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		a, b := s.login("a"), s.login("b")
		s.mails()
		secret := s.confirmed(a)
		names := []string{"the password", "the address", "the others"}
		var won, refused atomic.Int64
		together(12, func(i int) {
			act := func() reply { return s.actOn(http.MethodPatch, a, b.id, withConfirmation(secret)) }
			if i%4 < 3 {
				act = func() reply { return s.accountAct(a, names[i%4], secret) }
			}
			switch r := act(); {
			case r.status < 300:
				won.Add(1)
			case r.status == http.StatusForbidden && r.text(t, "code") == "invalid_confirmation":
				refused.Add(1)
			case r.status == http.StatusUnprocessableEntity, r.status == http.StatusNotFound, r.status == http.StatusTooManyRequests:
				refused.Add(1) // the password is the new one already; b is out; three asked for one address at the same moment
			default:
				t.Errorf("%d %s", r.status, r.body)
			}
		})
		done := s.acts(models.EventPasswordChanged) + s.acts(models.EventEmailAsked) + s.acts(models.EventDevicesRevoked) + s.acts(models.EventDeviceRenamed)
		if won.Load() != 1 || done != 1 {
			t.Errorf("%d acts happened, %d events, %d were refused", won.Load(), done, refused.Load())
		}
	})
}

// A deletion races with a change of password: one of them is done.
func TestADeletionRacesWithANewPassword(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		a := s.login("a")
		s.mails()
		secret := s.confirmed(a)
		var deleted, changed atomic.Int64
		together(8, func(i int) {
			name, count := "the deletion", &deleted
			if i%2 == 0 {
				name, count = "the password", &changed
			}
			switch r := s.accountAct(a, name, secret); {
			case r.status < 300:
				count.Add(1)
			case r.status != http.StatusForbidden && r.status != http.StatusUnauthorized && r.status != http.StatusUnprocessableEntity: // it is the new password already
				t.Errorf("%s: %d %s", name, r.status, r.body)
			}
		})
		if deleted.Load()+changed.Load() != 1 || s.acts(models.EventAccountDeleted) != deleted.Load() || s.acts(models.EventPasswordChanged) != changed.Load()*(1-deleted.Load()) {
			t.Errorf("%d deletions, %d new passwords", deleted.Load(), changed.Load())
		}
	})
}
