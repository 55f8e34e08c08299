package models_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// confirmedActs are the acts that use a proof in their own transaction.
func confirmedActs(t testing.TB, s *models.Store) map[string]func(u models.User, p models.Proof, at time.Time) error {
	return map[string]func(u models.User, p models.Proof, at time.Time) error{
		"a new password": func(u models.User, p models.Proof, at time.Time) error {
			_, err := s.ChangePassword(t.Context(), models.PasswordChange{
				UserID: u.ID, Proof: p, Hash: password, At: at, By: models.ActorOwner, Event: event(models.EventPasswordChanged, u.ID, at),
			})
			return err
		},
		"a new address": func(u models.User, p models.Proof, at time.Time) error {
			return s.AskEmailChange(t.Context(), models.EmailRequest{
				UserID: u.ID, Proof: p, At: at, Event: event(models.EventEmailAsked, u.ID, at), Mail: mailTo(u, "asked", "new", at),
			})
		},
		"the end of ways back": func(u models.User, p models.Proof, at time.Time) error {
			_, err := s.EndWaysBack(t.Context(), event(models.EventWaysBackEnded, u.ID, at), p)
			return err
		},
		"a download": func(u models.User, p models.Proof, at time.Time) error {
			return s.AddConfirmedEvent(t.Context(), event(models.EventDataDownloaded, u.ID, at), p)
		},
		"a deletion": func(u models.User, p models.Proof, at time.Time) error {
			return s.DeleteUser(t.Context(), models.Deletion{
				UserID: u.ID, Proof: p, Now: func() time.Time { return at }, Event: event(models.EventAccountDeleted, u.ID, at),
				Seal: func([]string) []byte { return sealed },
			})
		},
		"everything since": func(u models.User, p models.Proof, at time.Time) error {
			var list []models.Device
			for _, name := range []string{"keep", "x"} {
				n := signIn(u.ID, models.KindBrowser, name, at)
				n.FactorsVersion = factorsVersion(t, s, u)
				list = append(list, add(t, s, n))
			}
			r := sinceOf(list[1], list[0].ID, at)
			r.Proof = &p
			_, err := s.RevokeSince(t.Context(), r)
			return err
		},
	}
}

func TestAnActIsConditionalOnWhatConfirmedIt(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		for name, act := range confirmedActs(t, s) {
			u := addUser(t, s)
			app := addFactors(t, s, u, noon, authenticatorApp())[0]
			used := useOf(app, noon)
			if err := s.UseFactor(t.Context(), u.ID, 1, used, nil); err != nil {
				t.Fatal(err)
			}
			fresh := useOf(app, noon)
			fresh.Step = 101
			for what, c := range map[string]struct {
				proof models.Proof
				want  error
			}{
				"the factors from before": {models.Proof{Verified: password, Version: 0, Factor: &fresh}, models.ErrChanged},
				"another password":        {models.Proof{Verified: "another", Version: 1, Factor: &fresh}, models.ErrChanged},
				"a used code":             {models.Proof{Verified: password, Version: 1, Factor: &used}, models.ErrUsed},
			} {
				if err := act(u, c.proof, noon); !errors.Is(err, c.want) {
					t.Errorf("%s with %s: %v, want %v", name, what, err, c.want)
				}
			}
			if got := factorOf(t, s, u, models.FactorTOTP).LastStep; got != 100 {
				t.Errorf("%s: a refused act used step %d", name, got)
			}
			if err := act(u, models.Proof{Verified: password, Version: 1, Factor: &fresh}, noon); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// Many acts race with one code and one challenge: one is done.
func TestOneProofConfirmsOneAct(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		act := confirmedActs(t, s)["a download"]
		u := addUser(t, s)
		key := addFactors(t, s, u, noon, passkey("laptop"))[0]
		var done, used atomic.Int64
		together(20, func(int) {
			use := useOf(key, noon)
			p := models.Proof{Verified: password, Version: 1, Factor: &use, Challenge: &models.ChallengeUse{Hash: hashOf("challenge"), Purpose: "confirmation", ExpiresAt: noon.Add(time.Hour), Sealed: true}}
			switch err := act(u, p, noon); {
			case err == nil:
				done.Add(1)
			case errors.Is(err, models.ErrUsed):
				used.Add(1)
			default:
				t.Error(err)
			}
		})
		if done.Load() != 1 || used.Load() != 19 {
			t.Errorf("%d done, %d refused", done.Load(), used.Load())
		}
	})
}

func TestANewAddressIsConfirmedOnlyWithTheFactorsOfItsRequest(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		if err := ask(t, s, u, "asked before", noon); err != nil {
			t.Fatal(err)
		}
		addFactors(t, s, u, noon, authenticatorApp())
		change := models.EmailChange{
			Link: hashOf("asked before"), UserID: u.ID, From: u.EmailKey, Verified: password, Email: "new", EmailKey: "new-" + u.EmailKey, At: noon,
			Event: event(models.EventEmailChanged, u.ID, noon), Former: models.FormerAddress{Hash: hashOf(uuid.NewString()), UserID: u.ID, Email: u.Email, EmailKey: u.EmailKey, CreatedAt: noon, ExpiresAt: noon.Add(time.Hour)},
			UndoMail: mailTo(u, "undo", u.Email, noon), LeftMail: mailTo(u, "left", u.Email, noon), NewMail: mailTo(u, "news", "new", noon),
		}
		if err := s.ChangeEmail(t.Context(), change); !errors.Is(err, models.ErrNotFound) {
			t.Errorf("a request from before the second factor: %v", err)
		}
		change.Version = 1
		if err := s.ChangeEmail(t.Context(), change); err != nil {
			t.Errorf("a request since: %v", err)
		}
	})
}
