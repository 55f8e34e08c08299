package services_test

import (
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/ratelimit"
	"latchkey/auth/signin"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// A thief with the password makes many browsers and keys known. Together they sign in no more often than a few could, and the
// owner's browser still can.
func TestKnownOriginsOfOneAccountShareABudget(t *testing.T) {
	const marks, keys = 12, 12
	// The budgets of a day are used up after four windows. More of them only find them so: with LATCHKEY_SOAK=1 there are six hours.
	windows := 8
	if os.Getenv("LATCHKEY_SOAK") != "" {
		windows = 24
	}
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		bench := &forkBench{desk: d, t: t}
		byKey := func(p *prover, ip string) auth.Kind {
			_, err := d.SignIn.Login(t.Context(), signin.LoginRequest{Email: adaEmail, Password: adaPassword, DeviceName: "phone", Proof: p.proof(bench), From: at(ip)})
			if err == nil {
				return -1
			}
			return auth.AsError(err).Kind
		}
		hers := newProver(t, 200)
		if kind := byKey(hers, "192.0.2.1"); kind != -1 {
			t.Fatal(kind)
		}
		if kind := d.enter(t, adaPassword, with("hers", "192.0.2.1")); kind != -1 {
			t.Fatal(kind)
		}
		var thief []func() auth.Kind
		for i := range marks {
			thief = append(thief, func() auth.Kind { return d.enter(t, adaPassword, with(fmt.Sprint("his ", i), "198.51.100.1")) })
		}
		for i := range keys {
			p := newProver(t, byte(i+1))
			thief = append(thief, func() auth.Kind { return byKey(p, "198.51.100.1") })
		}
		total := 0
		for range windows {
			for _, signIn := range thief {
				for total < 1000 && signIn() == -1 {
					total++
				}
			}
			d.advance(ratelimit.AttemptWindow)
		}
		if most := 2*ratelimit.MaxSignInsDay + marks*ratelimit.MaxFallbackSignIns; total > most || total < ratelimit.MaxSignInsDay {
			t.Errorf("a thief signs in %d times in %d windows, at most %d times are allowed", total, windows, most)
		}
		if kind := byKey(hers, "203.0.113.1"); kind != auth.KindRateLimited {
			t.Errorf("keys have one budget together: %v", kind)
		}
		for i := range ratelimit.MaxFallbackSignIns {
			if kind := d.enter(t, adaPassword, with("hers", "203.0.113.1")); kind != -1 {
				t.Errorf("the owner's browser, time %d: %v", i+1, kind)
			}
		}
		if kind := d.enter(t, adaPassword, with("hers", "203.0.113.1")); kind != auth.KindRateLimited {
			t.Errorf("without end: %v", kind)
		}
		if _, err := d.Operator.SetPassword(t.Context(), adaEmail, "another fine day"); err != nil {
			t.Fatal(err)
		}
		if kind := d.enter(t, "another fine day", with("hers", "203.0.113.1")); kind != -1 {
			t.Errorf("with a new password: %v", kind)
		}
	})
}

// The same applies to confirmations of the password by a signed-in person.
func TestKnownOriginsShareTheConfirmations(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		confirm := func(mark string) auth.Kind {
			if err := d.Passwords.Confirm(t.Context(), d.ada, adaPassword, with(mark, "192.0.2.1")); err != nil {
				return auth.AsError(err).Kind
			}
			return -1
		}
		d.browse(t, "hers", "192.0.2.1")
		total := 0
		for i := range 12 {
			mark := fmt.Sprint("his ", i)
			d.browse(t, mark, "198.51.100.1")
			for total < 500 && confirm(mark) == -1 {
				total++
			}
		}
		if most := ratelimit.MaxConfirmations + 12*ratelimit.MaxFallbackSignIns; total > most || total < ratelimit.MaxConfirmations {
			t.Errorf("%d confirmations, at most %d are allowed", total, most)
		}
		if kind := confirm("hers"); kind != -1 {
			t.Errorf("the owner's browser: %v", kind)
		}
	})
}

// A thief who signs in with one new mark after the other does not make the account forget the owner's browser, which could then be kept
// out.
func TestNewOriginsDoNotDisplaceTheOldestOnes(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		if kind := d.enter(t, adaPassword, with("hers", "192.0.2.1")); kind != -1 {
			t.Fatal(kind)
		}
		d.advance(time.Minute)
		for window, n := 0, 0; window < 5 && n < ratelimit.MaxSignInsDay; window++ {
			for i := range 40 {
				if d.enter(t, adaPassword, with(fmt.Sprint("his ", window, " ", i), fmt.Sprintf("198.51.100.%d", i))) == -1 {
					n++
				}
			}
			d.advance(ratelimit.AttemptWindow)
		}
		if kind := d.enter(t, adaPassword, with("hers", "192.0.2.1")); kind != -1 {
			t.Errorf("the owner's browser: %v", kind)
		}
		origins := [][]byte{d.Limits.NetworkOrigin(at("192.0.2.1"))}
		if known, err := store.KnownOrigin(t.Context(), d.ada.ID, origins, d.now().Add(-ratelimit.KnownFor)); err != nil || !known {
			t.Errorf("the owner's network is known: %v, %v", known, err)
		}
	})
}

// An address that has several keys is looked up within the gate: past the gate it costs nothing.
func TestPastTheGateAnAddressCostsNoQuery(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		for i := 0; ; i++ {
			if _, err := d.Gate.Admit(at(fmt.Sprintf("203.0.113.%d", i%250))); errors.Is(err, auth.ErrBusy) {
				break
			}
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
		for _, email := range []string{"nobody@example.com", "nobody@bücher.example", "\ufeffnobody@example.com"} {
			_, byApp := d.SignIn.Login(t.Context(), signin.LoginRequest{Email: email, Password: adaPassword, DeviceName: "phone", From: at("192.0.2.1")})
			_, byBrowser := d.SignIn.LoginBrowser(t.Context(), browser.Login{Email: email, Password: adaPassword, From: at("192.0.2.1")})
			if !errors.Is(byApp, auth.ErrBusy) || !errors.Is(byBrowser, auth.ErrBusy) {
				t.Errorf("%q: %v, %v", email, byApp, byBrowser)
			}
		}
	})
}
