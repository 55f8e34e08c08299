package models_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"latchkey/models"
	"latchkey/models/modelstest"
)

func TestARefusedTokenConsumesNothing(t *testing.T) {
	const us = time.Microsecond
	zone := time.FixedZone("far east", 13*3600+45*60)
	revoke := func(t *testing.T, s *models.Store, d models.Device) {
		e := event(models.EventDeviceRevoked, d.UserID, noon)
		e.Detail = string(models.RevokedByOwner)
		if _, _, err := s.RevokeDevice(t.Context(), models.DeviceKey{UserID: d.UserID, ID: d.ID}, e); err != nil {
			t.Fatal(err)
		}
	}
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		for _, c := range []struct {
			name   string
			device func(*models.Device)
			before func(t *testing.T, s *models.Store, d models.Device)
			ask    func(*models.Rotation)
			want   models.Outcome
		}{
			{name: "revoked", before: revoke, want: models.Revoked},
			{name: "expired this very microsecond", device: func(d *models.Device) { d.ExpiresAt = noon.Add(time.Hour) },
				ask: func(r *models.Rotation) { r.Now = noon.Add(time.Hour).In(zone) }, want: models.Expired},
			{name: "expired long ago", ask: func(r *models.Rotation) { r.Now = noon.Add(2 * lifetime); r.IdleSince = noon.Add(-us) }, want: models.Expired},
			{name: "idle since this very microsecond", ask: func(r *models.Rotation) { r.IdleSince = noon.In(zone) }, want: models.Idle},
			{name: "idle for longer", ask: func(r *models.Rotation) { r.IdleSince = noon.Add(us) }, want: models.Idle},
			{name: "all refreshes used", device: func(d *models.Device) { d.MaxRefreshes = 7 }, want: models.RefreshLimit},
			{name: "ahead of the row and of the number of refreshes", device: func(d *models.Device) { d.MaxRefreshes = 8 },
				ask: func(r *models.Rotation) { r.Generation = 9 }, want: models.RefreshLimit},
			{name: "another secret", ask: func(r *models.Rotation) { r.SecretHash = []byte("wrong") }, want: models.Unknown},
			{name: "another secret on a dead token", ask: func(r *models.Rotation) { r.SecretHash, r.Generation = []byte("wrong"), 3 }, want: models.Unknown},
			{name: "another secret on a token ahead", ask: func(r *models.Rotation) { r.SecretHash, r.Generation = []byte("wrong"), 9 }, want: models.Unknown},
			{name: "another client", ask: func(r *models.Rotation) { r.ClientID = "app-2" }, want: models.Unknown},
			{name: "another client with a dead token", ask: func(r *models.Rotation) { r.ClientID, r.Generation = "app-2", 3 }, want: models.Unknown},
			{name: "another user", ask: func(r *models.Rotation) { r.Key.UserID = uuid.New() }, want: models.Unknown},
			{name: "another device", ask: func(r *models.Rotation) { r.Key.ID = uuid.New() }, want: models.Unknown},
			{name: "another key", device: func(d *models.Device) { d.JKT = "key-1" }, ask: func(r *models.Rotation) { r.JKT = "key-2" }, want: models.Unbound},
			{name: "a browser's secret", device: func(d *models.Device) { d.Kind = models.KindBrowser }, want: models.Unknown},
			{name: "a dead token of a revoked device", before: revoke, ask: func(r *models.Rotation) { r.Generation = 3 }, want: models.Revoked},
			{name: "a token ahead of a revoked device", before: revoke, ask: func(r *models.Rotation) { r.Generation = 9 }, want: models.Revoked},
			{name: "the base of an expired device", ask: func(r *models.Rotation) { r.Generation, r.Now, r.IdleSince = 4, noon.Add(lifetime), noon.Add(-us) }, want: models.Expired},
		} {
			t.Run(c.name, func(t *testing.T) {
				u := addUser(t, s)
				d := addForked(t, s, u, three, c.device)
				if c.before != nil {
					c.before(t, s, d)
				}
				before, told := device(t, s, d), kinds(t, s, u.ID)
				r := present(d, 8, noon)
				if c.ask != nil {
					c.ask(&r)
				}
				if got := rotate(t, s, r); got.Outcome != c.want {
					t.Errorf("outcome %d, want %d", got.Outcome, c.want)
				}
				if diff := cmp.Diff(before, device(t, s, d)); diff != "" {
					t.Errorf("the row changed:\n%s", diff)
				}
				if now := kinds(t, s, u.ID); now != told {
					t.Errorf("events %q, before %q", now, told)
				}
			})
		}
	})
}

func TestATokenIsGoodToTheLastMicrosecond(t *testing.T) {
	zone := time.FixedZone("far west", -9*3600-30*60)
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		d := addApp(t, s, u.ID, "phone")
		r := present(d, 1, noon.Add(lifetime-time.Microsecond).In(zone))
		r.IdleSince = noon.Add(-time.Microsecond).In(zone)
		if got := rotate(t, s, r); got.Outcome != models.Rotated {
			t.Errorf("outcome %d, want rotated", got.Outcome)
		}
	})
}

func TestAClientThatIsNotNamedIsNotCompared(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		r := present(addApp(t, s, u.ID, "phone"), 1, noon)
		r.ClientID = ""
		if got := rotate(t, s, r); got.Outcome != models.Rotated {
			t.Errorf("outcome %d, want rotated", got.Outcome)
		}
	})
}

func TestADeviceRefreshesAsOftenAsItMay(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		for _, most := range []int64{1, 2, 5} {
			n := signIn(u.ID, models.KindApp, "phone", noon)
			n.Device.MaxRefreshes = most
			d := add(t, s, n)
			for g := int64(1); g <= most; g++ {
				if got := rotate(t, s, present(d, g, noon)); got.Outcome != models.Rotated {
					t.Fatalf("refresh %d of %d: outcome %d", g, most, got.Outcome)
				}
			}
			if got := rotate(t, s, present(d, most+1, noon)); got.Outcome != models.RefreshLimit {
				t.Errorf("refresh %d of %d: outcome %d, want the limit", most+1, most, got.Outcome)
			}
		}
		n := signIn(u.ID, models.KindApp, "restored", noon)
		n.Device.MaxRefreshes = 5
		d := add(t, s, n)
		if got := rotate(t, s, present(d, 6, noon)); got.Outcome != models.RefreshLimit {
			t.Errorf("restored beyond the limit: outcome %d", got.Outcome)
		}
		if got := rotate(t, s, present(d, 5, noon)); got.Outcome != models.Restored {
			t.Errorf("restored to the last refresh: outcome %d", got.Outcome)
		}
		if got := rotate(t, s, present(d, 6, noon)); got.Outcome != models.RefreshLimit {
			t.Errorf("past the last refresh: outcome %d", got.Outcome)
		}
	})
}

func TestReuseRevokesThisDeviceAndNoOther(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		other := addApp(t, s, u.ID, "tablet")
		d := addForked(t, s, u, three, nil)
		at := noon.Add(time.Hour)
		if got := rotate(t, s, present(d, 3, at)); got.Outcome != models.Reused || got.Device.Name != "phone" {
			t.Fatalf("outcome %d of %q", got.Outcome, got.Device.Name)
		}
		after := device(t, s, d)
		if after.RevokedAt == nil || !after.RevokedAt.Equal(at) || after.RevokedBy != models.ActorSystem || after.RevokeReason != models.RevokedByReuse {
			t.Errorf("revoked at %v by %q because %q", after.RevokedAt, after.RevokedBy, after.RevokeReason)
		}
		if device(t, s, other).RevokedAt != nil {
			t.Error("the other device was revoked too")
		}
		e := events(t, s, u.ID)[0]
		want := models.Event{
			UserID: u.ID, ID: e.ID, At: at, Kind: models.EventDeviceReused, DeviceID: uuid.NullUUID{UUID: d.ID, Valid: true},
			DeviceName: "phone", Actor: models.ActorSystem, IP: home, UserAgent: "agent", Detail: string(models.RevokedByReuse),
		}
		if diff := cmp.Diff(want, e); diff != "" {
			t.Errorf("event:\n%s", diff)
		}
	})
}

// Changes that belong together share one transaction: when the event cannot be written, nothing changes.
func TestWithoutItsEventNothingHappens(t *testing.T) {
	key := func(d models.Device) models.DeviceKey { return models.DeviceKey{UserID: d.UserID, ID: d.ID} }
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		for name, act := range map[string]func(t *testing.T, s *models.Store, u models.User, d models.Device) error{
			"reuse": func(t *testing.T, s *models.Store, _ models.User, d models.Device) error {
				_, err := s.RotateDevice(t.Context(), present(d, 3, noon))
				return err
			},
			"restoring": func(t *testing.T, s *models.Store, _ models.User, d models.Device) error {
				_, err := s.RotateDevice(t.Context(), present(d, 9, noon))
				return err
			},
			"a revocation": func(t *testing.T, s *models.Store, u models.User, d models.Device) error {
				_, _, err := s.RevokeDevice(t.Context(), key(d), event(models.EventDeviceRevoked, u.ID, noon))
				return err
			},
			"a revocation by the token": func(t *testing.T, s *models.Store, u models.User, d models.Device) error {
				return s.RevokeBySecret(t.Context(), key(d), secretOf(d.ID), "", nil, event(models.EventSignOut, u.ID, noon))
			},
			"revoking the others": func(t *testing.T, s *models.Store, u models.User, _ models.Device) error {
				_, err := s.RevokeOthers(t.Context(), u.ID, uuid.Nil, event(models.EventDevicesRevoked, u.ID, noon))
				return err
			},
			"a sign-in": func(t *testing.T, s *models.Store, u models.User, d models.Device) error {
				n := signIn(u.ID, models.KindApp, "second", noon)
				n.Rehashed, n.Replace, n.KnownOrigins = "hash-2", &models.DeviceKey{UserID: d.UserID, ID: d.ID}, [][]byte{[]byte("here")}
				_, err := s.AddDevice(t.Context(), n)
				return err
			},
			"a new name": func(t *testing.T, s *models.Store, u models.User, d models.Device) error {
				_, err := s.RenameDevice(t.Context(), key(d), live(noon), named("new"), event(models.EventDeviceRenamed, u.ID, noon))
				return err
			},
			"a new password": func(t *testing.T, s *models.Store, u models.User, _ models.Device) error {
				_, err := s.ChangePassword(t.Context(), models.PasswordChange{UserID: u.ID, Proof: models.Proof{Verified: password}, Hash: "hash-2", At: noon, Event: event(models.EventPasswordChanged, u.ID, noon)})
				return err
			},
			"a new role": func(t *testing.T, s *models.Store, u models.User, _ models.Device) error {
				return s.SetRole(t.Context(), u.ID, models.RoleSupport, event(models.EventRoleChanged, u.ID, noon))
			},
			"disabling": func(t *testing.T, s *models.Store, u models.User, _ models.Device) error {
				_, err := s.DisableUser(t.Context(), u.ID, event(models.EventDisabled, u.ID, noon), models.MailWithLinks{})
				return err
			},
			"a new account": func(t *testing.T, s *models.Store, u models.User, _ models.Device) error {
				u.ID = uuid.New()
				u.EmailKey = u.ID.String()
				return s.AddUser(t.Context(), u, event(models.EventAccountCreated, u.ID, noon))
			},
		} {
			t.Run(name, func(t *testing.T) {
				u := addUser(t, s)
				u, err := s.UserByID(t.Context(), u.ID)
				if err != nil {
					t.Fatal(err)
				}
				d := device(t, s, addForked(t, s, u, three, nil))
				const all = "SELECT (SELECT count(*) FROM users) + (SELECT count(*) FROM devices) + (SELECT count(*) FROM known_places)"
				rows := count(t, s, all)
				exec(t, s, "ALTER TABLE events RENAME TO hidden")
				if err := act(t, s, u, d); err == nil || errors.Is(err, models.ErrChanged) || errors.Is(err, models.ErrNotFound) {
					t.Errorf("the act came back with %v", err)
				}
				exec(t, s, "ALTER TABLE hidden RENAME TO events")
				after, err := s.UserByID(t.Context(), u.ID)
				if diff := cmp.Diff(u, after); err != nil || diff != "" {
					t.Errorf("the account changed (%v):\n%s", err, diff)
				}
				if diff := cmp.Diff(d, device(t, s, d)); diff != "" {
					t.Errorf("the device changed:\n%s", diff)
				}
				if n := count(t, s, all); n != rows {
					t.Errorf("%d rows of users, devices and places, before %d", n, rows)
				}
				if err := act(t, s, u, d); err != nil {
					t.Errorf("with the events back: %v", err)
				}
			})
		}
	})
}
