package models_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"latchkey/models"
	"latchkey/models/modelstest"
)

func TestASignInSpendsItsBudgetAndGivesBackWhatWasReserved(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		const window = 15 * time.Minute
		key, other := []byte("failures"), []byte("others")
		counter := func(k []byte) int64 {
			t.Helper()
			list, err := s.Counters(t.Context(), [][]byte{k}, noon)
			if err != nil {
				t.Fatal(err)
			}
			if len(list) == 0 {
				return 0
			}
			return list[0].Count
		}
		signInAt := func(at time.Time, uncount []models.Counter) error {
			n := signIn(u.ID, models.KindApp, "phone", at)
			n.Spend, n.Uncount = []models.Budget{{Key: []byte("short"), Most: 2, Window: window}, {Key: []byte("day"), Most: 3, Window: 24 * time.Hour}}, uncount
			_, err := s.AddDevice(t.Context(), n)
			return err
		}
		for range 3 {
			if _, err := s.IncrementCounters(t.Context(), [][]byte{key, other}, noon, noon.Add(-window)); err != nil {
				t.Fatal(err)
			}
		}
		reserved, err := s.IncrementCounters(t.Context(), [][]byte{key}, noon, noon.Add(-window))
		if err != nil || counter(key) != 4 {
			t.Fatal(counter(key), err)
		}
		if err := signInAt(noon, reserved); err != nil || counter(key) != 3 || counter(other) != 3 {
			t.Errorf("%v, %d left of the caller's, %d of another's", err, counter(key), counter(other))
		}
		stale := []models.Counter{reserved[0]}
		stale[0].WindowStart = noon.Add(-window)
		if err := signInAt(noon, stale); err != nil || counter(key) != 3 {
			t.Errorf("of a window that is over: %v, %d", err, counter(key))
		}
		devices := count(t, s, "SELECT count(*) FROM devices")
		if err := signInAt(noon, reserved); !errors.Is(err, models.ErrSpent) || counter(key) != 3 || count(t, s, "SELECT count(*) FROM devices") != devices {
			t.Errorf("past the budget: %v, %d", err, counter(key))
		}
		if err := signInAt(noon.Add(window), nil); err != nil {
			t.Errorf("in the next window: %v", err)
		}
		if err := signInAt(noon.Add(window), nil); !errors.Is(err, models.ErrSpent) {
			t.Errorf("past the day's budget: %v", err)
		}
		if err := signInAt(noon.Add(-365*24*time.Hour), nil); err != nil { // the counters are of a clock that was a year ahead
			t.Errorf("after the clock was set back: %v", err)
		}
		exec(t, s, "UPDATE attempts SET ends_at = NULL") // as an earlier release writes them
		if err := signInAt(noon, nil); err != nil {
			t.Errorf("beside an earlier release: %v", err)
		}
	})
}

// The network is among the oldest and among the latest: nine marks of either are left.
func TestAnAccountKnowsItsOldestAndItsLatestOrigins(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u, other := addUser(t, s), addUser(t, s)
		for i := range 60 {
			for _, who := range []models.User{u, other} {
				n := signIn(who.ID, models.KindBrowser, "browser", noon.Add(time.Duration(i)*time.Minute))
				n.Max, n.KnownOrigins = 2, [][]byte{[]byte("network"), fmt.Appendf(nil, "mark %d", i)}
				add(t, s, n)
			}
		}
		for i := range 60 {
			known, err := s.KnownOrigin(t.Context(), u.ID, [][]byte{fmt.Appendf(nil, "mark %d", i)}, noon.Add(-time.Hour))
			if err != nil || known != (i < 9 || i >= 60-9) {
				t.Errorf("mark %d: known %v %v", i, known, err)
			}
		}
		if n := count(t, s, "SELECT count(*) FROM known_places"); n != 2*19 {
			t.Errorf("%d known origins of two accounts", n)
		}
	})
}

// Origins dated by a clock that was a year ahead do not stay known for that year, and do not displace the ones in use.
func TestOriginsOfAClockThatWasAheadAreForgotten(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		from := func(at time.Time, mark string) {
			n := signIn(u.ID, models.KindBrowser, "browser", at)
			n.Max, n.KnownOrigins = 100, [][]byte{[]byte(mark)}
			add(t, s, n)
		}
		for i := range 30 {
			from(noon.AddDate(1, 0, 0), fmt.Sprint("ahead ", i))
		}
		from(noon, "now")
		for mark, want := range map[string]bool{"now": true, "ahead 29": false} {
			if known, err := s.KnownOrigin(t.Context(), u.ID, [][]byte{[]byte(mark)}, noon.Add(-time.Hour)); err != nil || known != want {
				t.Errorf("%s: known %v, %v", mark, known, err)
			}
		}
	})
}

func TestAFailureThatSharesAnEventIsCountedThere(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		e := event(models.EventSignInFailed, u.ID, noon)
		e.ID = models.NewID(noon)
		together(8, func(int) {
			if err := s.AddFailure(t.Context(), e); err != nil {
				t.Error(err)
			}
		})
		list, err := s.Events(t.Context(), u.ID, models.EventCursor{}, 10)
		if err != nil || list[0].More != 7 || list[0].Kind != models.EventSignInFailed {
			t.Errorf("%+v %v", list, err)
		}
		counts, err := s.DailyCounts(t.Context(), []models.EventKind{models.EventSignInFailed}, noon.Add(-24*time.Hour), noon.Add(24*time.Hour))
		var n int64
		for _, c := range counts {
			n += c.N
		}
		if err != nil || n != 8 {
			t.Errorf("%+v %v", counts, err)
		}
		gone := event(models.EventSignInFailed, models.NewID(noon), noon)
		gone.ID = e.ID
		if err := s.AddFailure(t.Context(), gone); !errors.Is(err, models.ErrNotFound) {
			t.Errorf("of an account that is gone: %v", err)
		}
	})
}
