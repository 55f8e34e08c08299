package services_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/ratelimit"
	"latchkey/auth/services"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// As many of forty parallel guesses are checked as of forty in a row.
func TestOfParallelGuessesExactlyAsManyAreTaken(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		var hashes, taken atomic.Int64
		derive := d.Hasher.Derive
		d.Hasher.Derive = func(password, salt []byte, passes, memory uint32, threads uint8, size uint32) []byte {
			hashes.Add(1)
			return derive(password, salt, passes, memory, threads, size)
		}
		var wg sync.WaitGroup
		for range 40 {
			wg.Go(func() {
				for {
					switch d.try(t, adaEmail, "not the password", at("192.0.2.1")) {
					case auth.KindUnavailable: // the gate or the queue: the password was not checked
						continue
					case auth.KindInvalidCredential:
						taken.Add(1)
					}
					return
				}
			})
		}
		wg.Wait()
		if taken.Load() != ratelimit.MaxPairFailures || hashes.Load() != ratelimit.MaxPairFailures {
			t.Errorf("%d guesses were answered, %d hashed; want %d", taken.Load(), hashes.Load(), ratelimit.MaxPairFailures)
		}
	})
}

// A failure that was counted in advance is given back in full, whatever the result of the sign-in.
func TestASignInThatIsNotWrongGivesItsFailureBack(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		d.fail(t, ratelimit.MaxPairFailures-1, adaEmail, same("192.0.2.1"))
		if kind := d.try(t, adaEmail, adaPassword, at("192.0.2.1")); kind != -1 {
			t.Errorf("a sign-in: %v", kind)
		}
		d.change(t, func(c *services.Config) { c.Hasher = busyHasher(t) })
		if kind := d.try(t, adaEmail, adaPassword, at("192.0.2.1")); kind != auth.KindUnavailable {
			t.Errorf("no hash: %v", kind)
		}
		d.change(t, func(c *services.Config) { c.Hasher, c.MaxDevices = nil, 1 })
		if kind := d.try(t, adaEmail, adaPassword, at("192.0.2.1")); kind != auth.KindTooManyDevices {
			t.Errorf("too many devices: %v", kind)
		}
		d.change(t, func(c *services.Config) { c.MaxDevices = 100 })
		if _, err := d.Operator.Disable(t.Context(), adaEmail); err != nil {
			t.Fatal(err)
		}
		if kind := d.try(t, adaEmail, adaPassword, at("192.0.2.1")); kind != auth.KindAccountDisabled {
			t.Errorf("disabled: %v", kind)
		}
		if err := d.Operator.Enable(t.Context(), adaEmail); err != nil {
			t.Fatal(err)
		}
		d.fail(t, 1, adaEmail, same("192.0.2.1"))
		if kind := d.try(t, adaEmail, adaPassword, at("192.0.2.1")); kind != auth.KindRateLimited {
			t.Errorf("after the tenth failure: %v", kind)
		}
	})
}

// A form that is sent twice is one sign-in: the failure counted in advance for the second sending is given back, too.
func TestARepeatedSignInGivesItsFailureBack(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		hers := at("192.0.2.1")
		hers.Browser = "hers"
		for range ratelimit.MaxKnownFailures - 2 {
			if _, err := d.SignIn.LoginBrowser(t.Context(), browser.Login{Email: adaEmail, Password: adaPassword, From: hers}); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 4 {
			if _, err := d.SignIn.LoginBrowser(t.Context(), browser.Login{Email: adaEmail, Password: "not the password", From: hers}); auth.AsError(err).Kind != auth.KindInvalidCredential {
				t.Errorf("wrong password %d: %v", i+1, err)
			}
		}
	})
}
