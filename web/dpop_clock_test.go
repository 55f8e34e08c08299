package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/auth/jws"
	"latchkey/auth/services"
	"latchkey/auth/token"
	"latchkey/models/modelstest"
	"latchkey/web"
)

// onSQLite is each where the database takes no part.
func onSQLite(t *testing.T, fn func(t *testing.T, s *site), change func(*services.Config, *web.Config)) {
	t.Helper()
	fn(t, newSite(t, modelstest.MigratedSQLite(t), change))
}

// off is a proof by a clock that is wrong, with a nonce where there is one.
func (p *prover) off(method, path, access, nonce string, by time.Duration) string {
	p.t.Helper()
	return p.proof(method, path, access, func(_, c map[string]any) {
		c["iat"] = p.s.clock.Now().Add(by).Unix()
		if nonce != "" {
			c["nonce"] = nonce
		}
	})
}

func (p *prover) loginAs(proof string) reply {
	p.t.Helper()
	return p.s.postJSON("/api/login", map[string]string{"email": adaEmail, "password": adaPassword, "device_name": "x"}, "DPoP", proof)
}

func (p *prover) refreshAs(token, proof string) reply {
	p.t.Helper()
	return p.s.postForm("/oauth/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}, "DPoP", proof)
}

func TestAPhoneWithAWrongClockIsToldAndHealsItself(t *testing.T) {
	const year = 366 * 24 * time.Hour
	each(t, func(t *testing.T, s *site) {
		owner := newProver(t, s, "ES256")
		var p phone
		for by, told := range map[time.Duration]string{
			42 * time.Second: "the clock of this device is 42 s ahead", time.Hour: "3600 s ahead", year: "31622400 s ahead",
			-75 * time.Second: "the clock of this device is 75 s behind", -time.Hour: "3600 s behind", -year: "31622400 s behind",
		} {
			if p.refresh == "" {
				r := owner.loginAs(owner.off("POST", "/api/login", "", "", by))
				nonce := r.header.Get("DPoP-Nonce")
				if r.status != http.StatusBadRequest || r.text(t, "code") != "use_dpop_nonce" || nonce == "" || !strings.Contains(r.text(t, "detail"), told) {
					t.Fatalf("%v, sign-in: %d %v %s", by, r.status, r.header, r.body)
				}
				r = owner.loginAs(owner.off("POST", "/api/login", "", nonce, by))
				if r.status != http.StatusOK || r.header.Get("DPoP-Nonce") == "" {
					t.Fatalf("%v, sign-in with the nonce: %d %v %s", by, r.status, r.header, r.body)
				}
				p = newPhone(t, r)
			}
			r := owner.refreshAs(p.refresh, owner.off("POST", "/oauth/token", "", "", by))
			nonce := r.header.Get("DPoP-Nonce")
			if r.status != http.StatusBadRequest || r.text(t, "error") != "use_dpop_nonce" || nonce == "" || !strings.Contains(r.text(t, "error_description"), told) {
				t.Errorf("%v, refresh: %d %v %s", by, r.status, r.header, r.body)
			}
			r = owner.refreshAs(p.refresh, owner.off("POST", "/oauth/token", "", nonce, by))
			if r.status != http.StatusOK || r.header.Get("DPoP-Nonce") == "" {
				t.Fatalf("%v, refresh with the nonce: %d %v %s", by, r.status, r.header, r.body)
			}
			p = newPhone(t, r)
			use := func(nonce string) reply {
				return s.request(http.MethodGet, "/api/whoami", "", "Authorization", "DPoP "+p.access, "DPoP", owner.off("GET", "/api/whoami", p.access, nonce, by))
			}
			if r := use(""); r.status != http.StatusUnauthorized || !strings.HasPrefix(r.header.Get("WWW-Authenticate"), `DPoP error="use_dpop_nonce"`) || r.header.Get("DPoP-Nonce") == "" ||
				!strings.Contains(r.text(t, "detail"), told) {
				t.Errorf("%v, whoami: %d %v %s", by, r.status, r.header, r.body)
			}
			if r := use(nonce); r.status != http.StatusOK || r.header.Get("DPoP-Nonce") == "" {
				t.Errorf("%v, whoami with the nonce: %d %v %s", by, r.status, r.header, r.body)
			}
			if r := use("AAAA" + nonce[4:]); r.status != http.StatusUnauthorized || r.text(t, "code") != "use_dpop_nonce" {
				t.Errorf("%v, whoami with another nonce: %d %s", by, r.status, r.body)
			}
		}
		// Time is not all that is wrong: no nonce would help.
		for name, proof := range map[string]string{
			"another address":       owner.off("POST", "/api/login", "", "", time.Hour),
			"another key's jwk":     owner.proof("POST", "/oauth/token", "", func(h, c map[string]any) { h["jwk"] = newProver(t, s, "ES256").jwk(); c["iat"] = 1 }),
			"no time":               owner.proof("POST", "/oauth/token", "", func(_, c map[string]any) { delete(c, "iat") }),
			"a time that is a text": owner.proof("POST", "/oauth/token", "", func(_, c map[string]any) { c["iat"] = "now" }),
		} {
			if r := owner.refreshAs(p.refresh, proof); r.status != http.StatusBadRequest || r.text(t, "error") != "invalid_dpop_proof" || r.header.Get("DPoP-Nonce") != "" {
				t.Errorf("%s: %d %v %s", name, r.status, r.header, r.body)
			}
		}
		if r := owner.refresh(p.refresh); r.status != http.StatusOK || r.header.Get("DPoP-Nonce") != "" {
			t.Errorf("a right clock: %d %v", r.status, r.header)
		}
	})
}

// A proof that was made ahead of time is good by its nonce now. It must not be good once more by its time when that has come.
func TestAProofWithANonceIsGoodByNothingElse(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		owner := newProver(t, s, "EdDSA")
		p := newPhone(t, owner.login("phone"))
		nonce := owner.refreshAs(p.refresh, owner.off("POST", "/oauth/token", "", "", time.Hour)).header.Get("DPoP-Nonce")
		early := owner.off("POST", "/oauth/token", "", nonce, time.Hour)
		p = newPhone(t, owner.refreshAs(p.refresh, early))
		for _, after := range []time.Duration{100 * time.Second, 150 * time.Second, 200 * time.Second, time.Hour, time.Hour + 30*time.Second} {
			s.clock.Advance(after)
			if r := owner.refreshAs(p.refresh, early); r.status != http.StatusBadRequest {
				t.Errorf("again after %v: %d %s", after, r.status, r.body)
			}
			s.clock.Advance(-after)
		}
		// Unused, it is refused just so: what the nonce says counts.
		late := owner.off("POST", "/oauth/token", "", nonce, time.Hour)
		s.clock.Advance(time.Hour)
		if r := owner.refreshAs(p.refresh, late); r.text(t, "error") != "use_dpop_nonce" {
			t.Errorf("its time has come, its nonce has gone: %d %s", r.status, r.body)
		}
	})
}

// The clock of the server jumps and comes back. Fresh proofs are good at all times, used ones at none.
func TestProofsAreGoodOnceWhileTheClockJumps(t *testing.T) {
	const day = 24 * time.Hour
	each(t, func(t *testing.T, s *site) {
		owner := newProver(t, s, "ES256")
		used := map[string]string{}
		refresh := func(p phone, when string) phone {
			t.Helper()
			used[when] = owner.proof("POST", "/oauth/token", "", nil)
			r := owner.refreshAs(p.refresh, used[when])
			if r.status != http.StatusOK {
				t.Fatalf("%s: %d %s", when, r.status, r.body)
			}
			return newPhone(t, r)
		}
		for _, jump := range []time.Duration{time.Hour, -time.Hour, day, -day, 366 * day, -366 * day} {
			refresh(newPhone(t, owner.login("x")), "before")
			s.clock.Advance(jump)
			ahead := refresh(newPhone(t, owner.login("y")), "after the jump")
			if r := owner.refreshAs(ahead.refresh, used["before"]); r.status != http.StatusBadRequest {
				t.Errorf("%v, a proof from before: %d %s", jump, r.status, r.body)
			}
			s.clock.Advance(-jump)
			p := refresh(newPhone(t, owner.login("z")), "back again") // a sign-in a year ahead has ended the first one
			for when, proof := range used {
				if r := owner.refreshAs(p.refresh, proof); r.status != http.StatusBadRequest || strings.HasPrefix(when, "b") && r.text(t, "error") != "invalid_dpop_proof" {
					t.Errorf("%v, a proof from %s: %d %s", jump, when, r.status, r.body)
				}
			}
			nonce := owner.refreshAs(p.refresh, owner.off("POST", "/oauth/token", "", "", time.Hour)).header.Get("DPoP-Nonce")
			s.clock.Advance(jump)
			r := owner.refreshAs(ahead.refresh, owner.off("POST", "/oauth/token", "", nonce, 0))
			if r.text(t, "error") != "use_dpop_nonce" || r.header.Get("DPoP-Nonce") == nonce {
				t.Errorf("%v, a nonce from before: %d %s", jump, r.status, r.body)
			}
			if r := owner.refreshAs(ahead.refresh, owner.off("POST", "/oauth/token", "", r.header.Get("DPoP-Nonce"), 0)); r.status != http.StatusOK && r.text(t, "error") != "invalid_grant" {
				t.Errorf("%v, with the new one: %d %s", jump, r.status, r.body)
			}
			s.clock.Advance(-jump)
		}
	})
}

func TestEd25519HasTwoNames(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		owner := newProver(t, s, "EdDSA")
		named := func(method, path, access, alg string) string {
			return owner.proof(method, path, access, func(h, _ map[string]any) {
				h["alg"] = alg
				jwk := owner.jwk()
				jwk["alg"] = alg
				h["jwk"] = jwk
			})
		}
		r := owner.loginAs(named("POST", "/api/login", "", "Ed25519"))
		if r.status != http.StatusOK {
			t.Fatalf("%d %s", r.status, r.body)
		}
		p := newPhone(t, r)
		for _, alg := range []string{"EdDSA", "Ed25519"} { // one key, one thumbprint: the device knows it by both names
			r := owner.refreshAs(p.refresh, named("POST", "/oauth/token", "", alg))
			if r.status != http.StatusOK {
				t.Fatalf("%s: %d %s", alg, r.status, r.body)
			}
			p = newPhone(t, r)
			if r := s.request(http.MethodGet, "/api/whoami", "", "Authorization", "DPoP "+p.access, "DPoP", named("GET", "/api/whoami", p.access, alg)); r.status != http.StatusOK {
				t.Errorf("%s, whoami: %d %s", alg, r.status, r.body)
			}
		}
		for _, alg := range []string{"Ed448", "ed25519", "ES256", "none", ""} {
			if r := owner.refreshAs(p.refresh, named("POST", "/oauth/token", "", alg)); r.text(t, "error") != "invalid_dpop_proof" {
				t.Errorf("%q: %d %s", alg, r.status, r.body)
			}
		}
		if r := s.request(http.MethodGet, "/.well-known/oauth-authorization-server", ""); !strings.Contains(r.body, `"dpop_signing_alg_values_supported":["ES256","EdDSA","Ed25519"]`) {
			t.Errorf("metadata: %s", r.body)
		}
		if r := s.request(http.MethodGet, "/api/whoami", ""); r.header.Values("WWW-Authenticate")[1] != `DPoP algs="ES256 EdDSA Ed25519", `+s.described() {
			t.Errorf("challenge: %v", r.header)
		}
	})
}

// A base URL is written by an operator, the address in a proof and the Origin of a form by others, each in their own way.
func TestAddressesAreComparedInTheirNormalForm(t *testing.T) {
	for base, others := range map[string][]string{ // the first as browsers write it
		"https://bücher.example":          {"https://xn--bcher-kva.example", "HTTPS://BÜCHER.example:443", "https://bu\u0308cher.example", "https://b%C3%BCcher.example"},
		"https://xn--bcher-kva.example":   {"https://xn--bcher-kva.example", "https://bücher.example"},
		"HTTPS://ID.Example.com:443/":     {"https://id.example.com"},
		"http://[0:0:0:0:0:0:0:1]:8080":   {"http://[::1]:8080", "http://[0::1]:8080"},
		"http://[2001:db8::1]:80":         {"http://[2001:db8::1]", "http://[2001:DB8:0::0001]", "http://[2001:db8:0:0:0:0:0:1]:80"},
		"https://[2001:DB8:0:0:1:0:0:1]/": {"https://[2001:db8::1:0:0:1]"},
	} {
		onSQLite(t, func(t *testing.T, s *site) {
			owner := newProver(t, s, "ES256")
			at := func(from string) func(_, c map[string]any) {
				return func(_, c map[string]any) { c["htu"] = from + "/oauth/token" }
			}
			p := newPhone(t, owner.loginAs(owner.proof("POST", "/api/login", "", func(_, c map[string]any) { c["htu"] = others[0] + "/api/login" })))
			for _, from := range append(others, strings.TrimSuffix(base, "/")) {
				r := owner.refreshAs(p.refresh, owner.proof("POST", "/oauth/token", "", at(from)))
				if r.status != http.StatusOK {
					t.Fatalf("%s, a proof for %s: %d %s", base, from, r.status, r.body)
				}
				p = newPhone(t, r)
			}
			for _, from := range []string{s.URL, others[0] + ":8443", "https://bucher.example", "http://[::2]:8080"} {
				if r := owner.refreshAs(p.refresh, owner.proof("POST", "/oauth/token", "", at(from))); r.text(t, "error") != "invalid_dpop_proof" {
					t.Errorf("%s, a proof for %s: %d %s", base, from, r.status, r.body)
				}
			}
			// A browser of before Fetch Metadata, behind a proxy that changes the Host header.
			for from, status := range map[string]int{others[0]: 422, "https://evil.example": 403, "null": 403, others[0] + ".evil.example": 403, others[0] + ":8443": 403} {
				if r := s.postForm("/login", url.Values{"email": {"x"}}, "Origin", from); r.status != status {
					t.Errorf("%s, a form from %s: %d", base, from, r.status)
				}
			}
			if r := s.request(http.MethodGet, "/api/whoami", "", "Authorization", "DPoP "+p.access, "DPoP", owner.proof("GET", "/api/whoami", p.access, func(_, c map[string]any) { c["htu"] = others[0] + "/api/whoami" })); r.status != http.StatusOK {
				t.Errorf("%s, whoami: %d %s", base, r.status, r.body)
			}
		}, func(a *services.Config, w *web.Config) {
			a.Issuer, a.Audience, w.BaseURL = strings.TrimSuffix(base, "/"), strings.TrimSuffix(base, "/"), base
		})
	}
}

// A thief who copied a bound token, or keeps a dead one, sends proofs by keys of his own. They are refused, and take nothing of the owner's
// share of what is remembered: each gets the same answer again.
func TestARefusedProofIsNotRemembered(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		owner, thief := newProver(t, s, "ES256"), newProver(t, s, "ES256")
		p, dead := newPhone(t, owner.login("phone")), newPhone(t, thief.login("dead"))
		s.signOut("the dead one", dead.refresh)
		proof := thief.proof("POST", "/oauth/token", "", nil)
		for range 2 {
			if r := owner.refreshAs(p.refresh, proof); r.text(t, "reason") != token.ReasonUnknownDevice {
				t.Errorf("a copied token: %d %s", r.status, r.body)
			}
			if r := owner.refreshAs(dead.refresh, proof); r.text(t, "reason") != token.ReasonRevoked {
				t.Errorf("a dead token: %d %s", r.status, r.body)
			}
			if r := s.request(http.MethodGet, "/api/whoami", "", "Authorization", "DPoP "+p.access, "DPoP", thief.proof("GET", "/api/whoami", p.access, nil)); r.text(t, "code") != "invalid_token" {
				t.Errorf("a copied access token: %d %s", r.status, r.body)
			}
		}
		used := owner.proof("POST", "/oauth/token", "", nil)
		next := newPhone(t, owner.refreshAs(p.refresh, used))
		for _, token := range []string{p.refresh, next.refresh} {
			if r := owner.refreshAs(token, used); r.text(t, "error") != "invalid_dpop_proof" {
				t.Errorf("a proof that was taken: %d %s", r.status, r.body)
			}
		}
		// Ten at once present one proof: one answer.
		proof = owner.proof("POST", "/oauth/token", "", nil)
		var good atomic.Int32
		together(10, func(int) {
			if owner.refreshAs(next.refresh, proof).status == http.StatusOK {
				good.Add(1)
			}
		})
		if good.Load() != 1 {
			t.Errorf("one proof got %d answers", good.Load())
		}
		if r := owner.refresh(next.refresh); r.status != http.StatusOK {
			t.Errorf("and the device goes on: %d %s", r.status, r.body)
		}
	})
}

func TestAThumbprintDependsOnTheKeyAlone(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		owner := newProver(t, s, "EdDSA")
		want, err := jws.Thumbprint(owner.key.Public())
		if err != nil {
			t.Fatal(err)
		}
		r := owner.loginAs(owner.proof("POST", "/api/login", "", func(h, _ map[string]any) { h["alg"] = "Ed25519" }))
		claims, err := s.auth.Tokens.Verify(r.text(t, "access_token"))
		if err != nil || claims.Cnf == nil || claims.Cnf.JKT != want {
			t.Errorf("%+v, %v; want jkt %s", claims, err, want)
		}
	})
}
