package models_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// A statement that is prepared once for all callers can deadlock them: the one that prepares waits for a connection, and the one
// with the last connection waits for the prepared statement.
func TestTheFirstUseOfAStatementCausesNoDeadlock(t *testing.T) {
	modelstest.EachURL(t, func(t *testing.T, url string) {
		s := migrated(t, models.Config{URL: url})
		u := addUser(t, s)
		for range 20 {
			fresh := open(t, models.Config{URL: url, Conns: 1})
			together(40, func(i int) {
				e, err := event(models.EventSignInFailed, u.ID, noon), error(nil)
				if i%2 == 0 {
					err = fresh.AddEvent(t.Context(), e)
				} else {
					err = fresh.SetRole(t.Context(), u.ID, models.RoleUser, e)
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
	})
}

func TestACallerWhoHangsUpDoesNotFailOthers(t *testing.T) {
	modelstest.EachURL(t, func(t *testing.T, url string) {
		s := migrated(t, models.Config{URL: url})
		u := addUser(t, s)
		for range 20 {
			fresh := open(t, models.Config{URL: url, Conns: 4})
			together(20, func(i int) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if i%2 == 0 {
					time.AfterFunc(time.Duration(i)*100*time.Microsecond, cancel)
				}
				_, err := fresh.UserByID(ctx, u.ID)
				if err != nil && (i%2 == 1 || !errors.Is(err, models.ErrUnavailable)) {
					t.Errorf("caller %d: %v", i, err)
				}
			})
			if err := fresh.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// A replica of the next version adds a column while this one serves. A statement with an old plan (PostgreSQL: "cached plan
// must not change result type") is planned again, inside and outside transactions.
func TestAColumnAddedWhileServingFailsNothing(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		d := addApp(t, s, u.ID, "phone")
		stolen := addApp(t, s, u.ID, "stolen")
		rotate(t, s, present(stolen, 1, noon))
		acts := map[string]func() error{
			"a read":  func() error { _, err := s.Device(t.Context(), u.ID, d.ID); return err },
			"a write": func() error { _, err := s.IncrementCounters(t.Context(), [][]byte{{1}}, noon, noon); return err },
			"a sign-in": func() error {
				_, err := s.AddDevice(t.Context(), signIn(u.ID, models.KindBrowser, "browser", noon))
				return err
			},
			"a refusal": func() error { _, err := s.RotateDevice(t.Context(), present(stolen, 0, noon)); return err },
		}
		everywhere := func() {
			for name, act := range acts {
				together(8, func(int) {
					if err := act(); err != nil {
						t.Errorf("%s: %v", name, err)
					}
				})
			}
		}
		everywhere() // every connection has its plans
		for _, table := range []string{"devices", "users", "events", "attempts"} {
			exec(t, s, "ALTER TABLE "+table+" ADD COLUMN later text NOT NULL DEFAULT ''")
		}
		everywhere()
	})
}

func TestAUsualRefreshIsExactlyOneStatement(t *testing.T) {
	modelstest.EachURL(t, func(t *testing.T, url string) {
		var sent atomic.Int64
		s := migrated(t, models.Config{URL: url, OnStatement: func(string) { sent.Add(1) }})
		u := addUser(t, s)
		d := addApp(t, s, u.ID, "phone")
		for _, step := range []struct {
			name       string
			generation int64
			after      time.Duration
			want       models.Outcome
			statements int64
		}{
			{"rotated", 1, 0, models.Rotated, 1},
			{"repeated", 1, time.Second, models.Repeated, 1},
			{"forked", 1, time.Minute, models.Forked, 1},
			{"rotated from the second child", 3, time.Minute, models.Rotated, 1},
			{"restored, with its event", 9, time.Minute, models.Restored, 4},
			{"reused, with its event", 2, time.Minute, models.Reused, 3},
			{"revoked", 10, time.Minute, models.Revoked, 4},
		} {
			sent.Store(0)
			got := rotate(t, s, present(d, step.generation, noon.Add(step.after)))
			if got.Outcome != step.want || sent.Load() != step.statements {
				t.Errorf("%s: outcome %d with %d statements, want %d with %d", step.name, got.Outcome, sent.Load(), step.want, step.statements)
			}
		}
	})
}

// PostgreSQL's own count of transactions agrees, so no statement bypasses OnStatement.
func TestPostgresCountsOneTransactionForEachRefresh(t *testing.T) {
	s := migrated(t, models.Config{URL: modelstest.Postgres(t), Conns: 1})
	u := addUser(t, s)
	d := addApp(t, s, u.ID, "phone")
	rotate(t, s, present(d, 1, noon)) // prepares
	const n = 50
	commits := func() int64 {
		exec(t, s, "SELECT pg_stat_force_next_flush()")
		return count(t, s, "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")
	}
	commits() // prepares, too
	second := commits()
	before := commits()
	empty := before - second // what counting costs itself
	for g := range int64(n) {
		if r := rotate(t, s, present(d, g+2, noon)); r.Outcome != models.Rotated {
			t.Fatal(r.Outcome)
		}
	}
	if got := commits() - before - empty; got != n {
		t.Errorf("%d refreshes cost %d transactions", n, got)
	}
}
