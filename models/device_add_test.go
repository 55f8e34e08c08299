package models_test

import (
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"latchkey/models"
	"latchkey/models/modelstest"
)

func TestANameIsFreeAgainWhenItsDeviceIsExpiredOrIdle(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		n := signIn(u.ID, models.KindApp, "phone", noon)
		n.Device.ExpiresAt = noon.Add(time.Hour)
		expired := add(t, s, n)
		unseen := addApp(t, s, u.ID, "tablet")
		kept := addApp(t, s, u.ID, "watch")
		at := noon.Add(idle)
		if err := s.TouchDevice(t.Context(), u.ID, kept.ID, at.Add(-time.Microsecond), at, home); err != nil {
			t.Fatal(err)
		}
		// The other account's devices are just as old and must stay.
		stranger := addUser(t, s)
		theirs := addApp(t, s, stranger.ID, "phone")

		for i, name := range []string{"phone", "tablet", "watch"} {
			n := signIn(u.ID, models.KindApp, name, at)
			n.Live.AppSince = noon
			if got, want := add(t, s, n).Name, []string{"phone", "tablet", "watch (2)"}[i]; got != want {
				t.Errorf("signed in as %q, want %q", got, want)
			}
		}
		for d, want := range map[uuid.UUID]models.EndReason{expired.ID: models.RevokedByExpiry, unseen.ID: models.RevokedByIdleness, kept.ID: ""} {
			if got := device(t, s, models.Device{UserID: u.ID, ID: d}); got.RevokeReason != want || (got.RevokedAt != nil) != (want != "") {
				t.Errorf("%s was retired because %q, want %q", got.Name, got.RevokeReason, want)
			}
		}
		if device(t, s, theirs).RevokedAt != nil {
			t.Error("another account's device was retired")
		}
		// An expired device is not revoked by a person, and the device still learns the reason.
		for d, want := range map[uuid.UUID]models.Outcome{expired.ID: models.Expired, unseen.ID: models.Idle} {
			if got := rotate(t, s, present(models.Device{UserID: u.ID, ID: d}, 1, at)); got.Outcome != want {
				t.Errorf("outcome %d, want %d", got.Outcome, want)
			}
		}
	})
}

func TestTheDatabaseItselfRefusesTwoLiveDevicesOfOneName(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		d := addApp(t, s, u.ID, "phone")
		same := signIn(u.ID, models.KindBrowser, "", noon)
		same.FreeName = func(func(string) bool) string { return "phone" }
		if _, err := s.AddDevice(t.Context(), same); !errors.Is(err, models.ErrDuplicate) {
			t.Errorf("a second phone: %v", err)
		}
		other := addApp(t, s, u.ID, "tablet")
		key := models.DeviceKey{UserID: u.ID, ID: other.ID}
		if _, err := s.RenameDevice(t.Context(), key, live(noon), same.FreeName, event(models.EventDeviceRenamed, u.ID, noon)); !errors.Is(err, models.ErrDuplicate) {
			t.Errorf("renamed to a taken name: %v", err)
		}
		if _, _, err := s.RevokeDevice(t.Context(), models.DeviceKey{UserID: u.ID, ID: d.ID}, event(models.EventDeviceRevoked, u.ID, noon)); err != nil {
			t.Fatal(err)
		}
		add(t, s, same) // revoked devices hold no name
		stranger := addUser(t, s)
		addApp(t, s, stranger.ID, "phone")
	})
}

func TestTheLongestUnseenBrowserMakesRoom(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		app := addApp(t, s, u.ID, "phone") // the oldest of all, and not a browser
		var browsers []models.Device
		for i := range 4 {
			browsers = append(browsers, add(t, s, signIn(u.ID, models.KindBrowser, "browser", noon.Add(time.Duration(i)*time.Minute))))
		}
		seen := noon.Add(time.Hour)
		if err := s.TouchDevice(t.Context(), u.ID, browsers[0].ID, seen, seen, home); err != nil {
			t.Fatal(err)
		}
		n := signIn(u.ID, models.KindBrowser, "browser", seen)
		n.Max = 3 // lowered since: two must go
		n.Event.Actor = models.ActorOwner
		add(t, s, n)
		for i, reason := range []models.EndReason{"", models.RevokedByLimit, models.RevokedByLimit, ""} {
			if got := device(t, s, browsers[i]); got.RevokeReason != reason {
				t.Errorf("browser %d: %q, want %q", i, got.RevokeReason, reason)
			}
		}
		if device(t, s, app).RevokedAt != nil {
			t.Error("an app made room for a browser")
		}
		told := events(t, s, u.ID)[:3]
		ids := map[uuid.UUID]bool{}
		for _, e := range told {
			ids[e.DeviceID.UUID] = true
			if e.Kind == models.EventDeviceRevoked && (e.Actor != models.ActorSystem || e.Detail != string(models.RevokedByLimit) || e.DeviceName == "") {
				t.Errorf("event %+v", e)
			}
		}
		if len(ids) != 3 {
			t.Errorf("events tell of %d devices", len(ids))
		}
	})
}

func TestAnAppPastTheLimitIsRefusedAndLeavesNothing(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		n := signIn(u.ID, models.KindApp, "phone", noon)
		n.Device.ExpiresAt = noon.Add(time.Hour)
		add(t, s, n)
		addApp(t, s, u.ID, "tablet")
		add(t, s, signIn(u.ID, models.KindBrowser, "browser", noon)) // does not count
		third := func(at time.Time) error {
			n := signIn(u.ID, models.KindApp, "watch", at)
			n.Max, n.Rehashed, n.KnownOrigins = 2, "hash-2", [][]byte{[]byte("here")}
			_, err := s.AddDevice(t.Context(), n)
			return err
		}
		before := footprint(t, s)
		if err := third(noon.Add(time.Hour - time.Microsecond)); !errors.Is(err, models.ErrTooManyDevices) {
			t.Errorf("a third app: %v", err)
		}
		if diff := cmp.Diff(before, footprint(t, s)); diff != "" {
			t.Errorf("it left something behind:\n%s", diff)
		}
		if err := third(noon.Add(time.Hour)); err != nil {
			t.Errorf("when the first has expired: %v", err)
		}
	})
}

// footprint counts the rows that a sign-in can write.
func footprint(t *testing.T, s *models.Store) map[string]int64 {
	t.Helper()
	return map[string]int64{
		"devices": count(t, s, "SELECT count(*) FROM devices"), "live": count(t, s, "SELECT count(*) FROM devices WHERE revoked_at IS NULL"),
		"events": count(t, s, "SELECT count(*) FROM events"), "places": count(t, s, "SELECT count(*) FROM known_places"),
		"rehashed": count(t, s, "SELECT count(*) FROM users WHERE password_hash = 'hash-2'"),
	}
}

func TestASignInThatIsOutOfDateLeavesNothing(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		for name, change := range map[string]func(t *testing.T, u models.User, n *models.NewDevice){
			"the password is another one": func(_ *testing.T, _ models.User, n *models.NewDevice) { n.Verified = "hash-0" },
			"the account is disabled": func(t *testing.T, u models.User, _ *models.NewDevice) {
				if _, err := s.DisableUser(t.Context(), u.ID, event(models.EventDisabled, u.ID, noon), models.MailWithLinks{}); err != nil {
					t.Fatal(err)
				}
			},
			"the account is gone": func(_ *testing.T, _ models.User, n *models.NewDevice) { n.Device.UserID = uuid.New() },
		} {
			t.Run(name, func(t *testing.T) {
				u, stranger := addUser(t, s), addUser(t, s)
				old := add(t, s, signIn(stranger.ID, models.KindBrowser, "browser", noon))
				n := signIn(u.ID, models.KindBrowser, "browser", noon)
				n.Rehashed, n.KnownOrigins, n.Replace = "hash-2", [][]byte{[]byte("here")}, &models.DeviceKey{UserID: stranger.ID, ID: old.ID}
				change(t, u, &n)
				before := footprint(t, s)
				if _, err := s.AddDevice(t.Context(), n); !errors.Is(err, models.ErrChanged) {
					t.Errorf("sign-in: %v", err)
				}
				if diff := cmp.Diff(before, footprint(t, s)); diff != "" {
					t.Errorf("it left something behind:\n%s", diff)
				}
			})
		}
	})
}

func TestASignInReplacesTheBrowsersEarlierOneWhosevereItWas(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		a, b := addUser(t, s), addUser(t, s)
		for _, c := range []struct{ before, now models.User }{{a, a}, {a, b}, {b, a}} {
			old := add(t, s, signIn(c.before.ID, models.KindBrowser, "browser", noon))
			n := signIn(c.now.ID, models.KindBrowser, "browser", noon.Add(time.Second))
			n.Replace = &models.DeviceKey{UserID: c.before.ID, ID: old.ID}
			n.Max = 1 // the replaced one must not count
			d := add(t, s, n)
			if d.Name != "browser" || device(t, s, old).RevokeReason != models.RevokedByReplace {
				t.Errorf("signed in as %q; the earlier one: %q", d.Name, device(t, s, old).RevokeReason)
			}
			e := events(t, s, c.before.ID)
			i := slices.IndexFunc(e, func(e models.Event) bool { return e.Kind == models.EventSignOut && e.DeviceID.UUID == old.ID })
			if i < 0 || e[i].Detail != string(models.RevokedByReplace) || e[i].DeviceName != old.Name {
				t.Errorf("no sign-out is told among %+v", e)
			}
			if _, _, err := s.RevokeDevice(t.Context(), models.DeviceKey{UserID: d.UserID, ID: d.ID}, event(models.EventDeviceRevoked, d.UserID, noon)); err != nil {
				t.Fatal(err)
			}
			again := signIn(c.now.ID, models.KindBrowser, "other", noon)
			again.Replace = n.Replace // revoked already: no second event
			told := len(events(t, s, c.before.ID))
			if gone := add(t, s, again); c.before.ID != c.now.ID && len(events(t, s, c.before.ID)) != told {
				t.Errorf("a revoked browser was replaced again by %v", gone.ID)
			}
			if _, err := s.RevokeOthers(t.Context(), c.now.ID, uuid.Nil, event(models.EventDevicesRevoked, c.now.ID, noon)); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestASignInUpgradesTheHashItVerified(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		n := signIn(u.ID, models.KindApp, "phone", noon)
		n.Rehashed = "hash-2"
		add(t, s, n)
		if got, err := s.UserByID(t.Context(), u.ID); err != nil || got.PasswordHash != "hash-2" || !got.PasswordChangedAt.Equal(noon) {
			t.Errorf("%+v %v", got, err)
		}
	})
}

// "Sign out everywhere else" and a sign-in in a known browser lock the same rows in different orders.
func TestRevokingTheOthersDuringASignInGivesNoErrors(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		var failed atomic.Int64
		hurry(s, 25, 15, func() {
			u := addUser(t, s)
			var last models.DeviceKey
			for range 6 {
				d, err := s.AddDevice(t.Context(), signIn(u.ID, models.KindBrowser, "browser", noon))
				if err != nil {
					t.Error(err)
					return
				}
				last = models.DeviceKey{UserID: d.UserID, ID: d.ID}
			}
			together(4, func(i int) {
				var err error
				if i%2 == 0 {
					n := signIn(u.ID, models.KindBrowser, "browser", noon.Add(lifetime))
					n.Replace = &last
					_, err = s.AddDevice(t.Context(), n)
				} else {
					_, err = s.RevokeOthers(t.Context(), u.ID, uuid.Nil, event(models.EventDevicesRevoked, u.ID, noon))
				}
				if err != nil {
					failed.Add(1)
					if !strings.Contains(err.Error(), "deadlock") {
						t.Error(err)
					}
				}
			})
		})
		if n := failed.Load(); n > 0 {
			t.Errorf("%d were victims of a deadlock", n)
		}
	})
}
