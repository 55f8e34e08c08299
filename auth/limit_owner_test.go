package auth

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// with is a caller's browser.
func with(mark, ip string) Caller {
	from := at(ip)
	from.Browser = mark
	return from
}

// enter signs in on a browser and tells the kind of refusal, or -1.
func (d *desk) enter(t *testing.T, password string, from Caller) Kind {
	t.Helper()
	_, err := d.LoginBrowser(t.Context(), BrowserLogin{Email: adaEmail, Password: password, From: from})
	if err == nil {
		return -1
	}
	return AsError(err).Kind
}

// attacked uses up the account's limit from many networks.
func (d *desk) attacked(t *testing.T) {
	t.Helper()
	d.fail(t, maxUserFailures, adaEmail, func(i int) Caller { return at(fmt.Sprintf("198.51.100.%d", i/10)) })
	if kind := d.try(t, adaEmail, adaPassword, at("203.0.113.99")); kind != KindRateLimited {
		t.Fatalf("the account's limit does not hold: %v", kind)
	}
}

// resetBy chooses a new password by mail.
func (d *desk) resetBy(t *testing.T, link, password string, from Caller) {
	t.Helper()
	if err := d.ResetPassword(t.Context(), link, password, from); err != nil {
		t.Fatal(err)
	}
}

func TestWhoSetsANewPasswordIsNotLockedOutByStrangers(t *testing.T) {
	const fresh = "another fine day"
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		server := d.post(t)
		var seen int
		d.attacked(t)
		if err := d.ForgotPassword(t.Context(), adaEmail, at("192.0.2.1")); err != nil {
			t.Fatal(err)
		}
		list, _ := d.told(t, server, &seen)
		d.resetBy(t, list[0].Link, fresh, with("hers", "192.0.2.1"))
		if kind := d.enter(t, fresh, with("hers", "192.0.2.1")); kind != -1 {
			t.Errorf("the browser that set it: %v", kind)
		}
		if kind := d.try(t, adaEmail, fresh, at("203.0.113.9")); kind != -1 {
			t.Errorf("from elsewhere, with the counts begun again: %v", kind)
		}
		d.advance(attemptWindow)
		d.fail(t, maxUserFailures, adaEmail, func(i int) Caller { return at(fmt.Sprintf("198.51.100.%d", i/10)) })
		for name, c := range map[string]struct {
			from Caller
			want Kind
		}{
			"the browser that set it, elsewhere": {with("hers", "203.0.113.1"), -1}, "a phone in the same house": {at("192.0.2.1"), -1},
			"somebody else": {at("203.0.113.2"), KindRateLimited},
		} {
			if kind := d.try(t, adaEmail, fresh, c.from); kind != c.want {
				t.Errorf("%s: %v, want %v", name, kind, c.want)
			}
		}
	})
}

func TestTheBrowserThatTookAnAddressBackOrSignedUpIsKnown(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		server := d.post(t)
		var seen int
		his := d.browse(t, "his", "198.51.100.7")
		d.told(t, server, &seen)
		if err := d.AskEmailChange(t.Context(), his, EmailRequest{Email: "thief@evil.example", Password: adaPassword, From: at("198.51.100.7")}); err != nil {
			t.Fatal(err)
		}
		list, _ := d.told(t, server, &seen)
		if _, err := d.ConfirmEmailChange(t.Context(), list[0].Link, adaPassword, at("198.51.100.7")); err != nil {
			t.Fatal(err)
		}
		list, _ = d.told(t, server, &seen)
		for _, l := range list {
			if l.Link != "" {
				if _, err := d.UndoEmailChange(t.Context(), l.Link, with("hers", "192.0.2.1")); err != nil {
					t.Fatal(err)
				}
			}
		}
		known := func(from Caller) bool {
			yes, err := store.KnownOrigin(t.Context(), d.ada.ID, d.places(from), d.now().Add(-homeFor))
			if err != nil {
				t.Fatal(err)
			}
			return yes
		}
		if !known(with("hers", "203.0.113.1")) || !known(at("192.0.2.1")) || known(with("his", "198.51.100.7")) {
			t.Errorf("after the undo: her browser %v, her network %v, his %v", known(with("hers", "203.0.113.1")), known(at("192.0.2.1")), known(with("his", "198.51.100.7")))
		}
		d.told(t, server, &seen)
		if err := d.Signup(t.Context(), SignupRequest{Email: "new@example.com", Password: adaPassword, From: at("192.0.2.50")}); err != nil {
			t.Fatal(err)
		}
		list, _ = d.told(t, server, &seen)
		if _, _, err := d.ConfirmSignup(t.Context(), list[0].Link, BrowserLogin{Password: adaPassword, From: with("new", "192.0.2.50")}); err != nil {
			t.Fatal(err)
		}
		d.fail(t, maxUserFailures, "new@example.com", func(i int) Caller { return at(fmt.Sprintf("198.51.100.%d", i/10)) })
		if kind := d.try(t, "new@example.com", adaPassword, with("new", "203.0.113.3")); kind != -1 {
			t.Errorf("the browser that signed up: %v", kind)
		}
	})
}

// Neither wrong passwords from the owner's own network nor those of others behind the same address lock the owner's browser out.
func TestAKnownBrowserPassesTheLimitsOfItsNetwork(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		if kind := d.enter(t, adaPassword, with("hers", "192.0.2.1")); kind != -1 {
			t.Fatal(kind)
		}
		d.fail(t, maxPairFailures, adaEmail, same("192.0.2.1"))
		if kind := d.try(t, adaEmail, adaPassword, at("192.0.2.1")); kind != KindRateLimited {
			t.Errorf("her network alone passes ten failures: %v", kind)
		}
		if kind := d.enter(t, adaPassword, with("hers", "192.0.2.1")); kind != -1 {
			t.Errorf("her browser after ten failures: %v", kind)
		}
		for i := range 8 {
			d.fail(t, 5, fmt.Sprintf("invented%d@example.com", i), same("192.0.2.1"))
		}
		if kind := d.try(t, "invented@example.com", "not the password", at("192.0.2.1")); kind != KindRateLimited {
			t.Fatalf("the network's limit does not hold: %v", kind)
		}
		if kind := d.enter(t, adaPassword, with("hers", "192.0.2.1")); kind != -1 {
			t.Errorf("her browser after fifty failures: %v", kind)
		}
	})
}

// At the limit of a network, an answer must not tell which accounts signed in there.
func TestAtANetworksLimitKnownAndUnknownAccountsAreAlike(t *testing.T) {
	modelstest.EachURL(t, func(t *testing.T, url string) {
		w := &work{}
		store, err := models.Open(t.Context(), models.Config{URL: url, OnStatement: func(sql string) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.statements = append(w.statements, sql)
		}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = store.Close() })
		if _, err := store.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		d := newDesk(t, store)
		if _, err := d.AddUser(t.Context(), "stranger@example.com", adaPassword, models.RoleUser); err != nil {
			t.Fatal(err)
		}
		if kind := d.enter(t, adaPassword, with("hers", "192.0.2.1")); kind != -1 {
			t.Fatal(kind)
		}
		for i := range 10 {
			d.fail(t, 5, fmt.Sprintf("invented%d@example.com", i), same("192.0.2.1"))
		}
		d.advance(time.Minute)
		for _, email := range []string{adaEmail, "stranger@example.com"} { // somebody is at both, which must not show either
			d.fail(t, maxUserFailures, email, func(i int) Caller { return at(fmt.Sprintf("198.51.100.%d", i/3)) })
		}
		before := d.eventsOf(t, d.ada.ID)
		var first *Error
		var statements []string
		for _, email := range []string{adaEmail, "nobody@example.com", "stranger@example.com", "invented1@example.com"} {
			for _, password := range []string{adaPassword, "not the password"} {
				w.take()
				_, err := d.Login(t.Context(), LoginRequest{Email: email, Password: password, DeviceName: "phone", From: at("192.0.2.1")})
				_, sent := w.take()
				var refusal *Error
				if !errors.As(err, &refusal) || refusal.Kind != KindRateLimited {
					t.Fatalf("%s: %v", email, err)
				}
				if first == nil {
					first, statements = refusal, sent
				}
				if diff := cmp.Diff(first, refusal) + cmp.Diff(statements, sent); diff != "" {
					t.Errorf("%s with %q: %s", email, password, diff)
				}
			}
		}
		if after := d.eventsOf(t, d.ada.ID); len(after) != len(before) {
			t.Errorf("%d events became %d", len(before), len(after))
		}
	})
}

func TestAllThatAnAccountKnowsSharesThirtyFailures(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		for _, mark := range []string{"one", "two", "three"} {
			if kind := d.enter(t, adaPassword, with(mark, "192.0.2.1")); kind != -1 {
				t.Fatal(kind)
			}
		}
		for i := range maxKnownFailures {
			if kind := d.enter(t, "not the password", with([]string{"one", "two", "three"}[i%3], fmt.Sprintf("203.0.113.%d", i))); kind != KindInvalidCredential {
				t.Fatalf("failure %d: %v", i+1, kind)
			}
		}
		for _, from := range []Caller{with("one", "203.0.113.77"), with("two", "192.0.2.1"), at("192.0.2.1")} {
			if kind := d.enter(t, adaPassword, from); kind != KindRateLimited {
				t.Errorf("past thirty, %+v: %v", from, kind)
			}
		}
		if kind := d.enter(t, adaPassword, with("four", "203.0.113.78")); kind != -1 {
			t.Errorf("a place that is new: %v", kind)
		}
	})
}

// A thief with the password signs in with one new mark after the other. That gains no more guesses, and is forgotten but for the last.
func TestFarmedMarksGainNothing(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		d.MaxDevices = 3 // rows are not what is tested here
		for i := range 500 {
			if kind := d.enter(t, adaPassword, with(fmt.Sprint("farmed", i), "198.51.100.7")); kind != -1 {
				t.Fatalf("sign-in %d: %v", i+1, kind)
			}
			d.advance(budgetDay / maxSignInsDay)
		}
		known, guesses := 0, 0
		for i := range 500 {
			from := with(fmt.Sprint("farmed", i), "198.51.100.7")
			yes, err := store.KnownOrigin(t.Context(), d.ada.ID, [][]byte{d.familiar(from)}, d.now().Add(-homeFor))
			if err != nil {
				t.Fatal(err)
			}
			if yes {
				known++
			}
			if d.enter(t, "not the password", from) == KindInvalidCredential {
				guesses++
			}
		}
		if known >= 20 || known < 15 || guesses > maxKnownFailures {
			t.Errorf("%d marks are known, %d guesses were taken", known, guesses)
		}
	})
}

func TestANewPasswordForgetsTheThiefsBrowser(t *testing.T) {
	const fresh = "another fine day"
	for name, change := range map[string]func(t *testing.T, d *desk, hers *Session){
		"changed by the owner": func(t *testing.T, d *desk, hers *Session) {
			if _, err := d.ChangePassword(t.Context(), hers, PasswordChange{Current: adaPassword, New: fresh, From: with("hers", "192.0.2.1")}); err != nil {
				t.Fatal(err)
			}
		},
		"set by an operator": func(t *testing.T, d *desk, _ *Session) {
			if _, err := d.SetPassword(t.Context(), adaEmail, fresh); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			modelstest.Each(t, func(t *testing.T, store *models.Store) {
				d := newDesk(t, store)
				hers := d.browse(t, "hers", "192.0.2.1")
				d.browse(t, "his", "203.0.113.70")
				for range maxKnownFailures { // he uses up what her browser may fail
					d.enter(t, "not the password", with("his", "203.0.113.70"))
				}
				if kind := d.enter(t, adaPassword, with("hers", "192.0.2.1")); kind != KindRateLimited {
					t.Fatalf("the limit of what is known does not hold: %v", kind)
				}
				d.attacked(t)
				if hers = d.lookedAtAgain(t, hers); name == "changed by the owner" {
					d.advance(attemptWindow) // to be asked for the password at all
				}
				change(t, d, hers)
				if kind := d.enter(t, fresh, with("hers", "203.0.113.3")); kind != -1 {
					t.Errorf("her browser, the counts begun again: %v", kind)
				}
				if kind := d.try(t, adaEmail, fresh, at("203.0.113.5")); kind != -1 {
					t.Errorf("from elsewhere, the counts begun again: %v", kind)
				}
				places := map[string]bool{}
				for name, from := range map[string]Caller{"his browser": with("his", "203.0.113.4"), "his network": at("203.0.113.70")} {
					yes, err := store.KnownOrigin(t.Context(), d.ada.ID, d.places(from)[len(d.places(from))-1:], d.now().Add(-homeFor))
					if err != nil {
						t.Fatal(err)
					}
					places[name] = yes
				}
				if places["his browser"] || places["his network"] {
					t.Errorf("still known: %v", places)
				}
			})
		})
	}
}

// live is a session as it would be after another look at the cookie.
func (d *desk) lookedAtAgain(t *testing.T, by *Session) *Session {
	t.Helper()
	user, err := d.store.UserByID(t.Context(), by.User.ID)
	if err != nil {
		t.Fatal(err)
	}
	return &Session{Device: by.Device, User: user}
}

func TestTheKeyOfADeviceCountsAsItsMark(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		hers, his := newProver(t, 1), newProver(t, 2)
		signIn := func(p *prover, password, ip string) (TokenAnswer, Kind) {
			answer, err := d.Login(t.Context(), LoginRequest{Email: adaEmail, Password: password, DeviceName: "phone", Proof: p.proof(&forkBench{desk: d, t: t}), From: at(ip)})
			if err != nil {
				return answer, AsError(err).Kind
			}
			return answer, -1
		}
		device, kind := signIn(hers, adaPassword, "192.0.2.1")
		if kind != -1 {
			t.Fatal(kind)
		}
		d.attacked(t)
		d.advance(time.Minute)
		if _, kind := signIn(his, adaPassword, "203.0.113.1"); kind != KindRateLimited {
			t.Errorf("another key: %v", kind)
		}
		if _, kind := signIn(hers, adaPassword, "203.0.113.2"); kind != -1 {
			t.Errorf("the key of her phone: %v", kind)
		}
		for i := range maxKnownFailures {
			if _, kind := signIn(hers, "not the password", fmt.Sprintf("203.0.113.%d", i)); kind != KindInvalidCredential {
				t.Fatalf("failure %d: %v", i+1, kind)
			}
		}
		if _, kind := signIn(hers, adaPassword, "203.0.113.3"); kind != KindRateLimited {
			t.Errorf("past thirty failures: %v", kind)
		}
		d.advance(attemptWindow)
		d.fail(t, maxUserFailures, adaEmail, func(i int) Caller { return at(fmt.Sprintf("198.51.100.%d", i/10)) })
		if _, err := d.RevokeOthers(t.Context(), &Session{User: d.ada}, at("192.0.2.1")); err != nil || device.DeviceID == d.ada.ID {
			t.Fatal(err)
		}
		if _, kind := signIn(hers, adaPassword, "203.0.113.4"); kind != KindRateLimited {
			t.Errorf("the key of a phone that was signed out: %v", kind)
		}
	})
}

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

// A clock that was wrong for a while neither locks anybody out once it is right nor tells them to wait for longer than a window.
func TestAClockThatWasWrongLocksNobodyOut(t *testing.T) {
	for _, by := range []time.Duration{time.Hour, 24 * time.Hour, 365 * 24 * time.Hour, -time.Hour, -24 * time.Hour, -365 * 24 * time.Hour} {
		t.Run(by.String(), func(t *testing.T) {
			modelstest.Each(t, func(t *testing.T, store *models.Store) {
				d := newDesk(t, store)
				d.advance(by)
				d.fail(t, maxPairFailures, adaEmail, same("192.0.2.1"))
				_, err := d.Login(t.Context(), LoginRequest{Email: adaEmail, Password: adaPassword, DeviceName: "phone", From: at("192.0.2.1")})
				if refusal := AsError(err); refusal.Kind != KindRateLimited || refusal.RetryAfter > attemptWindow {
					t.Errorf("while it is wrong: %v", err)
				}
				d.advance(-by)
				if kind := d.try(t, adaEmail, adaPassword, at("192.0.2.1")); kind != -1 {
					t.Errorf("once it is right: %v", kind)
				}
				d.fail(t, maxPairFailures, adaEmail, same("192.0.2.1"))
				if kind := d.try(t, adaEmail, adaPassword, at("192.0.2.1")); kind != KindRateLimited {
					t.Errorf("the limit does not hold any more: %v", kind)
				}
			})
		})
	}
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
