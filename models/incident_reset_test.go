package models_test

import (
	"testing"
	"time"

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
		b.Reset = &models.IncidentReset{Since: since, NoPassword: "!"}
		endBatch(t, s, b)
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
