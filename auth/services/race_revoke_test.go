package services_test

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/account"
	"latchkey/auth/device"
	"latchkey/auth/services"
	"latchkey/auth/token"
	"latchkey/models"
)

// raceActs are the ways to sign devices out. Each is done by service i for the owner's first device, or for all.
var raceActs = map[string]struct {
	all, portal bool // it ends every app of the account; it ends the portal's browser too
	do          func(o *raceOwner, s *services.Services, first token.Answer) error
}{
	"sign-out by the app (RFC 7009)": {do: func(o *raceOwner, s *services.Services, first token.Answer) error {
		return s.Tokens.Revoke(o.t.Context(), token.RefreshRequest{Token: first.RefreshToken, From: raceFrom})
	}},
	"sign-out by the access token": {do: func(o *raceOwner, s *services.Services, first token.Answer) error {
		claims, err := s.Tokens.Verify(first.AccessToken)
		if err != nil {
			return err
		}
		return s.Devices.RevokeByToken(o.t.Context(), device.TokenAct{Claims: claims, ID: "current", From: raceFrom})
	}},
	"revocation on the portal": {do: func(o *raceOwner, s *services.Services, first token.Answer) error {
		_, err := s.Devices.Revoke(o.t.Context(), o.session, first.DeviceID.String(), raceFrom)
		return err
	}},
	"revocation of all others": {all: true, do: func(o *raceOwner, s *services.Services, _ token.Answer) error {
		_, err := s.Devices.RevokeOthers(o.t.Context(), o.session, raceFrom)
		return err
	}},
	"change of password": {all: true, do: func(o *raceOwner, s *services.Services, _ token.Answer) error {
		_, err := s.Accounts.ChangePassword(o.t.Context(), o.session, account.PasswordChange{Confirmation: confirmed(racePassword, raceFrom), New: "another word for the tide"})
		return err
	}},
	"password set by an operator": {all: true, portal: true, do: func(o *raceOwner, s *services.Services, _ token.Answer) error {
		_, err := s.Operator.SetPassword(o.t.Context(), o.email, "another word for the tide")
		return err
	}},
	"disabling the account": {all: true, portal: true, do: func(o *raceOwner, s *services.Services, _ token.Answer) error {
		_, err := s.Operator.Disable(o.t.Context(), o.email)
		return err
	}},
	"sign-out by an operator": {all: true, portal: true, do: func(o *raceOwner, s *services.Services, _ token.Answer) error {
		_, err := s.Operator.SignOutUser(o.t.Context(), o.email)
		return err
	}},
}

// Three apps of one owner and one of another refresh at both services while one service signs some out. Once that
// was acknowledged no refresh of those succeeds anywhere, and the rest never notice.
func TestRaceOfRefreshesAgainstEveryWayOfSigningOut(t *testing.T) {
	eachPair(t, func(t *testing.T, p *racePair) {
		p.each(func(s *raced) {
			if err := s.Keys.Load(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
		p.lag.Store(int64(time.Second))
		for name, act := range raceActs {
			t.Run(name, func(t *testing.T) {
				var refreshed atomic.Int64
				for round := range raceRounds(p, 8) {
					o, stranger := p.owner(t), p.owner(t)
					answers := []token.Answer{o.mustLogin(0, "phone"), o.mustLogin(1, "phone"), o.mustLogin(0, "tablet"), stranger.mustLogin(1, "phone")}
					var acknowledged atomic.Bool
					var work sync.WaitGroup
					first := make(chan struct{}, len(answers))
					for i, answer := range answers {
						affected := i == 0 || act.all && i < 3
						work.Go(func() { refreshed.Add(p.raceRefreshes(t, answer, affected, &acknowledged, first)) })
					}
					if round%2 == 0 { // amid the refreshes, not only at their beginning
						<-first
					}
					time.Sleep(rand.N(6 * time.Millisecond))
					if err := act.do(o, p.on(round).Services, answers[0]); err != nil {
						t.Errorf("refused: %v", err)
					}
					acknowledged.Store(true)
					work.Wait()
					o.raceAfter(act.all, act.portal, answers)
				}
				if refreshed.Load() == 0 {
					t.Error("nothing was refreshed before it was signed out: no race")
				}
			})
		}
	})
}

// raceRefreshes refreshes at one service after the other: an affected device until it is refused, any other for a
// while longer than the act takes. It says when the first is over, and counts those before the acknowledgement.
func (p *racePair) raceRefreshes(t *testing.T, answer token.Answer, affected bool, acknowledged *atomic.Bool, first chan<- struct{}) (early int64) {
	t.Helper()
	for i, late := 0, 0; late < 4; i++ {
		before := acknowledged.Load()
		next, err := p.refresh(t, i, answer.RefreshToken)
		if i == 0 {
			first <- struct{}{}
		}
		switch {
		case err != nil && affected && auth.AsError(err).Reason == token.ReasonRevoked:
			return early
		case err != nil:
			t.Errorf("a refresh of a device (affected: %v) fails: %v", affected, err)
			return early
		case before && affected:
			t.Error("a refresh succeeds after the revocation was acknowledged")
			return early
		case before:
			late++
		default:
			early++
		}
		answer = next
	}
	return early
}

// raceAfter checks the rows, the events and the browser when everything is over.
func (o *raceOwner) raceAfter(all, portal bool, answers []token.Answer) {
	t := o.t
	t.Helper()
	store := o.on(0).store
	for i, answer := range answers[:3] {
		d, err := store.Device(t.Context(), o.session.User.ID, answer.DeviceID)
		if err != nil || (d.RevokedAt != nil) != (i == 0 || all) {
			t.Errorf("device %d is revoked at %v by %s (%v)", i, d.RevokedAt, d.RevokeReason, err)
		}
	}
	if _, err := o.on(0).Browsers.Authenticate(t.Context(), o.key, raceFrom); (err != nil) != portal {
		t.Errorf("the portal: %v", err)
	}
	events, err := store.Events(t.Context(), o.session.User.ID, models.EventCursor{}, 50)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[models.EventKind]int{}
	for _, e := range events {
		if kinds[e.Kind]++; e.Kind == models.EventSignOut && e.DeviceID != (uuid.NullUUID{UUID: answers[0].DeviceID, Valid: true}) {
			t.Errorf("a sign-out of another device: %+v", e)
		}
	}
	// The account, the browser and three apps, and one event for the act, whatever it signed out.
	if len(events) != 6 || kinds[models.EventSignIn] != 4 || kinds[models.EventAccountCreated] != 1 {
		t.Errorf("events %v", kinds)
	}
}

// Sixteen requests with one token, at both services: all get the same successor, and access tokens good at both.
func TestRaceOfRefreshesWithOneToken(t *testing.T) {
	eachPair(t, func(t *testing.T, p *racePair) {
		p.each(func(s *raced) {
			if err := s.Keys.Load(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
		o := p.owner(t)
		answer := o.mustLogin(0, "phone")
		for range raceRounds(p, 12) {
			next := make([]token.Answer, 16)
			raceTogether(len(next), func(i int) {
				var err error
				if next[i], err = p.refresh(t, i, answer.RefreshToken); err != nil {
					t.Error(err)
				}
			})
			for i, n := range next {
				if _, err := p.on(i + 1).Tokens.Verify(n.AccessToken); err != nil || n.RefreshToken != next[0].RefreshToken {
					t.Fatalf("answer %d is another one (%v)", i, err)
				}
			}
			answer = next[0]
		}
	})
}
