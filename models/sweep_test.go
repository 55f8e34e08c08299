package models_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"latchkey/models"
	"latchkey/models/modelstest"
)

func TestASweepDeletesOnlyWhatIsPastRetention(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		const us = time.Microsecond
		zone := time.FixedZone("", 11*3600)
		u := addUser(t, s)
		ended := func(name string, expires, revoked time.Time) {
			n := signIn(u.ID, models.KindApp, name, noon)
			n.Device.ExpiresAt = expires
			n.Live.Now = noon.Add(-time.Hour) // so that nothing is retired by the next sign-in
			d := add(t, s, n)
			if !revoked.IsZero() {
				if _, _, err := s.RevokeDevice(t.Context(), models.DeviceKey{UserID: u.ID, ID: d.ID}, event(models.EventDeviceRevoked, u.ID, revoked)); err != nil {
					t.Fatal(err)
				}
			}
		}
		later := noon.Add(lifetime)
		ended("live", later, time.Time{})
		ended("expired before", noon.Add(-us), time.Time{})
		ended("expired then", noon, time.Time{})
		ended("revoked before", later, noon.Add(-us))
		ended("revoked then", later, noon)
		exec(t, s, "DELETE FROM events")
		for _, at := range []time.Time{noon.Add(-us), noon, noon.Add(us)} {
			if err := s.AddEvent(t.Context(), event(models.EventSignIn, u.ID, at)); err != nil {
				t.Fatal(err)
			}
			if _, err := s.IncrementCounters(t.Context(), [][]byte{[]byte(at.String())}, at, at.Add(-time.Hour)); err != nil {
				t.Fatal(err)
			}
			n := signIn(u.ID, models.KindBrowser, "place", at)
			n.Device.ExpiresAt, n.KnownOrigins, n.Event.At = later, [][]byte{[]byte(at.String())}, later
			add(t, s, n)
		}
		for _, r := range []struct {
			name string
			models.Retention
			deleted int64
		}{
			{"nothing is past", models.Retention{}, 0},
			{"devices", models.Retention{DevicesBefore: noon.In(zone)}, 2},
			{"events", models.Retention{EventsBefore: noon.In(zone)}, 1},
			{"attempts", models.Retention{CountersBefore: noon.Add(time.Hour).In(zone)}, 1},
			{"places", models.Retention{KnownOriginsBefore: noon.In(zone)}, 1},
			{"all of it once more", models.Retention{DevicesBefore: noon, EventsBefore: noon, CountersBefore: noon.Add(time.Hour), KnownOriginsBefore: noon}, 0},
		} {
			if n, err := s.Sweep(t.Context(), r.Retention); err != nil || n != r.deleted {
				t.Errorf("%s: deleted %d, %v; want %d", r.name, n, err, r.deleted)
			}
		}
		want := map[string]int64{"devices": 6, "events": 5, "attempts": 2, "known_places": 2, "users": 1}
		got := map[string]int64{}
		for table := range want {
			got[table] = count(t, s, "SELECT count(*) FROM "+table)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// addEvents writes many events directly into the database.
func addEvents(t *testing.T, s *models.Store, n int) {
	t.Helper()
	var rows []string
	for range n {
		rows = append(rows, fmt.Sprintf("('%s', '%s', ?, 'sign_in', 'owner')", uuid.Nil, uuid.New()))
	}
	at := any(noon)
	if s.Dialect() == "sqlite" {
		at = noon.UnixMicro()
	}
	for i, row := range rows {
		rows[i] = strings.Replace(row, "?", map[bool]string{true: fmt.Sprint(at), false: "'2026-03-01 12:00:00+00'"}[s.Dialect() == "sqlite"], 1)
	}
	exec(t, s, "INSERT INTO events (user_id, id, at, kind, actor) VALUES "+strings.Join(rows, ", "))
}

func TestASweepGoesOnInBatches(t *testing.T) {
	modelstest.EachURL(t, func(t *testing.T, url string) {
		var deletes atomic.Int64
		s := migrated(t, models.Config{URL: url, OnStatement: func(sql string) {
			if strings.HasPrefix(sql, "DELETE FROM events") {
				deletes.Add(1)
			}
		}})
		addEvents(t, s, 1_201)
		n, err := s.Sweep(t.Context(), models.Retention{EventsBefore: noon.Add(time.Hour)})
		if err != nil || n != 1_201 || deletes.Load() < 3 {
			t.Errorf("deleted %d in %d batches, %v", n, deletes.Load(), err)
		}
	})
}

func TestASweepStopsWhenItsContextEnds(t *testing.T) {
	modelstest.EachURL(t, func(t *testing.T, url string) {
		ctx, cancel := context.WithCancel(t.Context())
		s := migrated(t, models.Config{URL: url, OnStatement: func(sql string) {
			if strings.HasPrefix(sql, "DELETE FROM events") {
				cancel()
			}
		}})
		addEvents(t, s, 1_001)
		past := models.Retention{EventsBefore: noon.Add(time.Hour)}
		if n, err := s.Sweep(ctx, past); err != nil || n != 100 {
			t.Errorf("deleted %d, %v; want one batch and no error", n, err)
		}
		if n, err := s.Sweep(t.Context(), past); err != nil || n != 901 {
			t.Errorf("the next sweep deleted %d, %v", n, err)
		}
	})
}

func TestSigningKeysAreSharedByAllReplicas(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		key := func(kid string, seq int64) models.SigningKey {
			return models.SigningKey{KID: kid, Alg: "ES256", Seq: seq, CreatedAt: noon, SignsFrom: noon.Add(time.Hour), Sealed: []byte("seal of " + kid)}
		}
		keys := func() []models.SigningKey {
			list, err := s.SigningKeys(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return list
		}
		together(10, func(i int) {
			if err := s.AddSigningKey(t.Context(), key(fmt.Sprintf("first-%d", i), 1)); err != nil {
				t.Error(err)
			}
		})
		if got := keys(); len(got) != 1 || cmp.Diff(key(got[0].KID, 1), got[0]) != "" {
			t.Fatalf("ten replicas made %+v", got)
		}
		first := keys()[0]
		if err := s.AddSigningKey(t.Context(), key("second", 2)); err != nil {
			t.Fatal(err)
		}
		if err := s.AddSigningKey(t.Context(), key("second", 3)); err != nil || len(keys()) != 2 {
			t.Errorf("the same kid again: %v, %d keys", err, len(keys()))
		}

		now := noon.Add(30 * time.Minute).In(time.FixedZone("", 3600))
		if err := s.AdvanceSigningKey(t.Context(), first.KID, now); err != nil || !keys()[0].SignsFrom.Equal(now) {
			t.Errorf("advance: %v, signs from %v", err, keys()[0].SignsFrom)
		}
		for name, kid := range map[string]string{"signs already": first.KID, "unknown": "nobody"} {
			if err := s.AdvanceSigningKey(t.Context(), kid, now); !errors.Is(err, models.ErrNotFound) {
				t.Errorf("advance a key that is %s: %v", name, err)
			}
		}

		reseal := func(old, sealed string) {
			if err := s.ResealSigningKey(t.Context(), first.KID, []byte(old), []byte(sealed)); err != nil {
				t.Error(err)
			}
		}
		reseal(string(first.Sealed), "new")
		reseal(string(first.Sealed), "late")
		if got := string(keys()[0].Sealed); got != "new" || string(keys()[1].Sealed) != "seal of second" {
			t.Errorf("resealed to %q", got)
		}

		if err := s.DeleteSigningKeys(t.Context(), nil); err != nil || len(keys()) != 2 {
			t.Errorf("delete none: %v", err)
		}
		if err := s.DeleteSigningKeys(t.Context(), []string{first.KID, "nobody"}); err != nil || len(keys()) != 1 || keys()[0].KID != "second" {
			t.Errorf("delete: %v, %+v", err, keys())
		}
	})
}
