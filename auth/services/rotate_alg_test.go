package services_test

import (
	"testing"
	"time"

	"latchkey/auth/keys"
	"latchkey/auth/resource"
	"latchkey/auth/services"
)

// The replicas change their algorithm one after the other, while resource servers cache key sets of both for five minutes.
func TestAChangeOfAlgorithmMeetsNoVerifierThatDoesNotKnowTheKey(t *testing.T) {
	eachPair(t, func(t *testing.T, p *racePair) {
		verifiers := map[time.Time]*resource.Verifier{}
		tick := func() {
			t.Helper()
			p.each(func(s *raced) { // each reads the ring as late as may be
				set, err := s.Keys.JWKS(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				token, _, err := s.Tokens.MintAccess(t.Context(), raceDevice(p), "")
				if err != nil {
					t.Fatal(err)
				}
				for at, v := range verifiers {
					if age := p.now().Sub(at); age > keys.MaxAge {
						delete(verifiers, at)
					} else if _, err := v.Verify(t.Context(), token); err != nil {
						t.Fatalf("%s, with a key set that is %v old: %v", s.config.SigningAlg, age, err)
					}
				}
				if _, seen := verifiers[p.now()]; !seen {
					verifiers[p.now()] = verifierOf(t, p, served{set}, token)
				}
				if err := s.Keys.Load(t.Context()); err != nil {
					t.Fatal(err)
				}
			})
			p.advance(3 * keys.RingReadEvery)
		}
		signers := func() string { return algOf(t, p.on(0)) + " " + algOf(t, p.on(1)) }
		run := func(ticks int) {
			t.Helper()
			for range ticks {
				tick()
			}
		}
		to := func(i int, alg string) {
			t.Helper()
			p.services[i] = newRaced(t, p.on(i).store, services.Config{SigningAlg: alg, Secret: testSecret, Now: p.now})
		}
		run(12)
		to(0, "ES256")
		run(2)
		if got := signers(); got != "EdDSA EdDSA" {
			t.Errorf("a minute after the change: %s", got)
		}
		from := tooNew(t, p.on(0).Keys.RotateAnnounced(t.Context()))
		if wait := from.Sub(p.now()); wait <= 0 || wait > keys.MaxAge {
			t.Errorf("a rotation must wait for %v", wait)
		}
		run(12)
		if got := signers(); got != "ES256 EdDSA" {
			t.Errorf("the first replica: %s", got)
		}
		to(1, "ES256")
		run(4)
		if got := signers(); got != "ES256 ES256" {
			t.Errorf("both: %s", got)
		}
		to(0, "EdDSA") // back again
		run(4)
		if got := signers(); got != "EdDSA ES256" {
			t.Errorf("back again: %s", got)
		}
		to(0, "ES256")
		run(1)
		// Rotate does not wait, and the old key stays published.
		before := signer(t, p.on(0).Services)
		to(1, "RS256")
		if algOf(t, p.on(1)) != "ES256" {
			t.Error("the third algorithm signs at once")
		}
		if err := p.on(1).Keys.Rotate(t.Context()); err != nil || algOf(t, p.on(1)) != "RS256" {
			t.Errorf("insisted on: %s, %v", algOf(t, p.on(1)), err)
		}
		if _, ok := p.on(1).Keys.Find(before); !ok {
			t.Error("the key before is gone")
		}
	})
}

// algOf returns the algorithm of the current key.
func algOf(t *testing.T, s *raced) string {
	t.Helper()
	if err := s.Keys.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	key, err := s.Keys.Current(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return key.Alg
}
