package auth

import (
	"testing"
	"time"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// jumps are what a clock may do when somebody sets it.
var jumps = []time.Duration{time.Hour, 24 * time.Hour, 365 * 24 * time.Hour, -time.Hour, -24 * time.Hour, -365 * 24 * time.Hour}

// Whatever this process remembered when its clock was wrong is asked for again.
func TestNothingRememberedOutlivesAClockThatWasWrong(t *testing.T) {
	for _, by := range jumps {
		t.Run(by.String(), func(t *testing.T) {
			modelstest.Each(t, func(t *testing.T, store *models.Store) {
				d := newDesk(t, store)
				d.StatusTTL, d.StatusURL = 30*time.Second, "https://id.example.com/statuslists/"
				phone := d.app(t, "phone")
				d.advance(by)
				if err := d.LoadKeys(t.Context()); err != nil {
					t.Fatal(err)
				}
				if _, err := d.StatusList(t.Context(), "0"); err != nil {
					t.Fatal(err)
				}
				if err := d.Ready(t.Context()); err != nil {
					t.Fatal(err)
				}
				d.advance(-by)
				claims, err := d.Authenticate(phone.AccessToken, SchemeBearer, Proof{})
				if err != nil {
					t.Fatalf("the token's key is not known any more: %v", err)
				}
				if _, err := d.RevokeOthers(t.Context(), &Session{User: d.ada}, at("192.0.2.1")); err != nil {
					t.Fatal(err)
				}
				if _, err := d.StatusList(t.Context(), "0"); err != nil {
					t.Fatal(err)
				}
				if !d.knownRevoked(claims) {
					t.Error("a sign-out of now is not in the status list")
				}
				if d.ringAt.After(d.now()) {
					if d.findKey("of another replica"); d.ringAt.After(d.now()) {
						t.Error("a key that another replica made is not looked for")
					}
				}
			})
		})
	}
}

// The retry window of a refresh is a window, too.
func TestTheRetryWindowOfAWrongClockIsOver(t *testing.T) {
	for _, by := range jumps {
		t.Run(by.String(), func(t *testing.T) {
			modelstest.Each(t, func(t *testing.T, store *models.Store) {
				d := newDesk(t, store)
				d.DeviceLifetime, d.DeviceIdle = 10*365*24*time.Hour, 10*365*24*time.Hour
				token := d.app(t, "phone").RefreshToken
				refresh := func() string {
					answer, err := d.Refresh(t.Context(), RefreshRequest{Token: token, From: at("192.0.2.1")})
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
			modelstest.Each(t, func(t *testing.T, store *models.Store) {
				d := newDesk(t, store)
				_, sam := d.staff(t)
				d.advance(by)
				if _, err := d.Numbers(t.Context(), sam); err != nil {
					t.Fatal(err)
				}
				d.advance(-by)
				d.app(t, "phone")
				n, err := d.Numbers(t.Context(), sam)
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
		modelstest.EachURL(t, func(t *testing.T, url string) {
			store, err := models.Open(t.Context(), models.Config{URL: url})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := store.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			d := newDesk(t, store)
			var elapsed time.Duration
			d.Elapsed = func() time.Duration { return elapsed }
			d.advance(by)
			if err := d.Ready(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := store.Close(); err != nil {
				t.Fatal(err)
			}
			d.advance(-by)
			elapsed += 2 * readyEvery
			if d.Ready(t.Context()) == nil {
				t.Errorf("%v: a database that is gone still answers, as far as is remembered", by)
			}
		})
	}
}
