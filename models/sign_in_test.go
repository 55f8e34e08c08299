package models_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"latchkey/models"
	"latchkey/models/modelstest"
)

func TestWhatASignInNeedsComesInOneStatement(t *testing.T) {
	modelstest.EachURL(t, func(t *testing.T, url string) {
		sent := 0
		s := migrated(t, models.Config{URL: url, OnStatement: func(string) { sent++ }})
		u := addUser(t, s)
		now := u.CreatedAt
		a, b, old := []byte("key a"), []byte("key b"), []byte("key c")
		for range 2 {
			if _, err := s.IncrementCounters(t.Context(), [][]byte{a, b}, now, now.Add(-time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.IncrementCounters(t.Context(), [][]byte{old}, now.Add(-time.Hour), now.Add(-2*time.Hour)); err != nil {
			t.Fatal(err)
		}
		want, err := s.UserByEmail(t.Context(), u.EmailKey)
		if err != nil {
			t.Fatal(err)
		}
		for name, c := range map[string]struct {
			email    string
			keys     [][]byte
			found    bool
			attempts int
		}{
			"account, all keys":          {u.EmailKey, [][]byte{a, b, old}, true, 2},
			"account, a key that is new": {u.EmailKey, [][]byte{[]byte("key d")}, true, 0},
			"no account":                 {"nobody@example.com", [][]byte{a, b, old}, false, 2},
			"no account and no failure":  {"nobody@example.com", [][]byte{[]byte("key d")}, false, 0},
		} {
			sent = 0
			facts, err := s.SignInFacts(t.Context(), models.SignInQuestion{EmailKey: c.email, ClientID: "app", Keys: c.keys, At: now.Add(time.Minute)})
			if err != nil || sent != 1 || facts.Found() != c.found || !facts.Allowed || len(facts.Counters) != c.attempts {
				t.Errorf("%s: %+v %v, %d statements", name, facts, err, sent)
				continue
			}
			if c.found && facts.User != want {
				t.Errorf("%s: %+v, want %+v", name, facts.User, want)
			}
			for _, attempt := range facts.Counters {
				if !slices.ContainsFunc([][]byte{a, b}, func(k []byte) bool { return bytes.Equal(k, attempt.Key) }) || attempt.Count != 2 || !attempt.WindowStart.Equal(now) {
					t.Errorf("%s: %+v", name, attempt)
				}
			}
		}
	})
}

// A status index that another device has is not given twice: the sign-in tries the next one.
func TestASignInTriesStatusIndexesUntilOneIsFree(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		for i := range int64(10) {
			n := signIn(u.ID, models.KindApp, "phone", noon)
			n.StatusIndex = func(try int) int64 { return int64(try) } // the first i are taken
			if d := add(t, s, n); d.StatusIndex == nil || *d.StatusIndex != i {
				t.Fatalf("device %d got index %v", i, d.StatusIndex)
			}
		}
		devices, err := s.LiveDevices(t.Context(), u.ID, live(noon))
		if err != nil || len(devices) != 10 {
			t.Errorf("%d devices for 10 sign-ins, %v", len(devices), err)
		}
	})
}

func TestAPanicLeavesNoTransactionOpen(t *testing.T) {
	t.Parallel()
	url := modelstest.Postgres(t)
	s := migrated(t, models.Config{URL: url, Conns: 4})
	watcher := open(t, models.Config{URL: url, Conns: 4}) // the pool itself would throw the connection away on its next use
	u := addUser(t, s)
	n := signIn(u.ID, models.KindApp, "phone", noon)
	n.FreeName = func(func(string) bool) string { panic("no name") }
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_, _ = s.AddDevice(t.Context(), n)
	}()
	if open := count(t, watcher, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'"); open != 0 {
		t.Errorf("%d transactions are still open", open)
	}
	addApp(t, s, u.ID, "phone")
}
