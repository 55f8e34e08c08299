package auth

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// One account that signs in from many addresses all the time has two sign-ins under way, and keeps nobody else out.
func TestOneAccountHasTwoSignInsUnderWay(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		d.budgets = budgets{1 << 40, 1 << 40}
		if _, err := d.AddUser(t.Context(), "eve@example.com", adaPassword, models.RoleUser); err != nil {
			t.Fatal(err)
		}
		var under, most atomic.Int64
		derive := d.hasher.derive
		d.hasher.derive = func(password, salt []byte, passes, memory uint32, threads uint8, size uint32) []byte {
			if n := under.Add(1); n > most.Load() {
				most.Store(n)
			}
			defer under.Add(-1)
			return derive(password, salt, passes, memory, threads, size)
		}
		ctx, stop := context.WithCancel(t.Context())
		var loops sync.WaitGroup
		done := make(chan struct{}, 4)
		for i := range 80 {
			loops.Go(func() {
				for ctx.Err() == nil {
					_, err := d.Login(ctx, LoginRequest{Email: "eve@example.com", Password: adaPassword, DeviceName: "phone", From: at(fmt.Sprintf("198.51.100.%d", i%9))})
					if err == nil {
						select {
						case done <- struct{}{}:
						default:
						}
					}
				}
			})
		}
		for range cap(done) {
			<-done
		}
		for i := range 5 {
			if leave, err := d.door.enter(at(fmt.Sprintf("203.0.113.%d", i))); err != nil {
				t.Errorf("somebody else before the door: %v", err)
			} else {
				leave()
			}
		}
		highest := most.Load()
		if kind := d.try(t, adaEmail, adaPassword, at("203.0.113.9")); kind != -1 {
			t.Errorf("somebody else: %v", kind)
		}
		stop()
		loops.Wait()
		if highest > slotsOfAccount {
			t.Errorf("%d passwords of one account were hashed at a time", highest)
		}
		if len(d.slots.of) != 0 {
			t.Errorf("%d accounts are remembered when none signs in", len(d.slots.of))
		}
	})
}

// held blocks every hash until the test lets it go on.
func (d *desk) held() (entered chan struct{}, goOn chan struct{}) {
	entered, goOn = make(chan struct{}, 100), make(chan struct{})
	derive := d.hasher.derive
	d.hasher.derive = func(password, salt []byte, passes, memory uint32, threads uint8, size uint32) []byte {
		entered <- struct{}{}
		<-goOn
		return derive(password, salt, passes, memory, threads, size)
	}
	return entered, goOn
}

func TestAThirdSignInWaitsItsTurnAndAKnownBrowserHasItsOwn(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		d.hasher = newHasher(HashParams{MemoryKiB: 64, Time: 1, Threads: 1}, 8, 64, time.Minute)
		d.slots.patience = time.Minute
		if kind := d.enter(t, adaPassword, with("hers", "192.0.2.1")); kind != -1 {
			t.Fatal(kind)
		}
		entered, goOn := d.held()
		var all sync.WaitGroup
		kinds := make(chan Kind, 10)
		guess := func(i int) {
			all.Go(func() { kinds <- d.try(t, adaEmail, "not the password", at(fmt.Sprintf("198.51.100.%d", i))) })
		}
		guess(1)
		guess(2)
		<-entered
		<-entered
		d.slots.patience = time.Microsecond
		if kind := d.try(t, adaEmail, adaPassword, at("203.0.113.1")); kind != KindUnavailable {
			t.Errorf("a third one, out of patience: %v", kind)
		}
		d.slots.patience = time.Minute
		all.Go(func() { kinds <- d.enter(t, adaPassword, with("hers", "203.0.113.2")) })
		<-entered // her browser does not wait for the guesses
		guess(3)  // a third one that is patient
		close(goOn)
		all.Wait()
		close(kinds)
		got := map[Kind]int{}
		for kind := range kinds {
			got[kind]++
		}
		if got[-1] != 1 || got[KindInvalidCredential] != 3 {
			t.Errorf("%v", got)
		}
	})
}

// Whoever is past a limit is told so at once, even while the account's turns are taken.
func TestWhatTheLimitsRefuseHoldsNoSlot(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		d.fail(t, maxPairFailures, adaEmail, same("192.0.2.1"))
		entered, goOn := d.held()
		var all sync.WaitGroup
		for i := range slotsOfAccount {
			all.Go(func() { d.try(t, adaEmail, adaPassword, at(fmt.Sprintf("198.51.100.%d", i))) })
			<-entered
		}
		if kind := d.try(t, adaEmail, adaPassword, at("192.0.2.1")); kind != KindRateLimited {
			t.Errorf("past the limit: %v", kind)
		}
		close(goOn)
		all.Wait()
	})
}

func TestAnAccountSignsInThirtyTimesInAWindowAndAHundredTimesADay(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		var hashes atomic.Int64
		derive := d.hasher.derive
		d.hasher.derive = func(password, salt []byte, passes, memory uint32, threads uint8, size uint32) []byte {
			hashes.Add(1)
			return derive(password, salt, passes, memory, threads, size)
		}
		signIns := func(most int, from Caller) (n int, err error) {
			for n < most {
				if _, err = d.Login(t.Context(), LoginRequest{Email: adaEmail, Password: adaPassword, DeviceName: "phone", From: from}); err != nil {
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
		if refusal := AsError(err); n != maxSignIns-1 || refusal.Kind != KindRateLimited || refusal.RetryAfter != attemptWindow {
			t.Errorf("%d sign-ins, then %v", n, err)
		}
		before := hashes.Load()
		if kind := d.try(t, adaEmail, adaPassword, at("203.0.113.1")); kind != KindRateLimited || hashes.Load() != before {
			t.Errorf("past the budget: %v after %d hashes", kind, hashes.Load()-before)
		}
		if kind := d.enter(t, adaPassword, with("hers", "203.0.113.2")); kind != -1 {
			t.Errorf("a known browser has a budget of its own: %v", kind)
		}
		for want := 2 * maxSignIns; want <= 3*maxSignIns; want += maxSignIns {
			d.advance(attemptWindow)
			if n, _ := signIns(50, at("192.0.2.9")); n != maxSignIns {
				t.Errorf("%d sign-ins in the next window", n)
			}
		}
		d.advance(attemptWindow)
		n, err = signIns(50, at("192.0.2.9"))
		if refusal := AsError(err); n != maxSignInsDay-3*maxSignIns || refusal.Kind != KindRateLimited || refusal.RetryAfter != budgetDay-3*attemptWindow {
			t.Errorf("%d more sign-ins on that day, then %+v", n, refusal)
		}
		if _, err := d.SetPassword(t.Context(), adaEmail, "another fine day"); err != nil {
			t.Fatal(err)
		}
		if kind := d.try(t, adaEmail, "another fine day", at("192.0.2.9")); kind != -1 {
			t.Errorf("with a new password: %v", kind)
		}
	})
}

// Sign-ins at the same moment do not pass the budget either, whatever they were told before.
func TestParallelSignInsStayWithinTheBudget(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		d.budgets = budgets{window: 5, day: 100}
		var signedIn atomic.Int64
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				for {
					switch d.try(t, adaEmail, adaPassword, at("192.0.2.1")) {
					case -1:
						signedIn.Add(1)
					case KindUnavailable:
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

// Callers whose network is unknown have no network's limit, are never known by it, and share one part of the door.
func TestCallersFromAnUnknownNetwork(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		hidden := func(int) Caller {
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
		d.fail(t, maxUserFailures, adaEmail, hidden)
		for name, from := range map[string]Caller{"unknown": hidden(0), "the proxy itself": at("10.0.0.9")} {
			if kind := d.try(t, adaEmail, adaPassword, from); kind != KindRateLimited {
				t.Errorf("past the account's limit, %s: %v", name, kind)
			}
		}
		var inside []func()
		for range d.door.share {
			leave, err := d.door.enter(hidden(0))
			if err != nil {
				t.Fatal(err)
			}
			inside = append(inside, leave)
		}
		if _, err := d.door.enter(hidden(0)); !errors.Is(err, errHasherBusy) {
			t.Errorf("past their part of the door: %v", err)
		}
		if leave, err := d.door.enter(at("192.0.2.1")); err != nil {
			t.Errorf("a known network: %v", err)
		} else {
			leave()
		}
		for _, leave := range inside {
			leave()
		}
	})
}

// A signed-in person is asked for the password again on several forms. They are no means to keep the hashing busy either.
func TestAPasswordIsConfirmedThirtyTimesInAWindow(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		d.browse(t, "hers", "192.0.2.1")
		var hashes int
		derive := d.hasher.derive
		d.hasher.derive = func(password, salt []byte, passes, memory uint32, threads uint8, size uint32) []byte {
			hashes++
			return derive(password, salt, passes, memory, threads, size)
		}
		confirm := func(from Caller) Kind {
			err := d.confirmPassword(t.Context(), d.ada, adaPassword, from)
			if err == nil {
				return -1
			}
			return AsError(err).Kind
		}
		for i := range maxConfirmations {
			if kind := confirm(with("his", fmt.Sprintf("198.51.100.%d", i))); kind != -1 {
				t.Fatalf("time %d: %v", i+1, kind)
			}
		}
		if kind := confirm(with("another", "198.51.100.200")); kind != KindRateLimited || hashes != maxConfirmations {
			t.Errorf("once more: %v after %d hashes", kind, hashes)
		}
		if kind := confirm(with("hers", "198.51.100.201")); kind != -1 {
			t.Errorf("a known browser has a budget of its own: %v", kind)
		}
		if kind := d.enter(t, adaPassword, at("198.51.100.202")); kind != -1 {
			t.Errorf("a sign-in: %v", kind)
		}
		d.advance(attemptWindow)
		if kind := confirm(with("his", "198.51.100.1")); kind != -1 {
			t.Errorf("in the next window: %v", kind)
		}
	})
}

// A form that is sent again within a minute of its change is known by a hash, too: it counts like any password that was right.
func TestARepeatedChangeOfPasswordCountsAsAConfirmation(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		_, by := d.browser(t, adaEmail, adaPassword)
		hers := with("hers", "192.0.2.1")
		change := PasswordChange{Current: adaPassword, New: "a finer day on the lake", From: hers}
		if _, err := d.ChangePassword(t.Context(), by, change); err != nil {
			t.Fatal(err)
		}
		by.User, _ = d.store.UserByID(t.Context(), by.User.ID)
		var hashes int
		derive := d.hasher.derive
		d.hasher.derive = func(password, salt []byte, passes, memory uint32, threads uint8, size uint32) []byte {
			hashes++
			return derive(password, salt, passes, memory, threads, size)
		}
		for range 2 * maxConfirmations {
			n, err := d.ChangePassword(t.Context(), by, change)
			if err != nil && AsError(err).Kind != KindRateLimited || err == nil && n != ChangedBefore {
				t.Fatalf("%d, %v", n, err)
			}
		}
		if hashes > maxConfirmations || hashes < 10 {
			t.Errorf("%d repetitions cost %d hashes", 2*maxConfirmations, hashes)
		}
		if kind := d.enter(t, change.New, at("198.51.100.202")); kind != -1 {
			t.Errorf("a sign-in: %v", kind)
		}
	})
}
