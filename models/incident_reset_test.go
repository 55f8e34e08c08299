package models_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/models"
)

func TestAnIncidentThatRequiresAResetLocksPasswordsAndEndsWhatWasAddedSince(t *testing.T) {
	eachWithIncidents(t, func(t *testing.T, s *models.Store) {
		u, bare, other := addUser(t, s), addUser(t, s), addUser(t, s)
		exec(t, s, "UPDATE users SET password_hash = '!' WHERE id = ?", bare.ID.String())
		since, phone := noon.Add(-time.Hour), addApp(t, s, u.ID, "phone")
		for _, owner := range []models.User{u, other} {
			old, young := aged("old", 2*time.Hour), aged("young", time.Minute)
			old.Credential, young.Credential = append(old.Credential, owner.ID[:]...), append(young.Credential, owner.ID[:]...)
			addFactors(t, s, owner, noon, old, young, codeOf("codes", noon.Add(-2*time.Hour)))
			if err := s.AddChallenge(t.Context(), challenge(owner, "open "+owner.Email, noon), password, factorsVersion(t, s, owner), nil, nil); err != nil {
				t.Fatal(err)
			}
		}
		exec(t, s, `INSERT INTO trusted_browsers (user_id, id, hash, created_at, expires_at) SELECT id, id, '', created_at, created_at FROM users`)
		before := user(t, s, u)
		b := batchOf(running(t, s, "w"), "w", phone, add(t, s, func() models.NewDevice {
			n := signIn(bare.ID, models.KindApp, "phone", noon)
			n.Verified = ""
			return n
		}()))
		b.Reset = &models.IncidentReset{Since: since, NoPassword: "!", Detail: "locked"}
		endBatch(t, s, b)
		for of, want := range map[uuid.UUID]string{u.ID: "locked", bare.ID: ""} {
			if e := eventOf(t, s, models.User{ID: of}, models.EventIncident); e.Detail != want {
				t.Errorf("the event says %q, want %q", e.Detail, want)
			}
		}
		expelled(t, s, before, "old", "passkeys=1 codes")
		now := user(t, s, u)
		if now.LockedAt == nil || !now.LockedAt.Equal(b.At) {
			t.Errorf("locked at %v", now.LockedAt)
		}
		if user(t, s, bare).LockedAt != nil {
			t.Error("an account without a password is locked")
		}
		for table, want := range map[string]int64{"trusted_browsers": 0, "challenges": 0} {
			if n := rows(t, s, table, "user_id", u.ID.String()); n != want {
				t.Errorf("%d rows of %s are left", n, table)
			}
			if n := rows(t, s, table, "user_id", other.ID.String()); n != 1 {
				t.Errorf("another account has %d rows of %s", n, table)
			}
		}
		if factorNames(t, s, other) != "codes old young" || user(t, s, other).LockedAt != nil {
			t.Error("another account has changed")
		}
		n := signIn(u.ID, models.KindApp, "late", noon) // its password was checked before
		if _, err := s.AddDevice(t.Context(), n); err == nil {
			t.Error("a sign-in whose password was checked before is let in")
		}
	})
}

// The report counts who has signed in again, of the accounts that were locked without a device being signed out, too.
func TestTheReturnOfAnIncidentIsThatOfAllItsAccounts(t *testing.T) {
	eachWithIncidents(t, func(t *testing.T, s *models.Store) {
		out, locked, earlier, untouched := addUser(t, s), addUser(t, s), addUser(t, s), addUser(t, s)
		i := running(t, s, "w")
		hisOwn := addApp(t, s, locked.ID, "phone")
		if _, _, err := s.RevokeDevice(t.Context(), models.DeviceKey{UserID: locked.ID, ID: hisOwn.ID}, event(models.EventDeviceRevoked, locked.ID, i.StartedAt.Add(time.Minute))); err != nil {
			t.Fatal(err)
		}
		b := batchOf(i, "w", addApp(t, s, out.ID, "phone"), hisOwn)
		b.Reset = &models.IncidentReset{Since: noon, NoPassword: "!", Detail: "locked"}
		ofTime := func(e models.Event, at time.Time) models.Event {
			e.ID = models.NewID(at)
			return e
		}
		of := b.Event
		b.Event = func(user uuid.UUID, devices int) models.Event { return ofTime(of(user, devices), *i.StartedAt) }
		if done := endBatch(t, s, b); done.Devices != 1 || done.Accounts != 2 {
			t.Fatalf("%+v", done)
		}
		other := ofTime(event(models.EventIncident, earlier.ID, b.At), i.StartedAt.Add(-time.Hour)) // of another incident
		if err := s.AddEvent(t.Context(), other); err != nil {
			t.Fatal(err)
		}
		if r, err := s.IncidentReturn(t.Context(), i); err != nil || r != (models.IncidentReturn{}) {
			t.Errorf("before anyone signed in: %+v, %v", r, err)
		}
		for _, u := range []models.User{out, out, locked, earlier, untouched} {
			n := signIn(u.ID, models.KindApp, "again", b.At.Add(time.Hour))
			n.Verified, n.FactorsVersion = "", factorsVersion(t, s, u) // a passkey: the password is locked
			add(t, s, n)
		}
		if r, err := s.IncidentReturn(t.Context(), i); err != nil || r.Accounts != 2 || r.Devices != 3 {
			t.Errorf("%+v, %v", r, err)
		}
	})
}
