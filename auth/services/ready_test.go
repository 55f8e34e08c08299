package services_test

import (
	"sync"
	"testing"
	"time"

	"latchkey/auth"
	"latchkey/auth/services"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// steady is a monotonic clock.
type steady struct {
	mu sync.Mutex
	at time.Duration
}

func (c *steady) elapsed() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *steady) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at += d
}

// A database that responds but accepts no writes is not ready once that has lasted for five seconds, whatever its error is. The
// time of day does not matter.
func TestADatabaseThatTakesNothingIsNotReady(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d, clock := newDesk(t, store), &steady{}
		d.change(t, func(c *services.Config) { c.Elapsed = clock.elapsed })
		sql := func(statement string) {
			t.Helper()
			if _, err := store.Pools()[0].ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		ready := func(when string, want bool) {
			t.Helper()
			err := d.Operator.Ready(t.Context())
			if (err == nil) != want || err != nil && (auth.AsError(err).Kind != auth.KindUnavailable || auth.AsError(err).RetryAfter <= 0) {
				t.Errorf("%s: %v", when, err)
			}
		}
		ready("at first", true)
		for _, jump := range []time.Duration{0, -24 * time.Hour, 365 * 24 * time.Hour, -2 * 365 * 24 * time.Hour} {
			sql("ALTER TABLE attempts RENAME TO lost")
			ready("within the second", true)
			clock.advance(time.Second)
			ready("when a write failed", true)
			d.advance(jump)
			clock.advance(4 * time.Second)
			ready("when writes failed for four seconds", true)
			clock.advance(time.Second)
			ready("when writes failed for five seconds", false)
			if _, err := d.Keys.JWKS(t.Context()); err != nil {
				t.Errorf("the key set: %v", err)
			}
			sql("ALTER TABLE lost RENAME TO attempts")
			ready("within the second", false)
			clock.advance(time.Second)
			ready("again", true)
			sql("ALTER TABLE attempts RENAME TO lost")
			clock.advance(time.Second)
			ready("when a write failed once more", true)
			sql("ALTER TABLE lost RENAME TO attempts")
			d.advance(-jump)
			clock.advance(time.Second)
			ready("in the end", true)
		}
		sql(map[string]string{
			"sqlite":   "PRAGMA query_only = 1",
			"postgres": "DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database() || ' SET default_transaction_read_only = on'; END $$",
		}[store.Dialect()])
		if store.Dialect() == "postgres" {
			sql("SET default_transaction_read_only = on") // on the connection that is there; the next ones have it from the start
		}
		clock.advance(time.Second)
		ready("read-only", true)
		clock.advance(5 * time.Second)
		ready("read-only for five seconds", false)
	})
}

func TestAServerWhoseWritesNeverWorkedIsNotReady(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		if _, err := store.Pools()[0].ExecContext(t.Context(), "ALTER TABLE attempts RENAME TO lost"); err != nil {
			t.Fatal(err)
		}
		if err := d.Operator.Ready(t.Context()); err == nil || auth.AsError(err).Kind != auth.KindUnavailable {
			t.Errorf("ready: %v", err)
		}
	})
}

// A client that checks seldom gets the result as soon as one that checks often.
func TestFailingWritesAreWatchedWhileNobodyAsks(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d, clock := newDesk(t, store), &steady{}
		d.change(t, func(c *services.Config) { c.Elapsed = clock.elapsed })
		for _, statement := range []string{"", "ALTER TABLE attempts RENAME TO lost"} {
			if _, err := store.Pools()[0].ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
			clock.advance(time.Second)
			if err := d.Operator.Ready(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		for range 5 {
			clock.advance(time.Second)
			d.Operator.WatchWrites(t.Context())
		}
		if _, err := store.Pools()[0].ExecContext(t.Context(), "ALTER TABLE lost RENAME TO attempts"); err != nil {
			t.Fatal(err)
		}
		clock.advance(time.Second / 2)
		if err := d.Operator.Ready(t.Context()); err == nil {
			t.Error("ready after five seconds of failing writes")
		}
		clock.advance(time.Second)
		d.Operator.WatchWrites(t.Context())
		if err := d.Operator.Ready(t.Context()); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}
