package services_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"latchkey/auth/keys"
	"latchkey/auth/resource"
	"latchkey/auth/services"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// tooNew returns the time from which a refused rotation would be allowed, or the zero time.
func tooNew(t *testing.T, err error) time.Time {
	t.Helper()
	var e *keys.TooNew
	if errors.As(err, &e) {
		return e.From
	}
	if err != nil {
		t.Fatal(err)
	}
	return time.Time{}
}

func signer(t *testing.T, s *services.Services) string {
	t.Helper()
	if err := s.Keys.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	key, err := s.Keys.Current(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return key.ID
}

func TestAKeySignsOnlyOnceEveryVerifierCanKnowIt(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		first := signer(t, d.Services)
		for round := range 3 { // the first start made a next key, as every rotation does
			made, before := d.now(), signer(t, d.Services)
			from := tooNew(t, d.Keys.RotateAnnounced(t.Context()))
			if after := from.Sub(made); after < keys.MaxAge+keys.RingReadEvery || after > keys.MaxAge+time.Minute || signer(t, d.Services) != before {
				t.Fatalf("round %d: a key made at %v may sign at %v", round, made, from)
			}
			d.advance(from.Sub(made) - time.Second)
			if got := tooNew(t, d.Keys.RotateAnnounced(t.Context())); !got.Equal(from) {
				t.Errorf("round %d, a second before: %v, want %v", round, got, from)
			}
			d.advance(time.Second)
			if err := d.Keys.RotateAnnounced(t.Context()); err != nil || signer(t, d.Services) == before {
				t.Errorf("round %d, at the time that was said: %v, signed by %s", round, err, signer(t, d.Services))
			}
		}
		if err := d.Keys.Rotate(t.Context()); err != nil {
			t.Errorf("insisted on: %v", err)
		}
		if signer(t, d.Services) == first {
			t.Error("nothing was rotated")
		}
	})
}

// The clock was ahead while a key was made, or a rotation done, and then set right.
func TestARotationAfterTheClockWasSetBack(t *testing.T) {
	for _, ahead := range []time.Duration{time.Hour, 24 * time.Hour, 365 * 24 * time.Hour} {
		modelstest.Each(t, func(t *testing.T, store *models.Store) {
			d := newDesk(t, store)
			gone := map[string]bool{signer(t, d.Services): true}
			d.advance(ahead)
			if err := d.Keys.Rotate(t.Context()); err != nil {
				t.Fatal(err)
			}
			d.advance(-ahead)
			signer(t, d.Services)
			for range 2 {
				before := signer(t, d.Services)
				if from := tooNew(t, d.Keys.RotateAnnounced(t.Context())); !from.IsZero() {
					if wait := from.Sub(d.now()); wait > keys.MaxAge+time.Minute {
						t.Fatalf("%v ahead: to wait for %v", ahead, wait)
					}
					d.advance(from.Sub(d.now()))
					if err := d.Keys.RotateAnnounced(t.Context()); err != nil {
						t.Fatalf("%v ahead, at the time that was said: %v", ahead, err)
					}
				}
				if gone[before] = true; gone[signer(t, d.Services)] {
					t.Fatalf("%v ahead: %s signs after %s", ahead, signer(t, d.Services), before)
				}
			}
			// No old key signs again when its turn would have come.
			for _, wait := range []time.Duration{ahead, 10 * time.Minute, 31 * 24 * time.Hour} {
				if d.advance(wait); gone[signer(t, d.Services)] {
					t.Errorf("%v ahead: %s signs again", ahead, signer(t, d.Services))
				}
			}
		})
	}
}

// served is a JWKS that a replica served.
type served struct{ keys []byte }

// RoundTrip serves this key set to a verifier once, and then fails.
func (k *served) RoundTrip(r *http.Request) (*http.Response, error) {
	if k.keys == nil {
		return nil, errors.New("not reachable")
	}
	body := k.keys
	k.keys = nil
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(body)), Request: r}, nil
}

// An operator rotates as often as the command allows. One replica reads the keys every ten seconds, as late as possible. Every key
// that the other one signs with is in all key sets of the last five minutes.
func TestAVerifierWithACachedKeySetMeetsNoUnknownKey(t *testing.T) {
	eachPair(t, func(t *testing.T, p *racePair) {
		fast, slow := p.on(0), p.on(1)
		var last []byte
		verifiers := map[time.Time]*resource.Verifier{}
		rotations := 0
		for tick := range 150 {
			if err := slow.Keys.Load(t.Context()); err != nil { // right before a key is made
				t.Fatal(err)
			}
			if tooNew(t, fast.Keys.RotateAnnounced(t.Context())).IsZero() {
				rotations++
			}
			token, _, err := fast.Tokens.MintAccess(t.Context(), raceDevice(p), "")
			if err != nil {
				t.Fatal(err)
			}
			set, err := slow.Keys.JWKS(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			last = set
			if tick%3 == 0 {
				verifiers[p.now()] = verifierOf(t, p, served{set}, token)
			}
			for at, v := range verifiers {
				if age := p.now().Sub(at); age > keys.MaxAge {
					delete(verifiers, at)
				} else if _, err := v.Verify(t.Context(), token); err != nil {
					t.Fatalf("after %d rotations, with a key set that is %v old: %v", rotations, age, err)
				}
			}
			p.advance(keys.RingReadEvery)
		}
		if rotations < 4 {
			t.Errorf("only %d rotations in 25 minutes", rotations)
		}
		if distinct := strings.Count(string(last), `"kid"`); distinct < 3 {
			t.Errorf("%d keys are published", distinct)
		}
	})
}

// verifierOf returns a verifier that never fetches its key set again.
func verifierOf(t *testing.T, p *racePair, keys served, token string) *resource.Verifier {
	t.Helper()
	v, err := resource.New(resource.Config{
		Issuer: "https://id.example.com", Audience: "https://api.example.com", Clock: p.now, Client: &http.Client{Transport: &keys}, KeysRefresh: time.Hour, CacheSize: -1,
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	if _, err := v.Verify(t.Context(), token); err != nil {
		t.Fatalf("with a key set served at the same moment: %v", err)
	}
	return v
}
