package services_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/auth"
	"latchkey/auth/account"
	"latchkey/auth/password"
	"latchkey/auth/ratelimit"
	"latchkey/auth/services"
	"latchkey/auth/signin"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// An account that signs in from many addresses at once has two sign-ins in progress, and does not keep others from signing in.
func TestOneAccountHasTwoSignInsUnderWay(t *testing.T) {
	const many, evePassword = 9, "a fine night at the sea"
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		if _, err := d.Operator.AddUser(t.Context(), "eve@example.com", evePassword, models.RoleUser); err != nil {
			t.Fatal(err)
		}
		d.Slots.Patience = time.Minute
		entered, goOn := d.held(t, evePassword)
		kinds := make(chan auth.Kind, many)
		for i := range many {
			go func() { kinds <- d.try(t, "eve@example.com", evePassword, at(fmt.Sprintf("198.51.100.%d", i))) }()
		}
		within(t, 10*time.Second, "two of them past the gate and the rest waiting outside", func() bool { return d.Slots.Users() == many && d.Gate.Inside() == 2 })
		next(t, entered)
		next(t, entered)
		if kind := d.try(t, adaEmail, adaPassword, at("203.0.113.9")); kind != -1 {
			t.Errorf("another account: %v", kind)
		}
		goOn()
		for range many {
			if kind := next(t, kinds); kind != -1 {
				t.Errorf("one that waited: %v", kind)
			}
		}
		within(t, 10*time.Second, "no account is remembered when none signs in", func() bool { return d.Slots.Users() == 0 && d.Slots.Len() == 0 })
	})
}

// held blocks the hashes of a password, or all hashes if it is empty, until the test calls goOn.
func (d *desk) held(t *testing.T, only string) (entered chan struct{}, goOn func()) {
	entered = make(chan struct{}, 100)
	wait := make(chan struct{})
	goOn = sync.OnceFunc(func() { close(wait) })
	t.Cleanup(goOn) // a failed test leaves no blocked goroutine
	derive := d.Hasher.Derive
	d.Hasher.Derive = func(password, salt []byte, passes, memory uint32, threads uint8, size uint32) []byte {
		if only == "" || only == string(password) {
			entered <- struct{}{}
			<-wait
		}
		return derive(password, salt, passes, memory, threads, size)
	}
	return entered, goOn
}

// next receives from a channel, with a timeout.
func next[T any](t *testing.T, from <-chan T) (got T) {
	t.Helper()
	select {
	case got = <-from:
	case <-time.After(10 * time.Second):
		t.Fatal("nothing came in ten seconds")
	}
	return got
}

func TestAThirdSignInWaitsItsTurnAndAKnownBrowserHasItsOwn(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		d.change(t, func(c *services.Config) {
			c.Hasher = ratelimit.NewHasher(password.Params{MemoryKiB: 64, Time: 1, Threads: 1}, 8, 64, time.Minute)
		})
		d.Slots.Patience = time.Minute
		if kind := d.enter(t, adaPassword, with("hers", "192.0.2.1")); kind != -1 {
			t.Fatal(kind)
		}
		entered, goOn := d.held(t, "")
		begin := func(try func() auth.Kind) <-chan auth.Kind {
			kinds := make(chan auth.Kind, 1)
			go func() { kinds <- try() }()
			return kinds
		}
		guess := func(i int) <-chan auth.Kind {
			return begin(func() auth.Kind { return d.try(t, adaEmail, "not the password", at(fmt.Sprintf("198.51.100.%d", i))) })
		}
		hers := func(i int) <-chan auth.Kind {
			return begin(func() auth.Kind { return d.enter(t, adaPassword, with("hers", fmt.Sprintf("203.0.113.%d", i))) })
		}
		guesses := []<-chan auth.Kind{guess(1), guess(2)}
		next(t, entered)
		next(t, entered)
		d.Slots.Patience = time.Microsecond
		if kind := next(t, guess(9)); kind != auth.KindUnavailable {
			t.Errorf("a third one, out of patience: %v", kind)
		}
		signIn := hers(2)
		next(t, entered) // her browser does not wait for the guesses
		if kind := next(t, hers(3)); kind != auth.KindUnavailable {
			t.Errorf("her browser a second time, out of patience: %v", kind)
		}
		d.Slots.Patience = time.Minute
		guesses = append(guesses, guess(3)) // a third one that is patient
		goOn()
		if kind := next(t, signIn); kind != -1 {
			t.Errorf("her browser: %v", kind)
		}
		for i, kinds := range guesses {
			if kind := next(t, kinds); kind != auth.KindInvalidCredential {
				t.Errorf("guess %d: %v", i+1, kind)
			}
		}
	})
}

// A caller past a limit is refused at once, even while the account's slots are taken.
func TestWhatTheLimitsRefuseHoldsNoSlot(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		d.fail(t, ratelimit.MaxPairFailures, adaEmail, same("192.0.2.1"))
		entered, goOn := d.held(t, "")
		kinds := make(chan auth.Kind, 2)
		for i := range 2 {
			go func() { kinds <- d.try(t, adaEmail, adaPassword, at(fmt.Sprintf("198.51.100.%d", i))) }()
			next(t, entered)
		}
		d.Slots.Patience = time.Microsecond
		if kind := d.try(t, adaEmail, adaPassword, at("192.0.2.1")); kind != auth.KindRateLimited {
			t.Errorf("past the limit: %v", kind)
		}
		goOn()
		next(t, kinds)
		next(t, kinds)
	})
}

// However many sign in to one account, a bounded number waits. The others are refused at once.
func TestFewWaitForTheSameSlot(t *testing.T) {
	s := ratelimit.NewSlots()
	s.Patience = time.Minute
	free, err := s.Take(t.Context(), "ada", 1, func() {})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, ratelimit.SlotQueue)
	ctx, leave := context.WithCancel(t.Context())
	for range ratelimit.SlotQueue {
		go func() {
			_, err := s.Take(ctx, "ada", 1, func() {})
			ended <- err
		}()
	}
	within(t, 10*time.Second, "all of them waiting", func() bool { return s.Users() == 1+ratelimit.SlotQueue })
	past := make(chan error, 1)
	go func() {
		_, err := s.Take(ctx, "ada", 1, func() { t.Error("one more waits") })
		past <- err
	}()
	if err := next(t, past); !errors.Is(err, auth.ErrBusy) {
		t.Errorf("one more: %v", err)
	}
	if _, err := s.Take(t.Context(), "eve", 1, func() {}); err != nil {
		t.Errorf("another account: %v", err)
	}
	leave()
	for range ratelimit.SlotQueue {
		if err := next(t, ended); !errors.Is(err, context.Canceled) {
			t.Errorf("one that left: %v", err)
		}
	}
	free()
}

func TestAnAccountSignsInThirtyTimesInAWindowAndAHundredTimesADay(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		var hashes atomic.Int64
		derive := d.Hasher.Derive
		d.Hasher.Derive = func(password, salt []byte, passes, memory uint32, threads uint8, size uint32) []byte {
			hashes.Add(1)
			return derive(password, salt, passes, memory, threads, size)
		}
		signIns := func(most int, from auth.Caller) (n int, err error) {
			for n < most {
				if _, err = d.SignIn.Login(t.Context(), signin.LoginRequest{Email: adaEmail, Password: adaPassword, DeviceName: "phone", From: from}); err != nil {
					break
				}
				n++
			}
			return n, err
		}
		if kind := d.enter(t, adaPassword, with("hers", "192.0.2.1")); kind != -1 {
			t.Fatal(kind)
		}
		n, err := signIns(50, at("192.0.2.9"))
		if refusal := auth.AsError(err); n != ratelimit.MaxSignIns-1 || refusal.Kind != auth.KindRateLimited || refusal.RetryAfter != ratelimit.AttemptWindow {
			t.Errorf("%d sign-ins, then %v", n, err)
		}
		before := hashes.Load()
		if kind := d.try(t, adaEmail, adaPassword, at("203.0.113.1")); kind != auth.KindRateLimited || hashes.Load() != before {
			t.Errorf("past the budget: %v after %d hashes", kind, hashes.Load()-before)
		}
		if kind := d.enter(t, adaPassword, with("hers", "203.0.113.2")); kind != -1 {
			t.Errorf("a known browser has a budget of its own: %v", kind)
		}
		for want := 2 * ratelimit.MaxSignIns; want <= 3*ratelimit.MaxSignIns; want += ratelimit.MaxSignIns {
			d.advance(ratelimit.AttemptWindow)
			if n, _ := signIns(50, at("192.0.2.9")); n != ratelimit.MaxSignIns {
				t.Errorf("%d sign-ins in the next window", n)
			}
		}
		d.advance(ratelimit.AttemptWindow)
		n, err = signIns(50, at("192.0.2.9"))
		if refusal := auth.AsError(err); n != ratelimit.MaxSignInsDay-3*ratelimit.MaxSignIns || refusal.Kind != auth.KindRateLimited || refusal.RetryAfter != ratelimit.BudgetDay-3*ratelimit.AttemptWindow {
			t.Errorf("%d more sign-ins on that day, then %+v", n, refusal)
		}
		if _, err := d.Operator.SetPassword(t.Context(), adaEmail, "another fine day"); err != nil {
			t.Fatal(err)
		}
		if kind := d.try(t, adaEmail, "another fine day", at("192.0.2.9")); kind != -1 {
			t.Errorf("with a new password: %v", kind)
		}
	})
}

// Simultaneous sign-ins do not exceed the budget, although each was within it when it began.
func TestParallelSignInsStayWithinTheBudget(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		d.change(t, func(c *services.Config) { c.Budgets = ratelimit.Budgets{Window: 5, Day: 100} })
		var signedIn atomic.Int64
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				for {
					switch d.try(t, adaEmail, adaPassword, at("192.0.2.1")) {
					case -1:
						signedIn.Add(1)
					case auth.KindUnavailable:
						continue
					}
					return
				}
			})
		}
		all.Wait()
		if signedIn.Load() != 5 {
			t.Errorf("%d sign-ins", signedIn.Load())
		}
	})
}

// No network's limit applies to callers whose network is unknown, no account knows them by it, and they share one part of the gate.
func TestCallersFromAnUnknownNetwork(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		hidden := func(int) auth.Caller {
			from := at("10.0.0.9")
			from.NetworkUnknown = true
			return from
		}
		if kind := d.try(t, adaEmail, adaPassword, hidden(0)); kind != -1 {
			t.Fatal(kind)
		}
		for i := range 7 {
			d.fail(t, 10, fmt.Sprintf("invented%d@example.com", i), hidden)
		}
		if kind := d.try(t, adaEmail, adaPassword, hidden(0)); kind != -1 {
			t.Errorf("after 70 failures of others: %v", kind)
		}
		d.fail(t, ratelimit.MaxUserFailures, adaEmail, hidden)
		for name, from := range map[string]auth.Caller{"unknown": hidden(0), "the proxy itself": at("10.0.0.9")} {
			if kind := d.try(t, adaEmail, adaPassword, from); kind != auth.KindRateLimited {
				t.Errorf("past the account's limit, %s: %v", name, kind)
			}
		}
		var inside []func()
		for len(inside) <= 8 {
			leave, err := d.Gate.Admit(hidden(0))
			if errors.Is(err, auth.ErrBusy) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			inside = append(inside, leave)
		}
		if len(inside) != 8 { // twice the four workers
			t.Errorf("their part of the gate is %d", len(inside))
		}
		if leave, err := d.Gate.Admit(at("192.0.2.1")); err != nil {
			t.Errorf("a known network: %v", err)
		} else {
			leave()
		}
		for _, leave := range inside {
			leave()
		}
	})
}

// Several forms ask a signed-in person for the password again. They must not allow to keep the hashing busy either.
func TestAPasswordIsConfirmedThirtyTimesInAWindow(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		d.browse(t, "hers", "192.0.2.1")
		var hashes int
		derive := d.Hasher.Derive
		d.Hasher.Derive = func(password, salt []byte, passes, memory uint32, threads uint8, size uint32) []byte {
			hashes++
			return derive(password, salt, passes, memory, threads, size)
		}
		confirm := func(from auth.Caller) auth.Kind {
			err := d.Passwords.Confirm(t.Context(), d.ada, adaPassword, from)
			if err == nil {
				return -1
			}
			return auth.AsError(err).Kind
		}
		for i := range ratelimit.MaxConfirmations {
			if kind := confirm(with("his", fmt.Sprintf("198.51.100.%d", i))); kind != -1 {
				t.Fatalf("time %d: %v", i+1, kind)
			}
		}
		if kind := confirm(with("another", "198.51.100.200")); kind != auth.KindRateLimited || hashes != ratelimit.MaxConfirmations {
			t.Errorf("once more: %v after %d hashes", kind, hashes)
		}
		if kind := confirm(with("hers", "198.51.100.201")); kind != -1 {
			t.Errorf("a known browser has a budget of its own: %v", kind)
		}
		if kind := d.enter(t, adaPassword, at("198.51.100.202")); kind != -1 {
			t.Errorf("a sign-in: %v", kind)
		}
		d.advance(ratelimit.AttemptWindow)
		if kind := confirm(with("his", "198.51.100.1")); kind != -1 {
			t.Errorf("in the next window: %v", kind)
		}
	})
}

// A form that is sent again within a minute of its change costs a hash, too, and counts like a right password.
func TestARepeatedChangeOfPasswordCountsAsAConfirmation(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		_, by := d.browser(t, adaEmail, adaPassword)
		hers := with("hers", "192.0.2.1")
		change := account.PasswordChange{Confirmation: confirmed(adaPassword, hers), New: "a finer day on the lake"}
		if _, err := d.Accounts.ChangePassword(t.Context(), by, change); err != nil {
			t.Fatal(err)
		}
		by.User, _ = d.store.UserByID(t.Context(), by.User.ID)
		var hashes int
		derive := d.Hasher.Derive
		d.Hasher.Derive = func(password, salt []byte, passes, memory uint32, threads uint8, size uint32) []byte {
			hashes++
			return derive(password, salt, passes, memory, threads, size)
		}
		for range 2 * ratelimit.MaxConfirmations {
			n, err := d.Accounts.ChangePassword(t.Context(), by, change)
			if err != nil && auth.AsError(err).Kind != auth.KindRateLimited || err == nil && n != account.ChangedBefore {
				t.Fatalf("%d, %v", n, err)
			}
		}
		if hashes > ratelimit.MaxConfirmations || hashes < 10 {
			t.Errorf("%d repetitions cost %d hashes", 2*ratelimit.MaxConfirmations, hashes)
		}
		if kind := d.enter(t, change.New, at("198.51.100.202")); kind != -1 {
			t.Errorf("a sign-in: %v", kind)
		}
	})
}
