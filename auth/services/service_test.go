package services_test

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"latchkey/auth"
	"latchkey/auth/account"
	"latchkey/auth/browser"
	"latchkey/auth/password"
	"latchkey/auth/ratelimit"
	"latchkey/auth/services"
	"latchkey/auth/signin"
	"latchkey/auth/token"
	"latchkey/models"
	"latchkey/models/modelstest"
)

func TestTenFailuresOfOneAccountFromOneNetworkAreTheLimit(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		d.fail(t, 10, adaEmail, same("192.0.2.1"))
		d.advance(5 * time.Minute)
		_, err := d.SignIn.Login(t.Context(), signin.LoginRequest{Email: "ADA@example.com", Password: adaPassword, DeviceName: "phone", From: at("192.0.2.1")})
		if refusal := auth.AsError(err); refusal.Kind != auth.KindRateLimited || refusal.RetryAfter != 10*time.Minute {
			t.Errorf("the right password past the limit: %+v", refusal)
		}
		if kind := d.try(t, adaEmail, adaPassword, at("192.0.2.2")); kind != -1 {
			t.Errorf("from another network: kind %d", kind)
		}
		d.advance(10 * time.Minute)
		if kind := d.try(t, adaEmail, adaPassword, at("192.0.2.1")); kind != -1 {
			t.Errorf("a quarter of an hour after the first failure: kind %d", kind)
		}
	})
}

func TestSignInsThatSucceedDoNotCount(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		d.fail(t, 9, adaEmail, same("192.0.2.1"))
		for range 20 {
			if kind := d.try(t, adaEmail, adaPassword, at("192.0.2.1")); kind != -1 {
				t.Fatalf("kind %d", kind)
			}
		}
		d.fail(t, 1, adaEmail, same("192.0.2.1"))
		if kind := d.try(t, adaEmail, adaPassword, at("192.0.2.1")); kind != auth.KindRateLimited {
			t.Errorf("after the tenth failure: kind %d", kind)
		}
	})
}

func TestFiftyFailuresFromOneNetworkAreTheLimit(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		for i := range 10 { // unknown accounts count like any other
			d.fail(t, 5, string(rune('a'+i))+"@example.com", func(j int) auth.Caller {
				// One /64: what one subscriber holds.
				return at("2001:db8:1:2::" + string(rune('1'+j)))
			})
		}
		if kind := d.try(t, adaEmail, adaPassword, at("2001:db8:1:2:ffff::9")); kind != auth.KindRateLimited {
			t.Errorf("the same /64: kind %d", kind)
		}
		if kind := d.try(t, adaEmail, adaPassword, at("2001:db8:1:3::1")); kind != -1 {
			t.Errorf("the next /64: kind %d", kind)
		}
		if kind := d.try(t, adaEmail, adaPassword, at("::ffff:192.0.2.1")); kind != -1 {
			t.Errorf("an IPv4 address written as IPv6: kind %d", kind)
		}
	})
}

func TestAStrangerCannotLockTheOwnerOut(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		home, cafe := at("192.0.2.1"), at("192.0.2.77")
		laptop := at("203.0.113.5")
		laptop.Browser = "the laptop's mark"
		for _, from := range []auth.Caller{home, laptop} {
			if kind := d.try(t, adaEmail, adaPassword, from); kind != -1 {
				t.Fatalf("kind %d", kind)
			}
		}
		d.advance(29 * 24 * time.Hour)
		d.fail(t, 100, adaEmail, func(i int) auth.Caller { return at("198.51.100." + string(rune('0'+i/10))) })
		if kind := d.try(t, adaEmail, adaPassword, cafe); kind != auth.KindRateLimited {
			t.Errorf("the right password from somewhere new: kind %d", kind)
		}
		if kind := d.try(t, adaEmail, adaPassword, home); kind != -1 {
			t.Errorf("from home: kind %d", kind)
		}
		laptop.IP = cafe.IP
		if kind := d.try(t, adaEmail, adaPassword, laptop); kind != -1 {
			t.Errorf("a known browser in a new place: kind %d", kind)
		}
		d.fail(t, 10, adaEmail, same("192.0.2.1"))
		if kind := d.try(t, adaEmail, adaPassword, home); kind != auth.KindRateLimited {
			t.Errorf("home passes the limit of its own network: kind %d", kind)
		}
	})
}

func TestAHomeIsForgottenAfterThirtyDays(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		if kind := d.try(t, adaEmail, adaPassword, at("192.0.2.1")); kind != -1 {
			t.Fatalf("kind %d", kind)
		}
		d.advance(30*24*time.Hour + time.Second)
		d.fail(t, 100, adaEmail, func(i int) auth.Caller { return at("198.51.100." + string(rune('0'+i/10))) })
		if kind := d.try(t, adaEmail, adaPassword, at("192.0.2.1")); kind != auth.KindRateLimited {
			t.Errorf("kind %d", kind)
		}
	})
}

// Parallel guesses get no more results than guesses one at a time, even if the right password is among them.
func TestParallelGuessesGainNothing(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		d.fail(t, 9, adaEmail, same("192.0.2.1"))
		var wg sync.WaitGroup
		for range 40 {
			wg.Go(func() { d.try(t, adaEmail, "not the password", at("192.0.2.1")) })
		}
		wg.Wait()
		if kind := d.try(t, adaEmail, adaPassword, at("192.0.2.1")); kind != auth.KindRateLimited {
			t.Errorf("kind %d", kind)
		}
	})
}

// A sign-in that checked the old password while it was changed must not survive the change.
func TestNoSignInOutlivesAChangeOfPassword(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		rounds := 300
		if testing.Short() || store.Dialect() == "sqlite" {
			rounds = 60
		}
		passwords := [2]string{adaPassword, "a rainy day at the sea"}
		survived, signedIn, changed := 0, 0, 0
		for i := range rounds {
			old, next := passwords[i%2], passwords[(i+1)%2]
			key, err := d.SignIn.LoginBrowser(t.Context(), browser.Login{Email: adaEmail, Password: old, From: at("192.0.2.1")})
			if err != nil {
				t.Fatal(err)
			}
			session, err := d.Browsers.Authenticate(t.Context(), key, at("192.0.2.1"))
			if err != nil {
				t.Fatal(err)
			}
			var wg sync.WaitGroup
			answers := make([]token.Answer, 3)
			for j := range answers {
				wg.Go(func() {
					answer, err := d.SignIn.Login(t.Context(), signin.LoginRequest{Email: adaEmail, Password: old, DeviceName: "phone", From: at("192.0.2.2")})
					if err == nil {
						answers[j] = answer
					} else if kind := auth.AsError(err).Kind; kind != auth.KindInvalidCredential {
						t.Errorf("a sign-in during the change: %v", err)
					}
				})
			}
			wg.Go(func() {
				if _, err := d.Accounts.ChangePassword(t.Context(), session, account.PasswordChange{Confirmation: confirmed(old, at("192.0.2.1")), New: next}); err != nil {
					t.Errorf("change: %v", err)
				} else {
					changed++
				}
			})
			wg.Wait()
			for _, answer := range answers {
				if answer.RefreshToken == "" {
					continue
				}
				signedIn++
				if _, err := d.Tokens.Refresh(t.Context(), token.RefreshRequest{Token: answer.RefreshToken, From: at("192.0.2.2")}); err == nil {
					survived++
				} else if refusal := auth.AsError(err); refusal.Reason != token.ReasonRevoked {
					t.Errorf("refresh: %v", err)
				}
			}
			d.advance(time.Hour) // failed sign-ins are not what is tested here
		}
		t.Logf("%d rounds, %d changes, %d sign-ins were first and were signed out, %d survived", rounds, changed, signedIn, survived)
		if survived > 0 || changed != rounds || signedIn == 0 {
			t.Errorf("%d sign-ins with the old password survived its change; %d of %d changes, %d sign-ins came first", survived, changed, rounds, signedIn)
		}
	})
}

func TestAPasswordIsHashedAgainWhenParametersRise(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		d.change(t, func(c *services.Config) {
			c.Hasher = ratelimit.NewHasher(password.Params{MemoryKiB: 128, Time: 1, Threads: 1}, 4, 64, 5*time.Second)
		})
		for range 2 {
			if kind := d.try(t, adaEmail, adaPassword, at("192.0.2.1")); kind != -1 {
				t.Fatalf("kind %d", kind)
			}
		}
		after, err := d.Operator.FindUser(t.Context(), adaEmail)
		if err != nil || after.PasswordHash == d.ada.PasswordHash || !bytes.Contains([]byte(after.PasswordHash), []byte("m=128,")) {
			t.Errorf("%v %s", err, after.PasswordHash)
		}
	})
}

// busyHasher returns a hasher without a queue whose one worker is busy until the test ends.
func busyHasher(t *testing.T) *ratelimit.Hasher {
	t.Helper()
	h := ratelimit.NewHasher(cheapHash, 1, 0, time.Second)
	running, over := make(chan struct{}), make(chan struct{})
	h.Derive = func(_, _ []byte, _, _ uint32, _ uint8, size uint32) []byte {
		close(running)
		<-over
		return make([]byte, size)
	}
	var work sync.WaitGroup
	work.Go(func() { _, _ = h.Hash(context.Background(), "a long day at the sea") })
	<-running
	t.Cleanup(func() {
		close(over)
		work.Wait()
	})
	return h
}

func TestPastTheQueueSignInsAreTurnedAway(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		d.change(t, func(c *services.Config) { c.Hasher = busyHasher(t) })
		for _, email := range []string{adaEmail, "nobody@example.com"} {
			_, err := d.SignIn.Login(t.Context(), signin.LoginRequest{Email: email, Password: adaPassword, DeviceName: "phone", From: at("192.0.2.1")})
			if refusal := auth.AsError(err); !errors.Is(err, auth.ErrBusy) || refusal.Kind != auth.KindUnavailable || refusal.RetryAfter <= 0 {
				t.Errorf("%s: %+v", email, refusal)
			}
		}
	})
}

// A second rotation within seconds uses a key that another replica has not read yet.
func TestAReplicaReadsAKeyThatItDoesNotKnowYet(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		other, err := services.New(store, d.config)
		if err != nil {
			t.Fatal(err)
		}
		if err := other.Keys.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			d.advance(2 * time.Second)
			if err := d.Keys.Rotate(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		answer, err := d.SignIn.Login(t.Context(), signin.LoginRequest{Email: adaEmail, Password: adaPassword, DeviceName: "phone", From: at("192.0.2.1")})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := other.Tokens.Verify(answer.AccessToken); err != nil {
			t.Errorf("a token of a key that the other replica made: %v", err)
		}
	})
}

// Simultaneous sign-ins may all replace the stored hash; one of them does, and none is refused for it.
func TestSignInsThatHashThePasswordAnewAtOnceAllSucceed(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		d.change(t, func(c *services.Config) {
			c.Hasher = ratelimit.NewHasher(password.Params{MemoryKiB: 128, Time: 1, Threads: 1}, 4, 64, 5*time.Second)
		})
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if kind := d.try(t, adaEmail, adaPassword, at("192.0.2.1")); kind != -1 {
					t.Errorf("kind %d", kind)
				}
			})
		}
		wg.Wait()
	})
}

func TestOneNetworkCannotHoldTheDoor(t *testing.T) {
	d := ratelimit.NewGate(2, 64)
	var leave []func()
	for range 8 {
		out, err := d.Admit(at("2001:db8::1"))
		if err != nil {
			t.Fatal(err)
		}
		leave = append(leave, out)
	}
	if _, err := d.Admit(at("2001:db8::2")); !errors.Is(err, auth.ErrBusy) {
		t.Errorf("a ninth from one /64: %v", err)
	}
	if _, err := d.Admit(at("192.0.2.1")); err != nil {
		t.Errorf("another network: %v", err)
	}
	leave[0]()
	if _, err := d.Admit(at("2001:db8::3")); err != nil {
		t.Errorf("after one has left: %v", err)
	}
}

func TestOneNetworkCannotHoldTheDoorOfManyCores(t *testing.T) {
	d := ratelimit.NewGate(96, 64)
	for admitted := 0; ; admitted++ {
		if _, err := d.Admit(at("192.0.2.1")); err != nil {
			if admitted != 80 {
				t.Errorf("%d of one network, want half of 160", admitted)
			}
			break
		}
	}
	if _, err := d.Admit(at("192.0.2.2")); err != nil {
		t.Errorf("another network: %v", err)
	}
}
