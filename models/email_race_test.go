package models_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// racers runs all of them at once and returns their results.
func racers(fns ...func() error) []error {
	list := make([]error, len(fns))
	var all sync.WaitGroup
	gate := make(chan struct{})
	for i, fn := range fns {
		all.Go(func() {
			<-gate
			list[i] = fn()
		})
	}
	close(gate)
	all.Wait()
	return list
}

func TestOfTwentyUsesOfOneLinkOneCounts(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		if err := ask(t, s, u, "to b", noon); err != nil {
			t.Fatal(err)
		}
		var fns []func() error
		for i := range 20 {
			c := move(u, "to b", "b@example.org", noon)
			c.Former.Hash = hashOf(fmt.Sprint("back to a, ", i))
			fns = append(fns, func() error { return s.ChangeEmail(t.Context(), c) })
		}
		if won := winners(t, "confirm", racers(fns...)); won != 1 {
			t.Errorf("confirm: %d won", won)
		}
		var hash []byte
		if err := s.Pools()[0].QueryRowContext(t.Context(), "SELECT hash FROM former_addresses").Scan(&hash); err != nil {
			t.Fatal(err)
		}
		if n := count(t, s, "SELECT count(*) FROM former_addresses"); n != 1 {
			t.Fatalf("%d addresses were left", n)
		}
		back := undo("", noon)
		back.Hash, fns = hash, nil
		for range 20 {
			fns = append(fns, func() error {
				_, err := s.UndoEmailChange(t.Context(), back)
				return err
			})
		}
		if won := winners(t, "undo", racers(fns...)); won != 1 || user(t, s, u).EmailKey != u.EmailKey {
			t.Errorf("undo: %d won, %+v", won, user(t, s, u))
		}
		if all := kinds(t, s, u.ID); strings.Count(all, string(models.EventEmailChanged)) != 1 || strings.Count(all, string(models.EventEmailRestored)) != 1 {
			t.Errorf("events %s", all)
		}
	})
}

// winners counts the callers that won. The others must have got the expected refusal and no other error.
func winners(t *testing.T, what string, list []error) (won int) {
	t.Helper()
	for _, err := range list {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, models.ErrNotFound) && !errors.Is(err, models.ErrDuplicate):
			t.Errorf("%s: %v", what, err)
		}
	}
	return won
}

func TestOfTwoAccountsThatWantOneAddressOneGetsIt(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		for round := range 10 {
			to := fmt.Sprintf("wanted-%d@example.org", round)
			var fns []func() error
			for range 2 {
				u := addUser(t, s)
				if err := ask(t, s, u, "of "+u.EmailKey, noon); err != nil {
					t.Fatal(err)
				}
				fns = append(fns, func() error { return s.ChangeEmail(t.Context(), move(u, "of "+u.EmailKey, to, noon)) })
			}
			newcomer := models.User{ID: models.NewID(noon), Email: to, EmailKey: to, PasswordHash: password, Role: models.RoleUser, CreatedAt: noon}
			fns = append(fns, func() error {
				return s.AddUser(t.Context(), newcomer, event(models.EventAccountCreated, newcomer.ID, noon))
			})
			if won := winners(t, to, racers(fns...)); won != 1 {
				t.Errorf("round %d: %d won", round, won)
			}
			if n := count(t, s, fmt.Sprintf("SELECT count(*) FROM users WHERE email_key = '%s'", to)); n != 1 {
				t.Errorf("round %d: %d accounts have it", round, n)
			}
		}
	})
}

// A thief with another account tries to take the victim's address as soon as the victim leaves it.
func TestAnAddressIsHeldFromTheMomentInWhichItIsLeft(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		for round := range 20 {
			u, thief := addUser(t, s), addUser(t, s)
			if err := errors.Join(ask(t, s, u, "of "+u.EmailKey, noon), ask(t, s, thief, "of "+thief.EmailKey, noon)); err != nil {
				t.Fatal(err)
			}
			list := racers(
				func() error {
					return s.ChangeEmail(t.Context(), move(u, "of "+u.EmailKey, "away-"+u.EmailKey, noon))
				},
				func() error { return s.ChangeEmail(t.Context(), move(thief, "of "+thief.EmailKey, u.EmailKey, noon)) },
			)
			if list[0] != nil || !errors.Is(list[1], models.ErrDuplicate) {
				t.Fatalf("round %d: %v", round, list)
			}
			if _, err := s.UndoEmailChange(t.Context(), undo("back to "+u.EmailKey, noon)); err != nil || user(t, s, u).EmailKey != u.EmailKey {
				t.Fatalf("round %d: the owner cannot come back: %v", round, err)
			}
		}
	})
}

// Acts that end the account's links race with the use of a link. Either order is right, and there is no deadlock.
func TestConfirmationsRaceWithWhatEndsThem(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		for round := range 10 {
			for name, end := range map[string]func(u models.User) error{
				"disable": func(u models.User) error {
					_, err := s.DisableUser(t.Context(), u.ID, event(models.EventDisabled, u.ID, noon), models.MailWithLinks{})
					return err
				},
				"password": func(u models.User) error {
					_, err := s.ChangePassword(t.Context(), models.PasswordChange{UserID: u.ID, Proof: models.Proof{Verified: password}, Hash: "hash-2", At: noon, Event: event(models.EventPasswordChanged, u.ID, noon)})
					return err
				},
				"alarm": func(u models.User) error {
					_, err := s.ReportNotMe(t.Context(), models.NotMeReport{Purpose: "alarm", Hash: hashOf("alarm " + u.ID.String()), At: noon, Event: event(models.EventLocked, u.ID, noon)})
					return err
				},
			} {
				u := addUser(t, s)
				alarm := link(u, "alarm", "alarm "+u.ID.String(), noon)
				alarm.Subject = models.EveryDevice
				if err := errors.Join(ask(t, s, u, "of "+u.EmailKey, noon), s.AddMail(t.Context(), mailTo(u, "alarm", u.Email, noon, alarm))); err != nil {
					t.Fatal(err)
				}
				list := racers(
					func() error {
						return s.ChangeEmail(t.Context(), move(u, "of "+u.EmailKey, "to-"+u.EmailKey, noon))
					},
					func() error { return end(u) },
				)
				if list[1] != nil || list[0] != nil && !errors.Is(list[0], models.ErrNotFound) {
					t.Errorf("round %d, %s: %v", round, name, list)
				}
				if n := count(t, s, "SELECT count(*) FROM one_time_tokens WHERE purpose = 'email' AND used_at IS NULL"); n != 0 {
					t.Errorf("round %d, %s: a link is left", round, name)
				}
				if got := user(t, s, u); (got.EmailKey == u.EmailKey) != (list[0] != nil) {
					t.Errorf("round %d, %s: %v, and the address is %s", round, name, list[0], got.EmailKey)
				}
			}
		}
	})
}

// The owner uses both links at once: the one about the sign-in and the one about the address.
func TestAWayBackRacesWithAnAlarm(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		for round := range 20 {
			u := addUser(t, s)
			backToA := "back to " + u.EmailKey
			moved(t, s, u, "b-"+u.EmailKey, noon)
			alarm := link(u, "alarm", "alarm "+u.ID.String(), noon)
			alarm.Subject = models.EveryDevice
			if err := s.AddMail(t.Context(), mailTo(u, "alarm", u.Email, noon, alarm)); err != nil {
				t.Fatal(err)
			}
			list := racers(
				func() error { _, err := s.UndoEmailChange(t.Context(), undo(backToA, noon)); return err },
				func() error {
					_, err := s.ReportNotMe(t.Context(), models.NotMeReport{Purpose: "alarm", Hash: alarm.Hash, At: noon, Event: event(models.EventLocked, u.ID, noon)})
					return err
				},
			)
			if got := user(t, s, u); list[0] != nil || list[1] != nil && !errors.Is(list[1], models.ErrNotFound) || got.EmailKey != u.EmailKey || got.LockedAt == nil {
				t.Errorf("round %d: %v, %+v", round, list, got)
			}
		}
	})
}
