package models_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// confirmation is one of the app d, whose owner gave the password and the code of an authenticator app.
func confirmation(u models.User, d models.Device, app models.Factor, name string, at time.Time) models.AppConfirmation {
	use := useOf(app, at)
	e := event(models.EventConfirmed, u.ID, at)
	e.DeviceID, e.DeviceName = uuid.NullUUID{UUID: d.ID, Valid: true}, d.Name
	return models.AppConfirmation{
		Device: models.DeviceKey{UserID: u.ID, ID: d.ID}, Method: models.ByPasswordTOTP, Verified: password, Version: 1, Factor: &use, Event: e,
		Issued: models.Challenge{Hash: hashOf(name), UserID: u.ID, Purpose: "confirmed", CreatedAt: at, ExpiresAt: at.Add(5 * time.Minute)},
	}
}

// confirmed uses the confirmation of that name.
func confirmed(name string) models.ChallengeUse {
	return models.ChallengeUse{Hash: hashOf(name), Purpose: "confirmed"}
}

func TestAnAppIsConfirmedAsAWholeOrNotAtAll(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		d, browser := addApp(t, s, u.ID, "phone"), add(t, s, signIn(u.ID, models.KindBrowser, "browser", noon))
		app := addFactors(t, s, u, noon, authenticatorApp())[0]
		addChallenge(t, s, u, "step", noon)
		at := noon.Add(time.Minute)
		for name, c := range map[string]struct {
			spoil func(*models.AppConfirmation)
			want  error
		}{
			"another password":  {func(c *models.AppConfirmation) { c.Verified = "hash-0" }, models.ErrChanged},
			"other factors":     {func(c *models.AppConfirmation) { c.Version = 0 }, models.ErrChanged},
			"another challenge": {func(c *models.AppConfirmation) { c.Challenge.Purpose = "other" }, models.ErrUsed},
			"a used code":       {func(c *models.AppConfirmation) { c.Factor.Step = 0 }, models.ErrUsed},
			"a browser":         {func(c *models.AppConfirmation) { c.Device.ID = browser.ID }, models.ErrNotFound},
			"past the limit": {func(c *models.AppConfirmation) {
				c.Event.Kind, c.Event.Limits = models.EventFactorAdded, []models.EventLimit{{Most: 1, Within: time.Hour}}
			}, models.ErrLimit},
		} {
			m := confirmation(u, d, app, "spoiled", at)
			m.Challenge = answer(u, "step", noon)
			c.spoil(&m)
			if err := s.ConfirmApp(t.Context(), m); !errors.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if got := device(t, s, d); got.ProvedAt != nil || factorOf(t, s, u, models.FactorTOTP).UsedAt != nil || strings.HasPrefix(kinds(t, s, u.ID), "confirmed") {
			t.Errorf("refusals left their marks: %+v, %s", got, kinds(t, s, u.ID))
		}
		m := confirmation(u, d, app, "one", at)
		m.Challenge = answer(u, "step", noon)
		if err := s.ConfirmApp(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		step, err := s.FindChallenge(t.Context(), secondStep, challenge(u, "step", noon).Hash, at)
		if err != nil || step.UsedAt == nil || step.DeviceID.UUID != d.ID {
			t.Errorf("the challenge: %+v, %v", step, err)
		}
		if got := device(t, s, d); got.ProvedBy != models.ByPasswordTOTP || !got.Proved().Equal(at) {
			t.Errorf("the device: %+v", got)
		}
		if issued, err := s.FindChallenge(t.Context(), "confirmed", hashOf("one"), at); err != nil || issued.UsedAt != nil || issued.UserID != u.ID {
			t.Errorf("the confirmation: %+v, %v", issued, err)
		}
		if e := events(t, s, u.ID)[0]; e.Kind != models.EventConfirmed || e.DeviceID.UUID != d.ID || e.DeviceName != "phone" {
			t.Errorf("the event: %+v", e)
		}
	})
}

func TestAnActUsesItsConfirmationOrDoesNotHappen(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u, other := addUser(t, s), addUser(t, s)
		d, target := addApp(t, s, u.ID, "phone"), addApp(t, s, u.ID, "tablet")
		app := addFactors(t, s, u, noon, authenticatorApp())[0]
		key, theirs := models.DeviceKey{UserID: u.ID, ID: target.ID}, models.DeviceKey{UserID: other.ID, ID: addApp(t, s, other.ID, "theirs").ID}
		revoke := func(key models.DeviceKey, at time.Time, uses ...models.ChallengeUse) error {
			_, _, err := s.RevokeDevice(t.Context(), key, event(models.EventDeviceRevoked, key.UserID, at), uses...)
			return err
		}
		rename := func(name string, e models.Event, uses ...models.ChallengeUse) error {
			_, err := s.RenameDevice(t.Context(), key, live(noon), named(name), e, uses...)
			return err
		}
		issue := func(name string, step int64) {
			t.Helper()
			m := confirmation(u, d, app, name, noon)
			m.Factor.Step = step
			if err := s.ConfirmApp(t.Context(), m); err != nil {
				t.Fatal(err)
			}
		}
		renamed := event(models.EventDeviceRenamed, u.ID, noon)
		issue("one", 100)
		for name, err := range map[string]error{
			"unknown":           revoke(key, noon, confirmed("none")),
			"for another thing": revoke(key, noon, models.ChallengeUse{Hash: hashOf("one"), Purpose: secondStep}),
			"of another":        revoke(theirs, noon, confirmed("one")),
			"too old":           revoke(key, noon.Add(5*time.Minute), confirmed("one")),
			"renamed":           rename("x", renamed, confirmed("none")),
		} {
			if !errors.Is(err, models.ErrUsed) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if got := device(t, s, target); got.RevokedAt != nil || got.Name != "tablet" {
			t.Fatalf("%+v", got)
		}
		limited := renamed
		limited.Kind, limited.Limits = models.EventFactorAdded, []models.EventLimit{{Most: 1, Within: time.Hour}}
		if err := rename("x", limited, confirmed("one")); !errors.Is(err, models.ErrLimit) {
			t.Errorf("past a limit: %v", err)
		}
		if err := rename("x", renamed, confirmed("one")); err != nil {
			t.Errorf("an act that was refused used the confirmation: %v", err)
		}
		if err := rename("y", renamed, confirmed("one")); !errors.Is(err, models.ErrUsed) {
			t.Errorf("once more: %v", err)
		}
		if err := revoke(key, noon, confirmed("one")); !errors.Is(err, models.ErrUsed) {
			t.Errorf("for another act: %v", err)
		}
		issue("two", 101)
		var won atomic.Int64
		together(30, func(i int) {
			var err error
			if i%2 == 0 {
				err = rename("z", renamed, confirmed("two"))
			} else {
				err = revoke(key, noon, confirmed("two"))
			}
			switch {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, models.ErrUsed):
				t.Error(err)
			}
		})
		if won.Load() != 1 {
			t.Errorf("%d of 30 acts had the one confirmation", won.Load())
		}
	})
}

// What ends an account's open challenges ends its confirmations.
func TestAConfirmationEndsWithThePasswordTheFactorsAndTheAccount(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		for name, end := range map[string]func(u models.User) error{
			"a new password": func(u models.User) error {
				_, err := s.ChangePassword(t.Context(), models.PasswordChange{UserID: u.ID, Proof: models.Proof{Verified: password, Version: factorsVersion(t, s, u)}, Hash: "new", At: noon, Event: event(models.EventPasswordChanged, u.ID, noon)})
				return err
			},
			"a new factor": func(u models.User) error {
				addFactors(t, s, u, noon, passkey("laptop"))
				return nil
			},
			"a disabled account": func(u models.User) error {
				_, err := s.DisableUser(t.Context(), u.ID, event(models.EventDisabled, u.ID, noon), models.MailWithLinks{})
				return err
			},
		} {
			u := addUser(t, s)
			d, target := addApp(t, s, u.ID, "phone"), addApp(t, s, u.ID, "tablet")
			app := addFactors(t, s, u, noon, authenticatorApp())[0]
			if err := s.ConfirmApp(t.Context(), confirmation(u, d, app, name, noon)); err != nil {
				t.Fatal(err)
			}
			if err := end(u); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			key := models.DeviceKey{UserID: u.ID, ID: target.ID}
			if _, _, err := s.RevokeDevice(t.Context(), key, event(models.EventDeviceRevoked, u.ID, noon), confirmed(name)); !errors.Is(err, models.ErrUsed) {
				t.Errorf("after %s: %v", name, err)
			}
		}
	})
}
