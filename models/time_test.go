package models_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// zones are time zones of callers: whole hours, quarters, both sides of UTC, and one with summer time.
func zones(t *testing.T) []*time.Location {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		berlin = time.FixedZone("Berlin", 3600)
	}
	return []*time.Location{time.UTC, berlin, time.FixedZone("", 5*3600+45*60), time.FixedZone("west", -11*3600), time.Local}
}

func TestTimesComeBackInUTCWithMicroseconds(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		for _, zone := range zones(t) {
			for _, at := range []time.Time{
				time.Date(2026, 3, 1, 12, 0, 0, 123_456_789, time.UTC),
				time.Date(2026, 3, 29, 1, 30, 0, 999_999_999, time.UTC), // when Berlin skips an hour
				time.Date(2026, 10, 25, 0, 30, 0, 1, time.UTC),          // when it has one twice
				time.Date(1999, 12, 31, 23, 59, 59, 999_999_000, time.UTC),
				time.Date(1969, 7, 20, 20, 17, 40, 1_999, time.UTC), // before the epoch
			} {
				u := addUser(t, s)
				n := signIn(u.ID, models.KindApp, "phone", at.In(zone))
				d := device(t, s, add(t, s, n))
				e := event(models.EventDeviceRevoked, u.ID, at.In(zone))
				revoked, _, err := s.RevokeDevice(t.Context(), models.DeviceKey{UserID: u.ID, ID: d.ID}, e)
				if err != nil {
					t.Fatal(err)
				}
				want := at.Truncate(time.Microsecond)
				for name, got := range map[string]time.Time{
					"created_at": d.CreatedAt, "last_seen_at": d.LastSeenAt, "rotated_at": d.RotatedAt, "expires_at": d.ExpiresAt.Add(-lifetime),
					"revoked_at, returned by the update": *revoked.RevokedAt, "revoked_at, read": *device(t, s, d).RevokedAt,
				} {
					if !got.Equal(want) || got.Location() != time.UTC {
						t.Errorf("%s written as %v came back as %v", name, at.In(zone), got)
					}
				}
			}
		}
	})
}

// A method that writes returns what a later read returns.
func TestAnAnswerIsWhatWasWritten(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u, index := addUser(t, s), int64(7)
		n := signIn(u.ID, models.KindApp, "phone", noon.Add(789*time.Nanosecond).In(time.FixedZone("", 3600)))
		n.Device.StatusIndex, n.Device.JKT, n.Device.MaxRefreshes, n.Device.UserAgent = &index, "key-1", 9, "agent/1 (ünïcode 📱)"
		d := add(t, s, n)
		if diff := cmp.Diff(device(t, s, d), d); diff != "" {
			t.Errorf("AddDevice (+) is not the row (-):\n%s", diff)
		}
		key := models.DeviceKey{UserID: u.ID, ID: d.ID}
		renamed, err := s.RenameDevice(t.Context(), key, live(noon), named("📱 2"), event(models.EventDeviceRenamed, u.ID, noon))
		if diff := cmp.Diff(device(t, s, d), renamed); err != nil || diff != "" {
			t.Errorf("RenameDevice (+) is not the row (-), %v:\n%s", err, diff)
		}
		revoked, fresh, err := s.RevokeDevice(t.Context(), key, event(models.EventDeviceRevoked, u.ID, noon))
		if diff := cmp.Diff(device(t, s, d), revoked); err != nil || !fresh || diff != "" {
			t.Errorf("RevokeDevice (+) is not the row (-), %v:\n%s", err, diff)
		}
	})
}

func TestALimitInTimeHoldsToTheMicrosecondInEveryZone(t *testing.T) {
	const us = time.Microsecond
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		app := addApp(t, s, u.ID, "phone")
		n := signIn(u.ID, models.KindBrowser, "browser", noon)
		browser := add(t, s, n)
		is := func(kind string, l models.Liveness) bool {
			d := map[string]models.Device{models.KindApp: app, models.KindBrowser: browser}[kind]
			_, err := s.LiveDevice(t.Context(), u.ID, d.ID, l)
			return err == nil
		}
		long := noon.Add(-time.Hour)
		for _, zone := range zones(t) {
			in := func(at time.Time, since time.Time) models.Liveness {
				return models.Liveness{Now: at.In(zone), AppSince: since.In(zone), BrowserSince: since.In(zone)}
			}
			for _, kind := range []string{models.KindApp, models.KindBrowser} {
				for _, c := range []struct {
					name string
					live models.Liveness
					want bool
				}{
					{"a microsecond before it expires", in(noon.Add(lifetime-us), long), true},
					{"less than a microsecond before it expires", in(noon.Add(lifetime-time.Nanosecond), long), true},
					{"as it expires", in(noon.Add(lifetime), long), false},
					{"a microsecond after it expired", in(noon.Add(lifetime+us), long), false},
					{"seen a microsecond after the idle limit", in(noon, noon.Add(-us)), true},
					{"seen at the idle limit", in(noon, noon), false},
					{"seen a microsecond before the idle limit", in(noon, noon.Add(us)), false},
				} {
					if got := is(kind, c.live); got != c.want {
						t.Errorf("%s, %s, zone %v: live %v, want %v", kind, c.name, zone, got, c.want)
					}
				}
			}
		}
		mixed := models.Liveness{Now: noon, AppSince: noon, BrowserSince: long}
		if is(models.KindApp, mixed) || !is(models.KindBrowser, mixed) {
			t.Error("the idle limits of apps and browsers are confused")
		}
	})
}

func TestABrowserSessionEndsToTheMicrosecond(t *testing.T) {
	const us = time.Microsecond
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		d := add(t, s, signIn(u.ID, models.KindBrowser, "browser", noon))
		zone := time.FixedZone("", -3*3600)
		for _, c := range []struct {
			name   string
			secret []byte
			live   models.Liveness
			want   bool
		}{
			{"live", secretOf(d.ID), live(noon), true},
			{"another secret", []byte("wrong"), live(noon), false},
			{"a microsecond before it expires", secretOf(d.ID), models.Liveness{Now: noon.Add(lifetime - us).In(zone), BrowserSince: noon.Add(-us).In(zone)}, true},
			{"as it expires", secretOf(d.ID), models.Liveness{Now: noon.Add(lifetime).In(zone), BrowserSince: noon.Add(-us)}, false},
			{"at the idle limit", secretOf(d.ID), models.Liveness{Now: noon, BrowserSince: noon.In(zone)}, false},
		} {
			got, owner, err := s.BrowserSession(t.Context(), u.ID, d.ID, c.secret, c.live)
			if (err == nil) != c.want {
				t.Errorf("%s: %v", c.name, err)
			}
			if c.want && (!cmp.Equal(got, device(t, s, d)) || owner.ID != u.ID || owner.PasswordHash != password || owner.Role != models.RoleUser || !owner.CreatedAt.Equal(noon)) {
				t.Errorf("%s: %+v of %+v", c.name, got, owner)
			}
		}
	})
}

func TestATouchIsWrittenOncePerSpan(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		d := add(t, s, signIn(u.ID, models.KindBrowser, "browser", noon))
		at := noon.Add(time.Minute)
		touch := func(unlessAfter time.Time) time.Time {
			if err := s.TouchDevice(context.WithoutCancel(t.Context()), u.ID, d.ID, at, unlessAfter.In(time.FixedZone("", 7200)), "192.0.2.9"); err != nil {
				t.Fatal(err)
			}
			return device(t, s, d).LastSeenAt
		}
		if got := touch(noon.Add(-time.Microsecond)); !got.Equal(noon) {
			t.Errorf("seen a microsecond after the moment, and written all the same: %v", got)
		}
		if got := touch(noon); !got.Equal(at) {
			t.Errorf("seen at the moment, and not written: %v", got)
		}
	})
}

func TestIdsSortByTheGivenTime(t *testing.T) {
	var last uuid.UUID
	for i := range 100 {
		id := models.NewID(noon.Add(time.Duration(i) * time.Millisecond))
		if id.String() <= last.String() || id.Version() != 7 || id.Variant() != uuid.RFC4122 {
			t.Fatalf("%v after %v, version %v", id, last, id.Version())
		}
		sec, ns := id.Time().UnixTime()
		if got := time.Unix(sec, ns); got.Sub(noon) != time.Duration(i)*time.Millisecond {
			t.Fatalf("the id says %v", got)
		}
		last = id
	}
}
