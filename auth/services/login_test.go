package services_test

import (
	"sync/atomic"
	"testing"
	"time"

	"latchkey/auth"
	"latchkey/auth/password"
	"latchkey/auth/ratelimit"
	"latchkey/auth/services"
	"latchkey/auth/signin"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// Attempts past a limit, or by an app that is not registered, cost no hash.
func TestASignInIsRefusedBeforeItsPasswordIsHashed(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		var hashes atomic.Int32
		derive := d.Hasher.Derive
		d.Hasher.Derive = func(password, salt []byte, passes, memory uint32, threads uint8, size uint32) []byte {
			hashes.Add(1)
			return derive(password, salt, passes, memory, threads, size)
		}
		d.fail(t, ratelimit.MaxPairFailures, adaEmail, same("192.0.2.1"))
		hashes.Store(0)
		if kind := d.try(t, adaEmail, adaPassword, at("192.0.2.1")); kind != auth.KindRateLimited || hashes.Load() != 0 {
			t.Errorf("past the limit: kind %d after %d hashes", kind, hashes.Load())
		}
		if err := store.AddClient(t.Context(), models.Client{ID: "known", Name: "known", CreatedAt: d.now()}); err != nil {
			t.Fatal(err)
		}
		for _, email := range []string{adaEmail, "nobody@example.com"} {
			if kind := d.try(t, email, adaPassword, at("192.0.2.9")); kind != auth.KindUnauthorizedClient || hashes.Load() != 0 {
				t.Errorf("an app that is not registered, %s: kind %d after %d hashes", email, kind, hashes.Load())
			}
		}
	})
}

// If another sign-in stores a new hash of the password, signIn checks the password twice, but the proof, which is valid once, only
// once.
func TestAProofServesASignInWhosePasswordIsCheckedTwice(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		d.change(t, func(c *services.Config) {
			c.Hasher = ratelimit.NewHasher(password.Params{MemoryKiB: 128, Time: 1, Threads: 1}, 4, 64, 5*time.Second)
		})
		var first atomic.Bool
		derive := d.Hasher.Derive
		d.Hasher.Derive = func(password, salt []byte, passes, memory uint32, threads uint8, size uint32) []byte {
			if first.CompareAndSwap(false, true) {
				if kind := d.try(t, adaEmail, adaPassword, at("192.0.2.2")); kind != -1 {
					t.Errorf("the other sign-in: kind %d", kind)
				}
			}
			return derive(password, salt, passes, memory, threads, size)
		}
		proof := newProver(t, 1).proof(&forkBench{desk: d, t: t})
		answer, err := d.SignIn.Login(t.Context(), signin.LoginRequest{Email: adaEmail, Password: adaPassword, DeviceName: "phone", Proof: proof, From: at("192.0.2.1")})
		if err != nil || answer.TokenType != "DPoP" {
			t.Errorf("%+v %v", answer, err)
		}
	})
}
