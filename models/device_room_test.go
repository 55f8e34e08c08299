package models_test

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// room gives a sign-in at most that many places among the devices of its client.
func room(n models.NewDevice, most int, replace bool, budget int64) models.NewDevice {
	n.Room = &models.Room{
		Max: most, ReplaceOldest: replace, Budget: &models.Budget{Key: []byte("room " + n.Device.UserID.String() + n.Device.ClientID), Most: budget, Window: 24 * time.Hour},
		Mail: func(gone []models.Device) models.MailWithLinks {
			return models.MailWithLinks{Mail: &models.OutgoingMail{
				ID: models.NewID(noon), UserID: n.Device.UserID, Kind: fmt.Sprintf("%d made room", len(gone)), CreatedAt: noon, Sealed: sealed,
			}}
		},
	}
	return n
}

func TestTwentySignInsAtOnceNeverExceedTheLimitOfTheirClient(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		for _, replace := range []bool{false, true} {
			u := addUser(t, s)
			const most, budget = 3, 5
			var done, refused atomic.Int64
			together(20, func(i int) {
				_, err := s.AddDevice(t.Context(), room(signIn(u.ID, models.KindApp, "phone", noon.Add(time.Duration(i)*time.Microsecond)), most, replace, budget))
				switch {
				case err == nil:
					done.Add(1)
				case errors.Is(err, models.ErrTooManyDevices):
					refused.Add(1)
				default:
					t.Error(err)
				}
			})
			want := int64(most)
			if replace {
				want += budget
			}
			if live := int64(len(liveNames(t, s, u.ID))); live != most || done.Load() != want || refused.Load() != 20-want {
				t.Errorf("replace %v: %d live, %d signed in, %d refused", replace, live, done.Load(), refused.Load())
			}
			if revoked := countEvents(t, s, u, models.EventDeviceRevoked); revoked != want-most {
				t.Errorf("replace %v: %d events", replace, revoked)
			}
			if mails := count(t, s, "SELECT count(*) FROM mails WHERE user_id = ? AND kind = '1 made room'", u.ID.String()); mails != want-most {
				t.Errorf("replace %v: %d mails", replace, mails)
			}
		}
	})
}

func countEvents(t *testing.T, s *models.Store, u models.User, kind models.EventKind) (n int64) {
	t.Helper()
	for _, e := range events(t, s, u.ID) {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

func TestTheLongestUnseenDeviceOfTheClientMakesRoomAndLeavesItsName(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u, stranger := addUser(t, s), addUser(t, s)
		of := func(user models.User, client, name string, at time.Time) models.NewDevice {
			n := signIn(user.ID, models.KindApp, name, at)
			n.Device.ClientID = client
			return n
		}
		others := []models.Device{ // unseen for longer, but not devices of that client of that account
			add(t, s, of(u, "app-2", "tablet", noon.Add(-time.Hour))), add(t, s, of(stranger, "app-1", "phone", noon.Add(-time.Hour))),
			add(t, s, signIn(u.ID, models.KindBrowser, "browser", noon.Add(-time.Hour))),
		}
		var own []models.Device
		for i := range 4 {
			own = append(own, add(t, s, of(u, "app-1", "phone", noon.Add(time.Duration(i)*time.Minute))))
		}
		at := noon.Add(time.Hour)
		if r := rotate(t, s, present(own[0], 1, at)); r.Outcome != models.Rotated {
			t.Fatalf("%+v", r)
		}
		d := add(t, s, room(of(u, "app-1", "phone (2)", at), 3, true, 1)) // lowered since: two must go
		for i, reason := range []models.EndReason{"", models.RevokedForRoom, models.RevokedForRoom, ""} {
			if got := device(t, s, own[i]); got.RevokeReason != reason || reason != "" && got.RevokedBy != models.ActorSystem {
				t.Errorf("device %d: %q by %q, want %q", i, got.RevokeReason, got.RevokedBy, reason)
			}
		}
		for _, other := range others {
			if device(t, s, other).RevokedAt != nil {
				t.Errorf("%s of %s made room", other.Name, other.ClientID)
			}
		}
		if d.Name != "phone (2)" {
			t.Errorf("the name of a device that made room is still taken: %q", d.Name)
		}
		if _, err := s.AddDevice(t.Context(), room(of(u, "app-1", "phone", at), 3, true, 1)); !errors.Is(err, models.ErrTooManyDevices) {
			t.Errorf("past the budget: %v", err)
		}
		if _, err := s.AddDevice(t.Context(), room(of(u, "app-2", "phone", at), 2, true, 1)); err != nil {
			t.Errorf("another client: %v", err)
		}
		n := room(of(u, "app-1", "phone", at.Add(24*time.Hour)), 3, true, 1)
		n.Max = 4 // of all apps: two of app-2, and one less of app-1
		if _, err := s.AddDevice(t.Context(), n); !errors.Is(err, models.ErrTooManyDevices) {
			t.Errorf("past the limit of all apps: %v", err)
		}
		n.Max = 5
		if _, err := s.AddDevice(t.Context(), n); err != nil {
			t.Errorf("the next day, at the limit of all apps: %v", err)
		}
	})
}

func TestAClientsIdleLimitDecidesWhatIsLive(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		d := add(t, s, signIn(u.ID, models.KindApp, "phone", noon))
		browser := add(t, s, signIn(u.ID, models.KindBrowser, "browser", noon))
		browser.ClientID = d.ClientID
		for name, c := range map[string]struct {
			client string
			since  time.Duration
			want   bool
		}{
			"seen since": {"app-1", -time.Microsecond, true}, "not seen since": {"app-1", 0, false}, "of another client": {"app-2", 0, true},
		} {
			l := live(noon.Add(time.Hour))
			l.Clients = []models.ClientSince{{ClientID: "app-3", Since: noon.Add(time.Hour)}, {ClientID: c.client, Since: noon.Add(c.since)}}
			_, err := s.LiveDevice(t.Context(), u.ID, d.ID, l)
			current, _, overviewErr := s.DeviceOverview(t.Context(), u.ID, l, noon.Add(-time.Hour), 10)
			isCurrent := slices.ContainsFunc(current, func(n models.NamedDevice) bool { return n.Device.ID == d.ID })
			if got := models.DeviceEnd(d, l, models.RoleUser).Live(); got != c.want || (err == nil) != c.want || overviewErr != nil || isCurrent != c.want {
				t.Errorf("%s: live %v, by the database %v, in the overview %v %v", name, got, err, isCurrent, overviewErr)
			}
			if person, err := s.PersonByID(t.Context(), u.ID, l); err != nil || (person.Devices == 2) != c.want {
				t.Errorf("%s: support sees %d devices, %v", name, person.Devices, err)
			}
			if _, err := s.LiveDevice(t.Context(), u.ID, browser.ID, l); err != nil {
				t.Errorf("%s: the browser: %v", name, err)
			}
		}
	})
}

func TestLiveAppsAreCounted(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u, stranger := addUser(t, s), addUser(t, s)
		app := func(user models.User, client string, at time.Time) models.Device {
			n := signIn(user.ID, models.KindApp, "phone", at)
			n.Device.ClientID = client
			return add(t, s, n)
		}
		app(u, "app-1", noon)
		app(u, "app-1", noon)
		app(u, "app-2", noon)
		app(stranger, "app-1", noon)
		add(t, s, signIn(u.ID, models.KindBrowser, "browser", noon))
		for want, l := range map[[2]int]models.Liveness{{3, 2}: live(noon.Add(time.Hour)), {0, 0}: live(noon.Add(10000 * time.Hour))} {
			if all, own, err := s.CountLiveApps(t.Context(), u.ID, "app-1", l); err != nil || [2]int{all, own} != want {
				t.Errorf("%d of %d, want %v, %v", own, all, want, err)
			}
		}
		if all, own, err := s.CountLiveApps(t.Context(), u.ID, "app-3", live(noon.Add(time.Hour))); err != nil || all != 3 || own != 0 {
			t.Errorf("%d of %d, %v", own, all, err)
		}
	})
}
