package services_test

import (
	"testing"
	"time"

	"latchkey/auth/browser"
	"latchkey/auth/operator"
	"latchkey/auth/services"
	"latchkey/auth/token"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// jumps are the ways in which a clock can be set.
var jumps = []time.Duration{time.Hour, 24 * time.Hour, 365 * 24 * time.Hour, -time.Hour, -24 * time.Hour, -365 * 24 * time.Hour}

// What this process remembered while its clock was wrong is read again.
func TestNothingRememberedOutlivesAClockThatWasWrong(t *testing.T) {
	for _, by := range jumps {
		t.Run(by.String(), func(t *testing.T) {
			modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
				d := newDesk(t, store)
				d.change(t, func(c *services.Config) {
					c.StatusTTL, c.StatusURL = 30*time.Second, "https://id.example.com/statuslists/"
				})
				phone := d.app(t, "phone")
				d.advance(by)
				if err := d.Keys.Load(t.Context()); err != nil {
					t.Fatal(err)
				}
				if _, err := d.Revocations.List(t.Context(), "0"); err != nil {
					t.Fatal(err)
				}
				if err := d.Operator.Ready(t.Context()); err != nil {
					t.Fatal(err)
				}
				d.advance(-by)
				claims, err := d.Tokens.Authenticate(phone.AccessToken, token.SchemeBearer, token.Proof{})
				if err != nil {
					t.Fatalf("the token's key is not known any more: %v", err)
				}
				if _, err := d.Devices.RevokeOthers(t.Context(), &browser.Session{User: d.ada}, at("192.0.2.1")); err != nil {
					t.Fatal(err)
				}
				if _, err := d.Revocations.List(t.Context(), "0"); err != nil {
					t.Fatal(err)
				}
				if !d.Revocations.Known(claims.Status) {
					t.Error("a sign-out of now is not in the status list")
				}
				signed := d.signedElsewhere(t, store)
				if _, err := d.Tokens.Verify(signed); err != nil {
					t.Errorf("a key that another replica made is not looked for: %v", err)
				}
			})
		})
	}
}

// The same applies to the retry window of a refresh.
func TestTheRetryWindowOfAWrongClockIsOver(t *testing.T) {
	for _, by := range jumps {
		t.Run(by.String(), func(t *testing.T) {
			modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
				d := newDesk(t, store)
				d.change(t, func(c *services.Config) { c.DeviceLifetime, c.DeviceIdle = 10*365*24*time.Hour, 10*365*24*time.Hour })
				presented := d.app(t, "phone").RefreshToken
				refresh := func() string {
					answer, err := d.Tokens.Refresh(t.Context(), token.RefreshRequest{Token: presented, From: at("192.0.2.1")})
					if err != nil {
						t.Fatal(err)
					}
					return answer.RefreshToken
				}
				d.advance(by)
				first := refresh()
				d.advance(-by)
				if copied := refresh(); copied == first {
					t.Error("the base is answered with the same token long after")
				}
				if first, retry := refresh(), refresh(); first != retry {
					t.Errorf("a retry within the window got another token")
				}
			})
		})
	}
}

func TestTheNumbersOfTheSupportDeskSurviveAWrongClock(t *testing.T) {
	for _, by := range jumps {
		t.Run(by.String(), func(t *testing.T) {
			modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
				d := newDesk(t, store)
				_, sam := d.staff(t)
				d.advance(by)
				if _, err := d.Support.DailyStats(t.Context(), sam); err != nil {
					t.Fatal(err)
				}
				d.advance(-by)
				d.app(t, "phone")
				n, err := d.Support.DailyStats(t.Context(), sam)
				if err != nil {
					t.Fatal(err)
				}
				if today := n.SignIns[len(n.SignIns)-1]; today < 1 {
					t.Errorf("sign-ins today: %d", today)
				}
			})
		})
	}
}

func TestReadinessIsAskedForAgainAfterAClockWasSetBack(t *testing.T) {
	for _, by := range jumps {
		modelstest.InTurnMigrated(t, func(t *testing.T, url string) {
			store, err := models.Open(t.Context(), models.Config{URL: url})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := store.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			d := newDesk(t, store)
			var elapsed time.Duration
			d.change(t, func(c *services.Config) { c.Elapsed = func() time.Duration { return elapsed } })
			d.advance(by)
			if err := d.Operator.Ready(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := store.Close(); err != nil {
				t.Fatal(err)
			}
			d.advance(-by)
			elapsed += 2 * operator.ReadyEvery
			if d.Operator.Ready(t.Context()) == nil {
				t.Errorf("%v: a database that is gone still answers, as far as is remembered", by)
			}
		})
	}
}
