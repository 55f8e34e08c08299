package services_test

import (
	"fmt"
	"os"
	"testing"

	"latchkey/auth"
	"latchkey/auth/ratelimit"
	"latchkey/auth/signin"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// A thief with the password makes himself known by many browsers and keys. Together they sign in no more often than a few could, and
// the owner's browser still does.
func TestKnownOriginsOfOneAccountShareABudget(t *testing.T) {
	const marks, keys = 12, 12
	// The budgets of a day are used up after four windows. More of them only find them so: with LATCHKEY_SOAK=1 there are six hours.
	windows := 8
	if os.Getenv("LATCHKEY_SOAK") != "" {
		windows = 24
	}
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
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
		if most := 2*ratelimit.MaxSignInsDay + marks*ratelimit.MaxOwnSignIns; total > most || total < ratelimit.MaxSignInsDay {
			t.Errorf("a thief signs in %d times in %d windows, at most %d times are allowed", total, windows, most)
		}
		if kind := byKey(hers, "203.0.113.1"); kind != auth.KindRateLimited {
			t.Errorf("keys have one budget together: %v", kind)
		}
		for i := range ratelimit.MaxOwnSignIns {
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

// The same for the password that a signed-in person is asked for again.
func TestKnownOriginsShareTheConfirmations(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		confirm := func(mark string) auth.Kind {
			if err := d.SignIn.ConfirmPassword(t.Context(), d.ada, adaPassword, with(mark, "192.0.2.1")); err != nil {
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
		if most := ratelimit.MaxConfirmations + 12*ratelimit.MaxOwnSignIns; total > most || total < ratelimit.MaxConfirmations {
			t.Errorf("%d confirmations, at most %d are allowed", total, most)
		}
		if kind := confirm("hers"); kind != -1 {
			t.Errorf("the owner's browser: %v", kind)
		}
	})
}
