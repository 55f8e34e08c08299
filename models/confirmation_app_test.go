package models_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// actsByApp are the acts that use a confirmation of an app in their own transaction.
func actsByApp(t testing.TB, s *models.Store, target models.Device) map[string]func(u models.User, p models.Proof, at time.Time) error {
	acts := confirmedActs(t, s)
	key := models.DeviceKey{UserID: target.UserID, ID: target.ID}
	acts["the end of one device"] = func(u models.User, p models.Proof, at time.Time) error {
		_, _, err := s.RevokeDevice(t.Context(), key, event(models.EventDeviceRevoked, u.ID, at), *p.Challenge)
		return err
	}
	acts["a name"] = func(u models.User, p models.Proof, at time.Time) error {
		_, err := s.RenameDevice(t.Context(), key, live(at), named("x"), event(models.EventDeviceRenamed, u.ID, at), *p.Challenge)
		return err
	}
	acts["the end of all others"] = func(u models.User, p models.Proof, at time.Time) error {
		_, err := s.RevokeOthers(t.Context(), u.ID, p.Challenge.App, event(models.EventDevicesRevoked, u.ID, at), *p.Challenge)
		return err
	}
	return acts
}

// confirmedPhone is an app with a confirmation, and another device of its owner.
func confirmedPhone(t testing.TB, s *models.Store) (u models.User, phone, other models.Device, p models.Proof) {
	t.Helper()
	u = addUser(t, s)
	phone, other = addApp(t, s, u.ID, "phone"), addApp(t, s, u.ID, "tablet")
	name := uuid.NewString()
	if err := s.ConfirmApp(t.Context(), confirmation(u, phone, addFactors(t, s, u, noon, authenticatorApp())[0], name, noon)); err != nil {
		t.Fatal(err)
	}
	use := confirmed(name)
	use.App = phone.ID
	return u, phone, other, models.Proof{Verified: password, Version: 1, Challenge: &use}
}

// signOut is what the owner of a stolen phone does from another device.
func signOut(t testing.TB, s *models.Store, d models.Device) {
	t.Helper()
	if _, _, err := s.RevokeDevice(t.Context(), models.DeviceKey{UserID: d.UserID, ID: d.ID}, event(models.EventDeviceRevoked, d.UserID, noon)); err != nil {
		t.Error(err)
	}
}

// The server reads once that an app is live. If the owner signs it out after that, the act must not happen.
func TestAnAppThatIsSignedOutDoesNothingThatWasConfirmed(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		for name := range actsByApp(t, s, models.Device{}) {
			u, phone, other, p := confirmedPhone(t, s)
			signOut(t, s, phone)
			before := kinds(t, s, u.ID)
			if err := actsByApp(t, s, other)[name](u, p, noon); !errors.Is(err, models.ErrAppGone) || !errors.Is(err, models.ErrUsed) {
				t.Errorf("%s: %v", name, err)
			}
			if c, err := s.FindChallenge(t.Context(), "confirmed", p.Challenge.Hash, noon); err != nil || c.UsedAt != nil {
				t.Errorf("%s: the confirmation is %+v, %v", name, c, err)
			}
			// The act "everything since" itself signs in first.
			if after := kinds(t, s, u.ID); strings.ReplaceAll(after, "sign_in ", "") != strings.ReplaceAll(before, "sign_in ", "") || device(t, s, other).RevokedAt != nil {
				t.Errorf("%s: %s became %s", name, before, after)
			}
			u, _, other, p = confirmedPhone(t, s)
			if err := actsByApp(t, s, other)[name](u, p, noon); err != nil {
				t.Errorf("%s by a live app: %v", name, err)
			}
		}
	})
}

// However a sign-out of the app meets its act: once the owner was told that the app is out, the act changes nothing.
func TestNothingFollowsTheSignOutOfTheActingApp(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		for i := range rounds(s, 60, 20) {
			u, phone, other, p := confirmedPhone(t, s)
			name := []string{"a new password", "a new address", "the end of all others"}[i%3]
			act := actsByApp(t, s, other)[name]
			var told string
			var refusal error
			together(2, func(n int) {
				if n == 0 {
					time.Sleep(time.Duration(i%7) * 200 * time.Microsecond)
					signOut(t, s, phone)
					told = kinds(t, s, u.ID)
					return
				}
				if refusal = act(u, p, noon); refusal != nil && !errors.Is(refusal, models.ErrAppGone) {
					t.Errorf("%s: %v", name, refusal)
				}
			})
			if after := kinds(t, s, u.ID); after != told {
				t.Errorf("%s (%v): at the sign-out the activity was %s, and then %s", name, refusal, told, after)
			}
		}
	})
}
