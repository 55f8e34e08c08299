package models_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/models"
	"latchkey/models/modelstest"
)

func names(list []models.NamedDevice) []string {
	var all []string
	for _, d := range list {
		all = append(all, strings.TrimSpace(d.Device.Name+" "+d.ClientName))
	}
	return all
}

func TestAnOverviewTellsLiveDevicesFromEndedOnes(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u, stranger := addUser(t, s), addUser(t, s)
		addApp(t, s, stranger.ID, "stranger's")
		if err := s.AddClient(t.Context(), models.Client{ID: "app-1", Name: "Notes", CreatedAt: noon}); err != nil {
			t.Fatal(err)
		}
		addAt := func(kind, name string, at time.Time) models.Device { return add(t, s, signIn(u.ID, kind, name, at)) }
		revoke := func(d models.Device, at time.Time) {
			e := event(models.EventDeviceRevoked, u.ID, at)
			e.Detail = string(models.RevokedByOwner)
			if _, _, err := s.RevokeDevice(t.Context(), models.DeviceKey{UserID: u.ID, ID: d.ID}, e); err != nil {
				t.Fatal(err)
			}
		}
		now := noon.Add(40 * 24 * time.Hour)
		addAt(models.KindApp, "idle", now.Add(-35*24*time.Hour))
		long := addAt(models.KindApp, "out long ago", noon)
		revoke(long, noon.Add(time.Hour))
		for i, name := range []string{"out first", "out second", "out last"} {
			revoke(addAt(models.KindApp, name, now.Add(-time.Hour)), now.Add(time.Duration(i)*time.Minute))
		}
		addAt(models.KindBrowser, "browser", now.Add(-time.Minute))
		addAt(models.KindApp, "phone", now)

		current, ended, err := s.DeviceOverview(t.Context(), u.ID, live(now), now.Add(-36*24*time.Hour), 10)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := names(current), []string{"phone Notes", "browser"}; !slices.Equal(got, want) {
			t.Errorf("live: %q, want %q", got, want)
		}
		if got, want := names(ended), []string{"out last Notes", "out second Notes", "out first Notes", "idle Notes"}; !slices.Equal(got, want) {
			t.Errorf("ended: %q, want %q", got, want)
		}
		first := ended[0].Device
		if want := device(t, s, first); !first.LastSeenAt.Equal(want.LastSeenAt) || first.RevokedAt == nil || !first.RevokedAt.Equal(*want.RevokedAt) || first.RevokeReason != models.RevokedByOwner {
			t.Errorf("the overview shows %+v, the row is %+v", first, want)
		}
		if _, ended, err = s.DeviceOverview(t.Context(), u.ID, live(now), now.Add(-36*24*time.Hour), 2); err != nil || !slices.Equal(names(ended), []string{"out last Notes", "out second Notes"}) {
			t.Errorf("two of the ended: %q, %v", names(ended), err)
		}
	})
}

func TestEventsOfSomeKindsAreTheSameAsAllEventsSifted(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s).ID
		exec(t, s, "DELETE FROM events")
		all := []models.EventKind{models.EventSignIn, models.EventDeviceForked, models.EventDeviceReused, models.EventSignOut}
		for i := range 60 {
			e := event(all[i%len(all)], u, noon.Add(time.Duration(i/7)*time.Minute))
			e.ID, e.Detail = uuid.New(), fmt.Sprint(i%3)
			if err := s.AddEvent(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
		wanted := []models.EventFilter{{Kind: models.EventDeviceForked, Detail: "1"}, {Kind: models.EventSignOut}}
		var sifted []uuid.UUID
		for _, e := range events(t, s, u) {
			if e.Kind == models.EventSignOut || e.Kind == models.EventDeviceForked && e.Detail == "1" {
				sifted = append(sifted, e.ID)
			}
		}
		var paged []uuid.UUID
		for cursor := (models.EventCursor{}); ; {
			page, err := s.EventsOfKinds(t.Context(), u, wanted, cursor, 4)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			for _, e := range page {
				paged, cursor = append(paged, e.ID), models.EventCursor{At: e.At, ID: e.ID}
			}
		}
		if len(sifted) == 0 || !slices.Equal(paged, sifted) {
			t.Errorf("%d events in pages, want %d", len(paged), len(sifted))
		}
		since, err := s.EventsSince(t.Context(), u, wanted, noon.Add(7*time.Minute), 100)
		if err != nil || len(since) == 0 || slices.ContainsFunc(since, func(e models.Event) bool { return !e.At.After(noon.Add(7 * time.Minute)) }) {
			t.Errorf("since: %v, %v", since, err)
		}
	})
}

func TestDismissingAlertsNeverGoesBack(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		for _, c := range []struct{ until, want time.Time }{{noon, noon}, {noon.Add(time.Hour), noon.Add(time.Hour)}, {noon, noon.Add(time.Hour)}} {
			if err := s.DismissAlerts(t.Context(), u.ID, c.until); err != nil {
				t.Fatal(err)
			}
			if got, err := s.UserByID(t.Context(), u.ID); err != nil || got.AlertsSeenAt == nil || !got.AlertsSeenAt.Equal(c.want) {
				t.Errorf("until %v: %v, %v", c.until, got.AlertsSeenAt, err)
			}
		}
	})
}

// SQLite says how it would search, whatever the tables hold.
func TestSQLiteFindsThePagesRowsByAnIndex(t *testing.T) {
	var mu sync.Mutex
	var sent []string
	s := migrated(t, models.Config{URL: modelstest.SQLite(t), OnStatement: func(sql string) {
		mu.Lock()
		defer mu.Unlock()
		sent = append(sent, sql)
	}})
	u, ctx := uuid.New(), t.Context()
	for name, call := range pageQueries(s, u) {
		sent = nil
		if err := call(); err != nil || len(sent) != 1 {
			t.Fatalf("%s: %v, %d statements", name, err, len(sent))
		}
		rows, err := s.Pools()[0].QueryContext(ctx, "EXPLAIN QUERY PLAN "+sent[0], make([]any, strings.Count(sent[0], "?"))...)
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, sent[0])
		}
		var plan []string
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				t.Fatal(err)
			}
			plan = append(plan, detail)
		}
		rows.Close()
		got := strings.Join(plan, "\n")
		if strings.Contains(got, "SCAN events") || strings.Contains(got, "SCAN devices") || strings.Contains(got, "SCAN users") || !strings.Contains(got, " INDEX ") {
			t.Errorf("%s: %s\n%s", name, sent[0], got)
		}
		if strings.HasPrefix(name, "events of kinds") && !strings.Contains(got, "events_of_kind (user_id=? AND kind=?") {
			t.Errorf("%s does not use the index of kinds:\n%s", name, got)
		}
		if strings.HasPrefix(name, "events of a device") && !strings.Contains(got, "events_of_device (user_id=? AND device_id=?") {
			t.Errorf("%s does not use the index of devices:\n%s", name, got)
		}
	}
}

// pageQueries are what the pages of lists ask, each in one statement.
func pageQueries(s *models.Store, u uuid.UUID) map[string]func() error {
	warnings := []models.EventFilter{{Kind: models.EventDeviceReused}, {Kind: models.EventDeviceForked, Detail: "third child"}}
	cursor := models.EventCursor{At: noon, ID: uuid.New()}
	return map[string]func() error{
		"the overview": func() error {
			_, _, err := s.DeviceOverview(context.Background(), u, live(noon), noon, 10)
			return err
		},
		"events":                  func() error { return second(s.Events(context.Background(), u, models.EventCursor{}, 50)) },
		"events from a cursor on": func() error { return second(s.Events(context.Background(), u, cursor, 50)) },
		"events of kinds": func() error {
			return second(s.EventsOfKinds(context.Background(), u, warnings, models.EventCursor{}, 50))
		},
		"events of kinds, further": func() error { return second(s.EventsOfKinds(context.Background(), u, warnings, cursor, 50)) },
		"events of a device": func() error {
			return second(s.EventsOfDevice(context.Background(), models.DeviceKey{UserID: u, ID: u}, models.EventCursor{}, 50))
		},
		"events of a device, further": func() error {
			return second(s.EventsOfDevice(context.Background(), models.DeviceKey{UserID: u, ID: u}, cursor, 50))
		},
		"devices that are kept": func() error {
			return second(s.KeptDevices(context.Background(), u, []uuid.UUID{u, uuid.New()}))
		},
		"events of kinds since": func() error { return second(s.EventsSince(context.Background(), u, warnings, noon, 50)) },
	}
}
