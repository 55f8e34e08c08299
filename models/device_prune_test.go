package models_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// endedDevices writes devices of one account that ended a minute apart, each with a status index, directly into the database.
func endedDevices(t testing.TB, s *models.Store, user uuid.UUID, n int) {
	t.Helper()
	first := add(t, s, inPlace(signIn(user, models.KindApp, "phone", noon.Add(-time.Minute)), 1))
	exec(t, s, "UPDATE devices SET revoked_at = created_at, revoke_reason = 'signed_out' WHERE id = ?", first.ID.String())
	const columns = "kind, name, created_at, last_seen_at, expires_at, secret_hash, generation, base, floor, rotated_at, revoke_reason"
	copies := "INSERT INTO devices (user_id, id, status_index, revoked_at, " + columns + ") SELECT user_id, gen_random_uuid(), 1 + c.n, revoked_at + c.n * interval '1 second', " +
		columns + " FROM devices, generate_series(1, ?::int) c(n) WHERE devices.id = ?::uuid"
	places := "INSERT INTO status_indexes (idx, expires_at) SELECT 1 + n, timestamptz '2026-05-30 12:00:00+00' FROM generate_series(1, ?::int) n"
	if s.Dialect() == "sqlite" {
		series := "WITH RECURSIVE c(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM c WHERE n < ?) "
		copies = series + "INSERT INTO devices (user_id, id, status_index, revoked_at, " + columns + ") SELECT user_id, printf('00000000-0000-7000-8000-%012d', c.n), 1 + c.n, revoked_at + c.n * 1000000, " +
			columns + " FROM devices, c WHERE devices.id = ?"
		places = series + fmt.Sprintf("INSERT INTO status_indexes (idx, expires_at) SELECT 1 + n, %d FROM c", first.ExpiresAt.UnixMicro())
	}
	exec(t, s, copies, n-1, first.ID.String())
	exec(t, s, places, n-1)
	if modelstest.OnCitus() { // as a revocation does there
		exec(t, s, "UPDATE status_indexes SET revoked_at = ? WHERE idx > 1", noon)
	}
}

func TestASignInPrunesTheLongestEndedDevices(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u, other := addUser(t, s), addUser(t, s)
		theirs := addApp(t, s, other.ID, "phone")
		if _, _, err := s.RevokeDevice(t.Context(), models.DeviceKey{UserID: other.ID, ID: theirs.ID}, event(models.EventDeviceRevoked, other.ID, noon.Add(-time.Hour))); err != nil {
			t.Fatal(err)
		}
		endedDevices(t, s, u.ID, 620)
		// The oldest device has expired, so another device may have its status index.
		exec(t, s, "UPDATE devices SET expires_at = revoked_at WHERE status_index = 1")
		revoked := func() []int64 {
			list, err := revokedPlaces(t, s, noon.Add(-time.Hour))
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(list)
			return slices.DeleteFunc(list, func(i int64) bool { return i <= 1 })
		}
		var before []models.Device
		for _, d := range all(t, s, u.ID) {
			if d.StatusIndex != nil && *d.StatusIndex == 2 {
				before = append(before, d)
			}
		}
		published, at := revoked(), noon.Add(20*time.Minute)
		add(t, s, inPlace(signIn(u.ID, models.KindApp, "phone", at), 5000))
		add(t, s, inPlace(signIn(u.ID, models.KindBrowser, "browser", at), 5001))

		var live, ended int
		oldest := int64(1 << 40)
		for _, d := range all(t, s, u.ID) {
			if d.RevokedAt == nil {
				live++
				continue
			}
			ended++
			oldest = min(oldest, *d.StatusIndex)
		}
		if live != 2 || ended != 498 || oldest != 620-498+1 {
			t.Errorf("%d live, %d ended devices, the oldest at place %d", live, ended, oldest)
		}
		if diff := cmp.Diff(published, revoked()); diff != "" {
			t.Errorf("published as revoked: %s", diff)
		}
		if n := count(t, s, "SELECT count(*) FROM status_indexes WHERE idx = 1 AND revoked_at IS NOT NULL"); n != 0 {
			t.Error("a place is revoked that may be another device's")
		}
		if got := rotate(t, s, present(before[0], 1, at)); got.Outcome != models.Unknown {
			t.Errorf("a pruned device's token: %v", got.Outcome)
		}
		device(t, s, theirs)
		// Signing out all devices afterwards does not exceed the bound either.
		if _, err := s.RevokeOthers(t.Context(), u.ID, uuid.Nil, event(models.EventDevicesRevoked, u.ID, at)); err != nil || len(all(t, s, u.ID)) != 500 {
			t.Errorf("%d ended devices, %v", len(all(t, s, u.ID)), err)
		}
	})
}

func all(t testing.TB, s *models.Store, user uuid.UUID) []models.Device {
	t.Helper()
	list, err := s.Devices(t.Context(), user, uuid.Nil, 5000)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// A thief signed in so often that the first device was pruned. The link in its mail still revokes the later ones.
func TestTheAlarmOfAPrunedDeviceEndsEveryDevice(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		n := signIn(u.ID, models.KindApp, "phone", noon)
		n.Alert = &models.SignInAlert{Every: time.Hour, Single: func(d models.Device) models.MailWithLinks {
			return models.MailWithLinks{
				Mail:  &models.OutgoingMail{ID: models.NewID(noon), UserID: u.ID, Kind: "new_device", Sealed: []byte("box"), CreatedAt: noon},
				Links: []models.OneTime{{Hash: []byte("link"), UserID: u.ID, Purpose: "alarm", Subject: d.ID.String(), CreatedAt: noon, ExpiresAt: noon.Add(lifetime)}},
			}
		}}
		addApp(t, s, u.ID, "the first")
		thief := add(t, s, n)
		later := addApp(t, s, u.ID, "later")
		exec(t, s, "DELETE FROM devices WHERE id = ?", thief.ID.String())
		done, err := s.ReportNotMe(t.Context(), models.NotMeReport{Purpose: "alarm", Hash: []byte("link"), At: noon.Add(time.Hour), Event: event(models.EventLocked, uuid.Nil, noon)})
		if err != nil || done.Revoked != 2 || device(t, s, later).RevokedAt == nil {
			t.Errorf("%d devices signed out, %v", done.Revoked, err)
		}
	})
}

// An account with more ended devices than today's bound can be deleted too, and its status indexes stay revoked.
func TestAnAccountWithVeryManyEndedDevicesIsDeleted(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		endedDevices(t, s, u.ID, 900)
		if err := deleteWhole(t, s, deletion(u, noon)); err != nil {
			t.Fatal(err)
		}
		if rows(t, s, "devices", "user_id", u.ID.String()) != 0 || count(t, s, "SELECT count(*) FROM status_indexes WHERE revoked_at IS NOT NULL") != 900 {
			t.Error("devices stay, or their status indexes are not revoked")
		}
	})
}
