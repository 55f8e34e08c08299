package auth

import (
	"sync"
	"sync/atomic"
	"testing"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// Of forty guesses at once as many are looked at as of forty in a row.
func TestOfParallelGuessesExactlyAsManyAreTaken(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		var hashes, taken atomic.Int64
		derive := d.hasher.derive
		d.hasher.derive = func(password, salt []byte, passes, memory uint32, threads uint8, size uint32) []byte {
			hashes.Add(1)
			return derive(password, salt, passes, memory, threads, size)
		}
		var wg sync.WaitGroup
		for range 40 {
			wg.Go(func() {
				for {
					switch d.try(t, adaEmail, "not the password", at("192.0.2.1")) {
					case KindUnavailable: // the door, or the queue: nothing was decided
						continue
					case KindInvalidCredential:
						taken.Add(1)
					}
					return
				}
			})
		}
		wg.Wait()
		if taken.Load() != maxPairFailures || hashes.Load() != maxPairFailures {
			t.Errorf("%d guesses were answered, %d hashed; want %d", taken.Load(), hashes.Load(), maxPairFailures)
		}
	})
}

// What is counted in advance is given back to the last one, whatever becomes of the sign-in.
func TestASignInThatIsNotWrongGivesItsFailureBack(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		d.fail(t, maxPairFailures-1, adaEmail, same("192.0.2.1"))
		if kind := d.try(t, adaEmail, adaPassword, at("192.0.2.1")); kind != -1 {
			t.Errorf("a sign-in: %v", kind)
		}
		idle := d.hasher
		d.hasher = newHasher(idle.params, 1, 0, 0)
		d.hasher.slots <- struct{}{}
		if kind := d.try(t, adaEmail, adaPassword, at("192.0.2.1")); kind != KindUnavailable {
			t.Errorf("no hash: %v", kind)
		}
		d.hasher = idle
		d.MaxDevices = 1
		if kind := d.try(t, adaEmail, adaPassword, at("192.0.2.1")); kind != KindTooManyDevices {
			t.Errorf("too many devices: %v", kind)
		}
		d.MaxDevices = 100
		if _, err := d.Disable(t.Context(), adaEmail); err != nil {
			t.Fatal(err)
		}
		if kind := d.try(t, adaEmail, adaPassword, at("192.0.2.1")); kind != KindAccountDisabled {
			t.Errorf("disabled: %v", kind)
		}
		if err := d.Enable(t.Context(), adaEmail); err != nil {
			t.Fatal(err)
		}
		d.fail(t, 1, adaEmail, same("192.0.2.1"))
		if kind := d.try(t, adaEmail, adaPassword, at("192.0.2.1")); kind != KindRateLimited {
			t.Errorf("after the tenth failure: %v", kind)
		}
	})
}

// A form that is sent twice is one sign-in: what was counted in advance for the second sending is given back, too.
func TestARepeatedSignInGivesItsFailureBack(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		hers := at("192.0.2.1")
		hers.Browser = "hers"
		for range maxKnownFailures - 2 {
			if _, err := d.LoginBrowser(t.Context(), BrowserLogin{Email: adaEmail, Password: adaPassword, From: hers}); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 4 {
			if _, err := d.LoginBrowser(t.Context(), BrowserLogin{Email: adaEmail, Password: "not the password", From: hers}); AsError(err).Kind != KindInvalidCredential {
				t.Errorf("wrong password %d: %v", i+1, err)
			}
		}
	})
}
