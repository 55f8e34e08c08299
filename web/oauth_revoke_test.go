package web_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"latchkey/auth/services"
	"latchkey/auth/token"
	"latchkey/models"
	"latchkey/web"
)

// signOut sends one token to the revocation endpoint. Whatever the token was, the answer is the same (RFC 7009 §2.2).
func (s *site) signOut(name, token string, headers ...string) {
	s.t.Helper()
	r := s.postForm("/oauth/revoke", url.Values{"token": {token}, "token_type_hint": {"access_token"}}, headers...)
	if r.status != http.StatusOK || r.body != "{}\n" || r.header.Get("Content-Type") != jsonType || r.header.Get("Cache-Control") != "no-store" {
		s.t.Errorf("%s: %d %v %q", name, r.status, r.header, r.body)
	}
}

func TestSigningOutByRFC7009(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		a := s.login("a")
		for _, c := range []struct{ name, token string }{
			{"unknown", "lk1.x"}, {"garbage", "x"}, {"forged", flip(a.refresh)}, {"good", a.refresh}, {"good again", a.refresh},
		} {
			s.signOut(c.name, c.token)
		}
		s.refused(a.refresh, token.ReasonRevoked)
	})
}

// Client libraries revoke the access token first, and stop at an error: the refresh token would stay good.
func TestAnAccessTokenSignsItsOwnDeviceOut(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		a, b := s.login("a"), s.login("b")
		s.clock.Advance(time.Second)
		s.signOut("an access token", a.access)
		s.refused(a.refresh, token.ReasonRevoked)
		if e := s.events(t)[0]; e.Kind != models.EventSignOut || e.Detail != string(models.RevokedBySignOut) || e.DeviceName != "a" {
			t.Errorf("the activity says %+v", e)
		}
		s.signOut("again", a.access)
		s.signOut("its refresh token", a.refresh)
		if r := s.request(http.MethodGet, "/api/devices", "", bearer(a.access)...); r.status != http.StatusUnauthorized {
			t.Errorf("a signed-out token lists devices: %d", r.status)
		}
		s.signOut("forged", b.access[:len(b.access)-8]+"AAAAAAAA")
		s.signOut("cut", b.access[:len(b.access)-4])
		late := s.login("late")
		s.clock.Advance(15 * time.Minute)
		s.signOut("expired", late.access)
		s.refreshed(late.refresh)
		s.refreshed(b.refresh)
	})
}

func TestABoundAccessTokenSignsOutWithItsProofOnly(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		owner, thief := newProver(t, s, "ES256"), newProver(t, s, "ES256")
		p := newPhone(t, owner.login("phone"))
		s.signOut("no proof", p.access)
		s.signOut("another key", p.access, "DPoP", thief.proof("POST", "/oauth/revoke", p.access, nil))
		s.signOut("for another address", p.access, "DPoP", owner.proof("POST", "/oauth/token", p.access, nil))
		s.signOut("for another token", p.access, "DPoP", owner.proof("POST", "/oauth/revoke", "x", nil))
		s.signOut("garbage", p.access, "DPoP", "x")
		s.signOut("two", p.access, "DPoP", owner.proof("POST", "/oauth/revoke", p.access, nil), "DPoP", owner.proof("POST", "/oauth/revoke", p.access, nil))
		used := owner.proof("GET", "/api/whoami", p.access, nil)
		s.signOut("a proof seen on its way", p.access, "Authorization", "DPoP "+p.access, "DPoP", used)
		p = newPhone(t, owner.refresh(p.refresh)) // still signed in
		s.signOut("its proof", p.access, "DPoP", owner.proof("POST", "/oauth/revoke", p.access, nil))
		if r := owner.refresh(p.refresh); r.text(t, "reason") != token.ReasonRevoked {
			t.Errorf("%d %s", r.status, r.body)
		}
		q := newPhone(t, owner.login("tablet"))
		s.signOut("a proof as for the token endpoint", q.access, "DPoP", owner.proof("POST", "/oauth/revoke", "", nil))
		if r := owner.refresh(q.refresh); r.text(t, "reason") != token.ReasonRevoked {
			t.Errorf("%d %s", r.status, r.body)
		}
		unbound := s.login("unbound")
		s.signOut("an unbound one with any proof", unbound.access, "DPoP", "x")
		s.refused(unbound.refresh, token.ReasonRevoked)
	})
}

// Where nonces are asked for, the owner's proof is told so: 200 would say that the device is out.
func TestASignOutByProofSaysWhenItNeedsANonce(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		owner := newProver(t, s, "ES256")
		nonce := owner.login("x").header.Get("DPoP-Nonce")
		with := func(_, c map[string]any) { c["nonce"] = nonce }
		p := newPhone(t, s.postJSON("/api/login", map[string]string{"email": adaEmail, "password": adaPassword, "device_name": "x"},
			"DPoP", owner.proof("POST", "/api/login", "", with)))
		form := url.Values{"token": {p.access}}
		r := s.postForm("/oauth/revoke", form, "DPoP", owner.proof("POST", "/oauth/revoke", p.access, nil))
		if r.status != http.StatusBadRequest || r.text(t, "error") != "use_dpop_nonce" || r.header.Get("DPoP-Nonce") == "" {
			t.Errorf("%d %v %s", r.status, r.header, r.body)
		}
		s.signOut("with it", p.access, "DPoP", owner.proof("POST", "/oauth/revoke", p.access, with))
		if r := s.postForm("/oauth/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {p.refresh}}, "DPoP", owner.proof("POST", "/oauth/token", "", with)); r.text(t, "reason") != token.ReasonRevoked {
			t.Errorf("%d %s", r.status, r.body)
		}
	}, func(a *services.Config, _ *web.Config) { a.NonceRequired = true })
}
