package models_test

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// addTold registers a client that wants to be told of sign-outs, and one that does not.
func addTold(t testing.TB, s *models.Store) {
	t.Helper()
	for _, c := range []models.Client{
		{ID: "told", Name: "Told", CreatedAt: noon, BackchannelLogoutURI: "https://told.example/out"}, {ID: "untold", Name: "Untold", CreatedAt: noon},
	} {
		if err := s.AddClient(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
}

func addAppOf(t testing.TB, s *models.Store, userID uuid.UUID, client, name string) models.Device {
	t.Helper()
	n := signIn(userID, models.KindApp, name, noon)
	n.Device.ClientID = client
	return add(t, s, n)
}

// notices are the devices whose end clients are told, in order.
func notices(t testing.TB, s *models.Store, at time.Time) (ids []uuid.UUID) {
	t.Helper()
	for _, client := range []string{"told", "untold", "app-1"} {
		list, err := s.DueLogoutNotices(t.Context(), client, at, 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range list {
			if n.ClientID != client || n.UserID == uuid.Nil || !n.CreatedAt.Equal(at) || n.Tries != 0 {
				t.Errorf("notice %+v", n)
			}
			ids = append(ids, n.DeviceID)
		}
	}
	return inOrder(ids)
}

// house is an account with two apps of a client that is told, and other devices.
type house struct {
	models.User
	told, tablet, untold, other, browser models.Device
}

func addHouse(t testing.TB, s *models.Store) house {
	t.Helper()
	u := addUser(t, s)
	h := house{User: u, told: addAppOf(t, s, u.ID, "told", "phone"), tablet: addAppOf(t, s, u.ID, "told", "tablet"), untold: addAppOf(t, s, u.ID, "untold", "watch")}
	h.other, h.browser = addApp(t, s, u.ID, "car"), add(t, s, signIn(u.ID, models.KindBrowser, "browser", noon))
	return h
}

// Each act that revokes devices tells the clients of exactly those.
func TestEachRevocationLeavesOneNoticeForAClientThatIsTold(t *testing.T) {
	at := noon.Add(time.Hour)
	revoked := func(h house) models.Event { return event(models.EventDeviceRevoked, h.ID, at) }
	ways := map[string]struct {
		act  func(t *testing.T, s *models.Store, h house) error
		both bool // the tablet, too
	}{
		"one device": {func(t *testing.T, s *models.Store, h house) error {
			for range 2 { // the second time it is out already
				for _, d := range []models.Device{h.told, h.untold, h.other, h.browser} {
					if _, _, err := s.RevokeDevice(t.Context(), models.DeviceKey{UserID: h.ID, ID: d.ID}, revoked(h)); err != nil {
						return err
					}
				}
			}
			return nil
		}, false},
		"RFC 7009": {func(t *testing.T, s *models.Store, h house) error {
			return s.RevokeBySecret(t.Context(), models.DeviceKey{UserID: h.ID, ID: h.told.ID}, secretOf(h.told.ID), "", nil, revoked(h))
		}, false},
		"all others": {func(t *testing.T, s *models.Store, h house) error {
			return second(s.RevokeOthers(t.Context(), h.ID, h.tablet.ID, revoked(h)))
		}, false},
		"a selection": {func(t *testing.T, s *models.Store, h house) error {
			return second(s.RevokeSelected(t.Context(), h.ID, []uuid.UUID{h.told.ID, h.tablet.ID, h.browser.ID, h.untold.ID}, revoked(h)))
		}, true},
		"reuse": {func(t *testing.T, s *models.Store, h house) error {
			for i, generation := range []int64{1, 2, 3, 1} {
				r := present(h.told, generation, at.Add(time.Duration(i-3)*time.Minute))
				r.ClientID = "told"
				rotate(t, s, r)
			}
			return nil
		}, false},
		"a new password": {func(t *testing.T, s *models.Store, h house) error {
			return second(s.ChangePassword(t.Context(), models.PasswordChange{UserID: h.ID, Hash: "hash-2", At: at, By: models.ActorOperator, Event: event(models.EventPasswordChanged, h.ID, at)}))
		}, true},
		"a disabled account": {func(t *testing.T, s *models.Store, h house) error {
			return second(s.DisableUser(t.Context(), h.ID, event(models.EventDisabled, h.ID, at), models.MailWithLinks{}))
		}, true},
		"a deleted account": {func(t *testing.T, s *models.Store, h house) error {
			return deleteWhole(t, s, deletion(h.User, at))
		}, true},
	}
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		addTold(t, s)
		addHouse(t, s) // of another account, which stays as it is
		for name, c := range ways {
			h := addHouse(t, s)
			if err := c.act(t, s, h); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			want := []uuid.UUID{h.told.ID}
			if c.both {
				want = append(want, h.tablet.ID)
			}
			if got := notices(t, s, at); !slices.Equal(got, inOrder(want)) {
				t.Errorf("%s: clients are told of %v, want %v", name, got, want)
			}
			exec(t, s, "DELETE FROM logout_notices")
		}
	})
}

func inOrder(ids []uuid.UUID) []uuid.UUID {
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return strings.Compare(a.String(), b.String()) })
	return ids
}

// A client keeps its own time: expiry and idleness are no acts. A revocation that is rolled back leaves nothing.
func TestWhatIsNoRevocationLeavesNoNotice(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		addTold(t, s)
		u := addUser(t, s)
		idle := addAppOf(t, s, u.ID, "told", "phone")
		old := signIn(u.ID, models.KindApp, "old", noon)
		old.Device.ClientID, old.Device.ExpiresAt = "told", noon.Add(time.Hour)
		expired := add(t, s, old)
		at := noon.Add(2 * time.Hour)
		next := signIn(u.ID, models.KindBrowser, "browser", at) // marks them, for it wants to know which names are free
		next.Live.AppSince = noon
		add(t, s, next)
		if device(t, s, idle).RevokeReason != models.RevokedByIdleness || device(t, s, expired).RevokeReason != models.RevokedByExpiry {
			t.Fatal("the devices are not marked")
		}
		gone := addHouse(t, s)
		if _, err := s.RevokeSelected(t.Context(), gone.ID, []uuid.UUID{gone.told.ID, u.ID}, event(models.EventDeviceRevoked, gone.ID, at)); !errors.Is(err, models.ErrNotFound) {
			t.Fatal(err)
		}
		if err := s.DeleteUser(t.Context(), deletion(u, at)); err != nil {
			t.Fatal(err)
		}
		if got := notices(t, s, at); len(got) != 0 {
			t.Errorf("clients are told of %v", got)
		}
	})
}

// A notice costs one statement, and a revocation that no client is told of costs what it did before there were notices.
func TestNoticesCostNothingWhereThereAreNone(t *testing.T) {
	modelstest.EachURL(t, func(t *testing.T, url string) {
		var sent atomic.Int64
		s := migrated(t, models.Config{URL: url, OnStatement: func(string) { sent.Add(1) }})
		addTold(t, s)
		h := addHouse(t, s)
		for _, c := range []struct {
			name string
			want int64
			act  func() error
		}{
			{"a device of a client that is not told", 2, func() error {
				_, _, err := s.RevokeDevice(t.Context(), models.DeviceKey{UserID: h.ID, ID: h.untold.ID}, event(models.EventDeviceRevoked, h.ID, noon))
				return err
			}},
			{"a device of a client that is told", 3, func() error {
				_, _, err := s.RevokeDevice(t.Context(), models.DeviceKey{UserID: h.ID, ID: h.told.ID}, event(models.EventDeviceRevoked, h.ID, noon))
				return err
			}},
			{"the rest, one of a client that is told", 4, func() error {
				return second(s.RevokeOthers(t.Context(), h.ID, uuid.Nil, event(models.EventDeviceRevoked, h.ID, noon)))
			}},
		} {
			sent.Store(0)
			if err := c.act(); err != nil || sent.Load() != c.want {
				t.Errorf("%s: %d statements, want %d (%v)", c.name, sent.Load(), c.want, err)
			}
		}
	})
}

func TestOneReplicaGetsEachNotice(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		addTold(t, s)
		h := addHouse(t, s)
		if _, err := s.RevokeOthers(t.Context(), h.ID, uuid.Nil, event(models.EventDeviceRevoked, h.ID, noon)); err != nil {
			t.Fatal(err)
		}
		if clients, err := s.LogoutClients(t.Context(), noon.Add(-time.Microsecond)); err != nil || len(clients) != 0 {
			t.Errorf("before any is due: %v %v", clients, err)
		}
		clients, err := s.LogoutClients(t.Context(), noon)
		if err != nil || len(clients) != 1 || clients[0].ID != "told" || clients[0].BackchannelLogoutURI == "" {
			t.Fatalf("%v %v", clients, err)
		}
		due, err := s.DueLogoutNotices(t.Context(), "told", noon, 1)
		if err != nil || len(due) != 1 || due[0].UserID != h.ID {
			t.Fatalf("%v %v", due, err)
		}
		var won atomic.Int64
		together(10, func(int) {
			n, err := s.ClaimLogoutNotice(t.Context(), due[0], noon, noon.Add(time.Minute))
			if err == nil && n.Tries == 1 {
				won.Add(1)
			} else if !errors.Is(err, models.ErrNotFound) {
				t.Errorf("%+v %v", n, err)
			}
		})
		if won.Load() != 1 {
			t.Errorf("%d replicas got it", won.Load())
		}
		if err := s.PostponeLogoutNotice(t.Context(), due[0], noon.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		later, err := s.DueLogoutNotices(t.Context(), "told", noon.Add(time.Hour), 10)
		if err != nil || len(later) != 2 || later[1].DeviceID != due[0].DeviceID || later[1].Tries != 1 {
			t.Errorf("an hour later: %+v %v", later, err)
		}
		if err := s.DeleteLogoutNotice(t.Context(), due[0]); err != nil {
			t.Fatal(err)
		}
		if n, err := s.Sweep(t.Context(), models.Retention{NoticesBefore: noon.Add(time.Microsecond)}); err != nil || n != 1 {
			t.Errorf("%d notices are swept, want the other one's (%v)", n, err)
		}
	})
}

// One more statement that revokes devices would forget the notices.
func TestOneStatementRevokesDevices(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	marks := regexp.MustCompile(`UPDATE devices SET\s+revoked_at`)
	var found []string
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(name, "_test.go") {
			found = append(found, slices.Repeat([]string{name}, len(marks.FindAll(text, -1)))...)
		}
	}
	if want := []string{"device_add.go", "device_revoke.go", "incident_batch.go"}; !slices.Equal(found, want) { // the first marks natural ends, the last writes the notices itself
		t.Errorf("devices are revoked in %q, want only in %q: use revoke", found, want)
	}
}
