package services_test

import (
	"testing"
	"time"

	"latchkey/auth"
	"latchkey/auth/ratelimit"
	"latchkey/auth/services"
	"latchkey/auth/signin"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// After a clock was wrong for a while, no person is locked out, and the wait is never longer than a window.
func TestAClockThatWasWrongLocksNobodyOut(t *testing.T) {
	for _, by := range []time.Duration{time.Hour, 24 * time.Hour, 365 * 24 * time.Hour, -time.Hour, -24 * time.Hour, -365 * 24 * time.Hour} {
		t.Run(by.String(), func(t *testing.T) {
			modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
				d := newDesk(t, store)
				d.advance(by)
				d.fail(t, ratelimit.MaxPairFailures, adaEmail, same("192.0.2.1"))
				_, err := d.SignIn.Login(t.Context(), signin.LoginRequest{Email: adaEmail, Password: adaPassword, DeviceName: "phone", From: at("192.0.2.1")})
				if refusal := auth.AsError(err); refusal.Kind != auth.KindRateLimited || refusal.RetryAfter > ratelimit.AttemptWindow {
					t.Errorf("while it is wrong: %v", err)
				}
				d.advance(-by)
				if kind := d.try(t, adaEmail, adaPassword, at("192.0.2.1")); kind != -1 {
					t.Errorf("once it is right: %v", kind)
				}
				d.fail(t, ratelimit.MaxPairFailures, adaEmail, same("192.0.2.1"))
				if kind := d.try(t, adaEmail, adaPassword, at("192.0.2.1")); kind != auth.KindRateLimited {
					t.Errorf("the limit does not hold any more: %v", kind)
				}
			})
		})
	}
}

// Another replica's clock may be some seconds ahead. Its window then ends later than a window lasts.
func TestNobodyIsToldToWaitForLongerThanAWindow(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		d.post(t)
		d.change(t, func(c *services.Config) { c.Budgets = ratelimit.Budgets{Window: 1, Day: 1} })
		d.advance(5 * time.Second)
		d.fail(t, ratelimit.MaxPairFailures, adaEmail, same("192.0.2.1"))
		for range ratelimit.MaxForgotten {
			if err := d.Accounts.RequestPasswordReset(t.Context(), adaEmail, at("192.0.2.1")); err != nil {
				t.Fatal(err)
			}
		}
		d.advance(-5 * time.Second)
		_, err := d.SignIn.Login(t.Context(), signin.LoginRequest{Email: adaEmail, Password: adaPassword, DeviceName: "phone", From: at("192.0.2.1")})
		for name, err := range map[string]error{"a sign-in": err, "a forgotten password": d.Accounts.RequestPasswordReset(t.Context(), adaEmail, at("192.0.2.2"))} {
			if refusal := auth.AsError(err); refusal.Kind != auth.KindRateLimited || refusal.RetryAfter <= 0 || refusal.RetryAfter > ratelimit.AttemptWindow {
				t.Errorf("%s: %v, after %v", name, err, refusal.RetryAfter)
			}
		}
	})
}

// Counters of successful acts, and of requests by strangers, also end when the clock is set right.
func TestAClockThatWasAheadLeavesNoBudgetUsedUp(t *testing.T) {
	for _, by := range []time.Duration{time.Hour, 365 * 24 * time.Hour} {
		modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
			d := newDesk(t, store)
			d.post(t)
			d.change(t, func(c *services.Config) { c.Budgets = ratelimit.Budgets{Window: 2, Day: 2} })
			use := func(when string) {
				t.Helper()
				for i := range 2 {
					if kind := d.try(t, adaEmail, adaPassword, at("192.0.2.1")); kind != -1 {
						t.Errorf("%v ahead, %s, sign-in %d: %v", by, when, i+1, kind)
					}
				}
				for i := range ratelimit.MaxForgotten {
					if err := d.Accounts.RequestPasswordReset(t.Context(), adaEmail, at("192.0.2.1")); err != nil {
						t.Errorf("%v ahead, %s, mail %d: %v", by, when, i+1, err)
					}
				}
				if kind := d.try(t, adaEmail, adaPassword, at("192.0.2.1")); kind != auth.KindRateLimited {
					t.Errorf("%v ahead, %s, past the budget: %v", by, when, kind)
				}
			}
			d.advance(by)
			use("while it is")
			d.advance(-by)
			use("once it is right")
		})
	}
}
