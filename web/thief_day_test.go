package web_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"latchkey/auth/resource"
	"latchkey/models/modelstest"
)

// The thief's day: everything that a phone stores was copied. What the copy is worth, at Latchkey and at a resource
// server that is not Latchkey's own.

// shop is a resource server: another party's API, which accepts the site's access tokens.
type shop struct {
	*httptest.Server
	t        *testing.T
	verifier *resource.Verifier
}

func newShop(t *testing.T, s *site, change func(*resource.Config)) *shop {
	t.Helper()
	p := &shop{t: t}
	var handler http.Handler
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(p.Close)
	c := resource.Config{Issuer: s.URL, Audience: "https://api.example.com", Clock: s.clock.Now, DPoP: resource.DPoP{BaseURL: p.URL}}
	if change != nil {
		change(&c)
	}
	v, err := resource.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	p.verifier = v
	handler = v.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, _ := resource.ClaimsFrom(r.Context())
		_, _ = io.WriteString(w, claims.DeviceName+" of "+claims.Subject)
	}))
	return p
}

// buy is a request with an access token.
func (p *shop) buy(scheme, access, proof string) reply {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.URL+"/orders", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Authorization", scheme+" "+access)
	if proof != "" {
		r.Header.Set("DPoP", proof)
	}
	return send(p.t, http.DefaultClient, r)
}

// becomes asks until the answer has the status: what is fetched in the background takes its time.
func (p *shop) becomes(status int, scheme, access string) {
	p.t.Helper()
	var got reply
	for began := time.Now(); time.Since(began) < time.Minute; time.Sleep(20 * time.Millisecond) {
		if got = p.buy(scheme, access, ""); got.status == status {
			return
		}
	}
	p.t.Fatalf("the shop goes on answering %d %s, want %d", got.status, got.body, status)
}

func TestAThiefOfABoundPhoneGetsNothingAnywhere(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		owner := newProver(t, s, "ES256")
		phone := newPhone(t, owner.login("phone"))
		shop := newShop(t, s, nil)
		atShop := func(p *prover) string {
			return p.proof(http.MethodGet, "", phone.access, func(_, claims map[string]any) { claims["htu"] = shop.URL + "/orders" })
		}
		if r := shop.buy("DPoP", phone.access, atShop(owner)); r.status != http.StatusOK {
			t.Fatalf("the owner at the shop: %d %s", r.status, r.body)
		}
		used := atShop(owner)
		shop.buy("DPoP", phone.access, used)
		thief := newProver(t, s, "ES256")
		for name, c := range map[string]struct{ scheme, proof string }{
			"as a bearer token":                       {"Bearer", ""},
			"without a proof":                         {"DPoP", ""},
			"with a proof of his own key":             {"DPoP", atShop(thief)},
			"with the owner's, again":                 {"DPoP", used},
			"with the owner's for the token endpoint": {"DPoP", owner.proof(http.MethodPost, "/oauth/token", "", nil)},
		} {
			if r := shop.buy(c.scheme, phone.access, c.proof); r.status != http.StatusUnauthorized && r.status != http.StatusBadRequest {
				t.Errorf("at the shop %s: %d %s", name, r.status, r.body)
			}
			if r := s.request(http.MethodGet, "/api/whoami", "", "Authorization", c.scheme+" "+phone.access, "DPoP", c.proof); r.status < 400 {
				t.Errorf("at Latchkey %s: %d %s", name, r.status, r.body)
			}
		}
		if r := s.refresh(phone.refresh); r.status != http.StatusBadRequest || r.text(t, "error") != "invalid_dpop_proof" {
			t.Errorf("a refresh without a proof: %d %s", r.status, r.body)
		}
		if r := thief.refresh(phone.refresh); r.status != http.StatusBadRequest || r.text(t, "error") != "invalid_grant" {
			t.Errorf("a refresh by another key: %d %s", r.status, r.body)
		}
		if r := owner.refresh(phone.refresh); r.status != http.StatusOK {
			t.Errorf("the owner afterwards: %d %s", r.status, r.body)
		}
	})
}

func TestAThiefOfAnUnboundPhoneIsFoundAndOutOfTheShop(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		phone := s.login("phone")
		shop := newShop(t, s, nil)
		stolen := phone // everything that it stores
		shop.becomes(http.StatusOK, "Bearer", stolen.access)
		s.clock.Advance(10 * time.Minute)
		thiefs := s.refreshed(stolen.refresh)
		s.clock.Advance(5 * time.Minute)
		owners := s.refreshed(phone.refresh) // a fork: one of the two must be a copy
		shop.becomes(http.StatusOK, "Bearer", thiefs.access)
		s.clock.Advance(10 * time.Minute)
		thiefs = s.refreshed(thiefs.refresh)
		s.clock.Advance(5 * time.Minute)
		s.refused(owners.refresh, "reused") // the alarm
		s.refused(thiefs.refresh, "revoked")
		s.clock.Advance(s.auth.Revocations.Bound())
		shop.becomes(http.StatusUnauthorized, "Bearer", thiefs.access)
	})
}

// Latchkey is down: what a resource server fetched before is enough to refuse the phone that was signed out.
func TestASignedOutPhoneStaysOutOfTheShopWhileLatchkeyIsDown(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		stolen, kept := s.login("phone"), s.login("tablet")
		shop := newShop(t, s, nil)
		for _, access := range []string{stolen.access, kept.access} {
			shop.becomes(http.StatusOK, "Bearer", access)
		}
		if r := s.postForm("/oauth/revoke", url.Values{"token": {stolen.refresh}}); r.status != http.StatusOK {
			t.Fatalf("sign out: %d %s", r.status, r.body)
		}
		s.clock.Advance(s.auth.Revocations.Bound())
		shop.becomes(http.StatusUnauthorized, "Bearer", stolen.access)
		s.Close()
		s.clock.Advance(time.Minute)
		if r := shop.buy("Bearer", stolen.access, ""); r.status != http.StatusUnauthorized {
			t.Errorf("the stolen phone: %d %s", r.status, r.body)
		}
		if r := shop.buy("Bearer", kept.access, ""); r.status != http.StatusOK {
			t.Errorf("the other one: %d %s", r.status, r.body)
		}
		s.clock.Advance(10 * time.Minute) // past resource.Config.MaxStaleness: no one knows any more
		if r := shop.buy("Bearer", kept.access, ""); r.status != http.StatusServiceUnavailable || r.header.Get("Retry-After") == "" {
			t.Errorf("once the list is stale: %d %s", r.status, r.body)
		}
		if r := shop.buy("Bearer", stolen.access, ""); r.status != http.StatusUnauthorized {
			t.Errorf("the stolen phone, then: %d %s", r.status, r.body)
		}
	})
}

// Two replicas on one database: signed out at one, refused by a shop that asks the other.
func TestAPhoneSignedOutAtOneReplicaIsOutOfTheShopOfTheOther(t *testing.T) {
	database := modelstest.MigratedPostgres(t)
	one := newSite(t, database)
	two := newReplica(t, database)
	phone := newPhone(t, two.tryLogin(adaEmail, adaPassword, "phone"))
	shop := newShop(t, two, nil)
	shop.becomes(http.StatusOK, "Bearer", phone.access)
	one.clock.Advance(time.Second)
	two.clock.Advance(time.Second)
	if r := one.postForm("/oauth/revoke", url.Values{"token": {phone.refresh}}); r.status != http.StatusOK {
		t.Fatalf("sign out: %d %s", r.status, r.body)
	}
	two.clock.Advance(two.auth.Revocations.Bound())
	shop.becomes(http.StatusUnauthorized, "Bearer", phone.access)
}
