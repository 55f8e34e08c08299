package services_test

import (
	"fmt"
	"testing"
	"time"

	"latchkey/auth"
	"latchkey/auth/account"
	"latchkey/auth/browser"
	"latchkey/auth/ratelimit"
	"latchkey/auth/services"
	"latchkey/auth/signin"
	"latchkey/auth/token"
	"latchkey/models"
	"latchkey/models/modelstest"
)

func TestAllThatAnAccountKnowsSharesThirtyFailures(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		for _, mark := range []string{"one", "two", "three"} {
			if kind := d.enter(t, adaPassword, with(mark, "192.0.2.1")); kind != -1 {
				t.Fatal(kind)
			}
		}
		for i := range ratelimit.MaxKnownFailures {
			if kind := d.enter(t, "not the password", with([]string{"one", "two", "three"}[i%3], fmt.Sprintf("203.0.113.%d", i))); kind != auth.KindInvalidCredential {
				t.Fatalf("failure %d: %v", i+1, kind)
			}
		}
		for _, from := range []auth.Caller{with("one", "203.0.113.77"), with("two", "192.0.2.1"), at("192.0.2.1")} {
			if kind := d.enter(t, adaPassword, from); kind != auth.KindRateLimited {
				t.Errorf("past thirty, %+v: %v", from, kind)
			}
		}
		if kind := d.enter(t, adaPassword, with("four", "203.0.113.78")); kind != -1 {
			t.Errorf("a place that is new: %v", kind)
		}
	})
}

// A thief with the password signs in with one new mark after the other. He gains no guesses, and the account forgets all marks but
// the last ones.
func TestFarmedMarksGainNothing(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		d.change(t, func(c *services.Config) { c.MaxDevices = 3 }) // rows are not what is tested here
		for i := range 500 {
			if kind := d.enter(t, adaPassword, with(fmt.Sprint("farmed", i), "198.51.100.7")); kind != -1 {
				t.Fatalf("sign-in %d: %v", i+1, kind)
			}
			d.advance(ratelimit.BudgetDay / ratelimit.MaxSignInsDay)
		}
		known, guesses := 0, 0
		for i := range 500 {
			from := with(fmt.Sprint("farmed", i), "198.51.100.7")
			yes, err := store.KnownOrigin(t.Context(), d.ada.ID, [][]byte{d.Limits.BrowserOrigin(from)}, d.now().Add(-ratelimit.KnownFor))
			if err != nil {
				t.Fatal(err)
			}
			if yes {
				known++
			}
			if d.enter(t, "not the password", from) == auth.KindInvalidCredential {
				guesses++
			}
		}
		if known >= 20 || known < 15 || guesses > ratelimit.MaxKnownFailures {
			t.Errorf("%d marks are known, %d guesses were taken", known, guesses)
		}
	})
}

func TestANewPasswordForgetsTheThiefsBrowser(t *testing.T) {
	const fresh = "another fine day"
	for name, change := range map[string]func(t *testing.T, d *desk, hers *browser.Session){
		"changed by the owner": func(t *testing.T, d *desk, hers *browser.Session) {
			if _, err := d.Accounts.ChangePassword(t.Context(), hers, account.PasswordChange{Confirmation: confirmed(adaPassword, with("hers", "192.0.2.1")), New: fresh}); err != nil {
				t.Fatal(err)
			}
		},
		"reset by mail": func(t *testing.T, d *desk, _ *browser.Session) {
			server, seen := d.post(t), 0
			if err := d.Accounts.RequestPasswordReset(t.Context(), adaEmail, at("192.0.2.1")); err != nil {
				t.Fatal(err)
			}
			d.resetBy(t, d.toldAll(t, server, &seen)[0].Link, fresh, with("hers", "192.0.2.1"))
		},
		"set by an operator": func(t *testing.T, d *desk, _ *browser.Session) {
			if _, err := d.Operator.SetPassword(t.Context(), adaEmail, fresh); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
				d := newDesk(t, store)
				hers := d.browse(t, "hers", "192.0.2.1")
				d.browse(t, "his", "203.0.113.70")
				for range ratelimit.MaxKnownFailures { // he uses up the failures of known browsers
					d.enter(t, "not the password", with("his", "203.0.113.70"))
				}
				if kind := d.enter(t, adaPassword, with("hers", "192.0.2.1")); kind != auth.KindRateLimited {
					t.Fatalf("the limit of what is known does not hold: %v", kind)
				}
				d.attacked(t)
				if hers = d.lookedAtAgain(t, hers); name == "changed by the owner" {
					d.advance(ratelimit.AttemptWindow) // to be asked for the password at all
				}
				change(t, d, hers)
				if kind := d.enter(t, fresh, with("hers", "203.0.113.3")); kind != -1 {
					t.Errorf("her browser, the counts begun again: %v", kind)
				}
				if kind := d.try(t, adaEmail, fresh, at("203.0.113.5")); kind != -1 {
					t.Errorf("from elsewhere, the counts begun again: %v", kind)
				}
				known := map[string]bool{}
				for name, from := range map[string]auth.Caller{"his browser": with("his", "203.0.113.4"), "his network": at("203.0.113.70")} {
					yes, err := store.KnownOrigin(t.Context(), d.ada.ID, d.Limits.Origins(from)[len(d.Limits.Origins(from))-1:], d.now().Add(-ratelimit.KnownFor))
					if err != nil {
						t.Fatal(err)
					}
					known[name] = yes
				}
				if known["his browser"] || known["his network"] {
					t.Errorf("still known: %v", known)
				}
			})
		})
	}
}

// live reads the session of a cookie again.
func (d *desk) lookedAtAgain(t *testing.T, by *browser.Session) *browser.Session {
	t.Helper()
	user, err := d.store.UserByID(t.Context(), by.User.ID)
	if err != nil {
		t.Fatal(err)
	}
	return &browser.Session{Device: by.Device, User: user}
}

func TestTheKeyOfADeviceCountsAsItsMark(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		hers, his := newProver(t, 1), newProver(t, 2)
		signIn := func(p *prover, password, ip string) (token.Answer, auth.Kind) {
			answer, err := d.SignIn.Login(t.Context(), signin.LoginRequest{Email: adaEmail, Password: password, DeviceName: "phone", Proof: p.proof(&forkBench{desk: d, t: t}), From: at(ip)})
			if err != nil {
				return answer, auth.AsError(err).Kind
			}
			return answer, -1
		}
		device, kind := signIn(hers, adaPassword, "192.0.2.1")
		if kind != -1 {
			t.Fatal(kind)
		}
		d.attacked(t)
		d.advance(time.Minute)
		if _, kind := signIn(his, adaPassword, "203.0.113.1"); kind != auth.KindRateLimited {
			t.Errorf("another key: %v", kind)
		}
		if _, kind := signIn(hers, adaPassword, "203.0.113.2"); kind != -1 {
			t.Errorf("the key of her phone: %v", kind)
		}
		for i := range ratelimit.MaxKnownFailures {
			if _, kind := signIn(hers, "not the password", fmt.Sprintf("203.0.113.%d", i)); kind != auth.KindInvalidCredential {
				t.Fatalf("failure %d: %v", i+1, kind)
			}
		}
		if _, kind := signIn(hers, adaPassword, "203.0.113.3"); kind != auth.KindRateLimited {
			t.Errorf("past thirty failures: %v", kind)
		}
		d.advance(ratelimit.AttemptWindow)
		d.fail(t, ratelimit.MaxUserFailures, adaEmail, func(i int) auth.Caller { return at(fmt.Sprintf("198.51.100.%d", i/10)) })
		if _, err := d.Devices.RevokeOthers(t.Context(), &browser.Session{User: d.ada}, at("192.0.2.1")); err != nil || device.DeviceID == d.ada.ID {
			t.Fatal(err)
		}
		if _, kind := signIn(hers, adaPassword, "203.0.113.4"); kind != auth.KindRateLimited {
			t.Errorf("the key of a phone that was signed out: %v", kind)
		}
	})
}
