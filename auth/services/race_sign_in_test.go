package services_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/ratelimit"
	"latchkey/auth/services"
	"latchkey/auth/token"
	"latchkey/models"
)

// Sign-ins, sign-outs and renames at both services, all for one name: the limit holds, no two live devices share a name, and the
// limit is the only reason for a refusal.
func TestRaceOfSignInsForTheLastPlaces(t *testing.T) {
	eachPair(t, func(t *testing.T, p *racePair) {
		const most = 5
		p.each(func(s *raced) { s.change(t, func(c *services.Config) { c.MaxDevices = most }) })
		for range raceRounds(p, 10) {
			o := p.owner(t)
			first := o.mustLogin(0, "phone")
			var apps, refused atomic.Int64
			raceTogether(16, func(i int) {
				switch {
				case i == 0:
					if err := p.on(1).Tokens.Revoke(t.Context(), token.RefreshRequest{Token: first.RefreshToken, From: raceFrom}); err != nil {
						t.Errorf("sign-out: %v", err)
					}
				case i < 4:
					if _, err := p.on(i).SignIn.LoginBrowser(t.Context(), browser.Login{Email: o.email, Password: racePassword, From: raceFrom}); err != nil {
						t.Errorf("browser: %v", err)
					}
				default:
					_, err := o.login(i, "phone")
					switch raceKind(err) {
					case -1:
						apps.Add(1)
					case auth.KindTooManyDevices:
						refused.Add(1)
					default:
						t.Errorf("app: %v", err)
					}
				}
			})
			// Four places at least, and a fifth for those after the sign-out.
			if n := apps.Load(); n < most-1 || n > most || n+refused.Load() != 12 {
				t.Errorf("%d of 12 apps signed in, %d were refused", n, refused.Load())
			}
			if live := o.raceLive(models.KindApp); len(live) != int(apps.Load()) {
				t.Errorf("live: %q after %d sign-ins", live, apps.Load())
			}
		}
	})
}

// Renames to one name race with sign-ins under that name and with revocations.
func TestRaceOfRenamesAgainstSignIns(t *testing.T) {
	eachPair(t, func(t *testing.T, p *racePair) {
		for round := range raceRounds(p, 10) {
			o := p.owner(t)
			answers := make([]token.Answer, 6)
			for i := range answers {
				answers[i] = o.mustLogin(i, "tablet")
			}
			raceTogether(12, func(i int) {
				if i >= 6 {
					if _, err := o.login(i, "phone"); err != nil {
						t.Errorf("sign-in: %v", err)
					}
					return
				}
				if i == 0 { // the one that is renamed too
					if _, err := p.on(round).Devices.Revoke(t.Context(), o.session, answers[0].DeviceID.String(), raceFrom); err != nil {
						t.Errorf("revoke: %v", err)
					}
				}
				d, err := p.on(i).Devices.Rename(t.Context(), o.session, answers[i].DeviceID.String(), "phone", raceFrom)
				if i == 0 && raceKind(err) == auth.KindNotFound {
					return
				}
				if err != nil || !strings.HasPrefix(d.Name, "phone") {
					t.Errorf("rename: %q, %v", d.Name, err)
				}
			})
			live := o.raceLive(models.KindApp)
			slices.Sort(live)
			if len(live) != 11 || live[0] != "phone" || slices.ContainsFunc(live, func(name string) bool { return !strings.HasPrefix(name, "phone") }) {
				t.Errorf("live: %q", live)
			}
		}
	})
}

// No sign-in and no renaming outlives the account's being disabled, or a new password, whichever service they meet.
func TestRaceOfSignInsAgainstTheEndOfThePassword(t *testing.T) {
	for name, end := range map[string]func(ctx context.Context, s *services.Services, o *raceOwner) error{
		"disabled": func(ctx context.Context, s *services.Services, o *raceOwner) error {
			_, err := s.Operator.Disable(ctx, o.email)
			return err
		},
		"replaced": func(ctx context.Context, s *services.Services, o *raceOwner) error {
			_, err := s.Operator.SetPassword(ctx, o.email, "another word for the tide")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachPair(t, func(t *testing.T, p *racePair) {
				var signedIn atomic.Int64
				for round := range raceRounds(p, 16) {
					o := p.owner(t)
					answers := make([]token.Answer, 6)
					var acknowledged atomic.Bool
					first := make(chan struct{}, len(answers))
					raceTogether(len(answers)+1, func(i int) {
						if i == len(answers) {
							if round%2 == 0 { // amid the sign-ins, not only at their beginning
								<-first
							}
							time.Sleep(rand.N(2 * time.Millisecond))
							if err := end(t.Context(), p.on(round).Services, o); err != nil {
								t.Errorf("end: %v", err)
							}
							acknowledged.Store(true)
							return
						}
						before := acknowledged.Load()
						answer, err := o.login(i, "phone")
						first <- struct{}{}
						switch kind := raceKind(err); {
						case kind == -1 && before:
							t.Error("signed in after the end was acknowledged")
						case kind == -1:
							answers[i] = answer
							signedIn.Add(1)
						case kind != auth.KindAccountDisabled && kind != auth.KindInvalidCredential:
							t.Errorf("sign-in: %v", err)
						}
					})
					for i, answer := range answers {
						if answer.RefreshToken == "" {
							continue
						}
						if _, err := p.refresh(t, i+1, answer.RefreshToken); err == nil || auth.AsError(err).Reason != token.ReasonRevoked {
							t.Errorf("a sign-in outlived it: %v", err)
						}
					}
					if live := o.raceLive(models.KindApp); len(live) != 0 {
						t.Errorf("live: %q", live)
					}
					p.advance(time.Hour) // failed sign-ins are not what is tested here
				}
				if signedIn.Load() == 0 {
					t.Error("nobody was signed in before the end: no race")
				}
			})
		})
	}
}

// Both services sweep while old devices' tokens come back and living ones refresh: only what is past retention goes.
func TestRaceOfSweepsAgainstRefreshes(t *testing.T) {
	eachPair(t, func(t *testing.T, p *racePair) {
		gone := p.owner(t)
		var old []token.Answer
		for i := range raceRounds(p, 80) {
			answer := gone.mustLogin(i, "phone")
			old = append(old, answer)
			if err := p.on(i).Tokens.Revoke(t.Context(), token.RefreshRequest{Token: answer.RefreshToken, From: raceFrom}); err != nil {
				t.Fatal(err)
			}
			p.advance(time.Minute)
		}
		if _, err := p.on(0).store.SweepCounters(t.Context(), p.on(0).now().Add(2*ratelimit.BudgetDay)); err != nil { // the counters are not what is swept here
			t.Fatal(err)
		}
		p.advance(401 * 24 * time.Hour) // devices and events alike are past retention
		o := p.owner(t)
		living := []token.Answer{o.mustLogin(0, "phone"), o.mustLogin(1, "phone"), o.mustLogin(0, "phone")}
		var swept atomic.Int64
		raceTogether(8, func(i int) {
			switch {
			case i < 4:
				n, err := p.on(i).Operator.Sweep(t.Context())
				if swept.Add(n); err != nil {
					t.Errorf("sweep: %v", err)
				}
			case i == 4:
				for n, answer := range old {
					if _, err := p.refresh(t, n, answer.RefreshToken); err == nil || auth.AsError(err).Kind != auth.KindInvalidGrant {
						t.Errorf("an old token: %v", err)
					}
				}
			default:
				for n := range 30 {
					next, err := p.refresh(t, n, living[i-5].RefreshToken)
					if err != nil {
						t.Errorf("a living device: %v", err)
						return
					}
					living[i-5] = next
				}
			}
		})
		// Of each old device the row, two events and its place in the status lists; of the owner's browser the row and its event; the account's event;
		// and the owner's network.
		if want := int64(4*len(old) + 4); swept.Load() != want {
			t.Errorf("%d rows were swept, want %d", swept.Load(), want)
		}
		if live := o.raceLive(models.KindApp); len(live) != 3 {
			t.Errorf("live: %q", live)
		}
	})
}
