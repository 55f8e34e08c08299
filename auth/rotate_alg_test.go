package auth

import (
	"bytes"
	"testing"
	"time"

	"latchkey/auth/resource"
)

// One replica after the other gets another algorithm, while resource servers keep key sets of either for five minutes.
func TestAChangeOfAlgorithmMeetsNoVerifierThatDoesNotKnowTheKey(t *testing.T) {
	eachPair(t, func(t *testing.T, p *racePair) {
		verifiers := map[time.Time]*resource.Verifier{}
		tick := func() {
			t.Helper()
			p.change(func(s *Service) { // each reads the ring as late as may be
				keys, err := s.JWKS(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				token, _, err := s.mintAccessToken(t.Context(), raceDevice(p), "")
				if err != nil {
					t.Fatal(err)
				}
				for at, v := range verifiers {
					if age := p.now().Sub(at); age > KeysMaxAge {
						delete(verifiers, at)
					} else if _, err := v.Verify(t.Context(), token); err != nil {
						t.Fatalf("%s, with a key set that is %v old: %v", s.SigningAlg, age, err)
					}
				}
				if _, seen := verifiers[p.now()]; !seen {
					verifiers[p.now()] = verifierOf(t, p, served{keys}, token)
				}
				if err := s.LoadKeys(t.Context()); err != nil {
					t.Fatal(err)
				}
			})
			p.advance(3 * ringReadEvery)
		}
		signers := func() string { return p.on(0).alg(t) + " " + p.on(1).alg(t) }
		run := func(ticks int) {
			t.Helper()
			for range ticks {
				tick()
			}
		}
		to := func(i int, alg string) {
			t.Helper()
			p.services[i] = raceService(t, p.on(i).store, Config{SigningAlg: alg, Secret: bytes.Repeat([]byte{1}, 32), Now: p.now})
		}
		run(12)
		to(0, "ES256")
		run(2)
		if got := signers(); got != "EdDSA EdDSA" {
			t.Errorf("a minute after the change: %s", got)
		}
		from := tooNew(t, p.on(0).RotateAnnouncedKey(t.Context()))
		if wait := from.Sub(p.now()); wait <= 0 || wait > KeysMaxAge {
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
		// Who insists need not wait, and what was rotated away stays public.
		before := signer(t, p.on(0))
		to(1, "RS256")
		if p.on(1).alg(t) != "ES256" {
			t.Error("the third algorithm signs at once")
		}
		if err := p.on(1).RotateSigningKey(t.Context()); err != nil || p.on(1).alg(t) != "RS256" {
			t.Errorf("insisted on: %s, %v", p.on(1).alg(t), err)
		}
		if _, ok := p.on(1).findKey(before); !ok {
			t.Error("the key before is gone")
		}
	})
}

// alg is the algorithm that signs now.
func (s *Service) alg(t *testing.T) string {
	t.Helper()
	if err := s.LoadKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	key, err := s.signingKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return key.Alg
}
