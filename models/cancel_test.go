package models_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// sessions counts all connections that PostgreSQL has accepted for this database.
func sessions(t *testing.T, s *models.Store) int64 {
	t.Helper()
	if s.Dialect() != "postgres" {
		return 0
	}
	exec(t, s, "SELECT pg_stat_force_next_flush()")
	return count(t, s, "SELECT sessions FROM pg_stat_database WHERE datname = current_database()")
}

func inUse(s *models.Store) (n, open int) {
	for _, pool := range s.Pools() {
		stats := pool.Stats()
		n, open = n+stats.InUse, open+stats.OpenConnections
	}
	return n, open
}

func TestCallersWhoHangUpLoseNoWriteAndKeepNoConnection(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		d := addApp(t, s, u.ID, "phone")
		release := holdEverything(t, s) // all connections are there from the start
		release()
		_, opened := inUse(s)
		var mu sync.Mutex
		var written []uuid.UUID
		for range rounds(s, 5, 5) {
			together(200, func(i int) {
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				if i%10 == 0 {
					cancel()
				} else {
					time.AfterFunc(rand.N(4*time.Millisecond), cancel)
				}
				e := event(models.EventSignInFailed, u.ID, noon)
				e.ID = uuid.New()
				var err error
				switch i % 5 {
				case 0:
					err = s.AddEvent(ctx, e)
				case 1:
					err = s.SetRole(ctx, u.ID, models.RoleUser, e)
				case 2:
					_, err = s.RotateDevice(ctx, present(d, 1, noon))
				default:
					if _, err := s.Events(ctx, u.ID, models.EventCursor{}, 10); err != nil && !errors.Is(err, models.ErrUnavailable) {
						t.Errorf("read: %v", err)
					}
				}
				if err != nil {
					t.Errorf("a write was not finished: %v", err)
				} else if i%5 < 2 {
					mu.Lock()
					written = append(written, e.ID)
					mu.Unlock()
				}
			})
		}
		// An interrupted reader closes its connection to the SQLite file. pgx closes a connection when the caller hangs up after
		// getting it and before sending anything.
		for wait := 0; ; wait++ {
			n, now := inUse(s)
			if n == 0 && now <= opened {
				break
			}
			if wait == 100 {
				t.Errorf("%d connections in use, %d open; %d were open before", n, now, opened)
				break
			}
			time.Sleep(20 * time.Millisecond) // database/sql closes a cancelled query's rows in the background
		}
		there := map[uuid.UUID]bool{}
		for _, e := range events(t, s, u.ID) {
			there[e.ID] = true
		}
		for _, id := range written {
			if !there[id] {
				t.Errorf("event %v was acknowledged and is not there", id)
			}
		}
	})
}

func TestCallersWhoHangUpCostNoConnection(t *testing.T) {
	s := migrated(t, models.Config{URL: modelstest.Postgres(t)})
	u := addUser(t, s)
	holdEverything(t, s)() // all connections are there from the start
	before := sessions(t, s)
	tx, err := s.Pools()[0].BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback() //nolint:errcheck // releases the lock
	if _, err := tx.ExecContext(t.Context(), "LOCK TABLE events IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	const readers = 10
	ctx, hangUp := context.WithCancel(t.Context())
	errs := make(chan error, readers)
	for range readers {
		go func() {
			_, err := s.Events(ctx, u.ID, models.EventCursor{}, 10)
			errs <- err
		}()
	}
	waiting := "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
	for begin := time.Now(); count(t, s, waiting) < readers; time.Sleep(5 * time.Millisecond) {
		if time.Since(begin) > 20*time.Second {
			t.Fatal("the readers do not wait for the lock")
		}
	}
	hangUp()
	for range readers {
		if err := <-errs; !errors.Is(err, models.ErrUnavailable) {
			t.Errorf("a reader that hung up got %v", err)
		}
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	holdEverything(t, s)()
	if lost := sessions(t, s) - before; lost != 0 {
		t.Errorf("%d readers hung up while their statements ran, and %d connections were thrown away", readers, lost)
	}
}

// holdEverything takes every connection of every pool.
func holdEverything(t *testing.T, s *models.Store) (release func()) {
	t.Helper()
	var conns []*sql.Conn
	for _, pool := range s.Pools() {
		for range pool.Stats().MaxOpenConnections {
			conn, err := pool.Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			conns = append(conns, conn)
		}
	}
	return sync.OnceFunc(func() {
		for _, conn := range conns {
			conn.Close()
		}
	})
}

func TestAReadEndsWithItsCaller(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		reads := map[string]func(ctx context.Context) error{
			"a user":  func(ctx context.Context) error { _, err := s.UserByID(ctx, u.ID); return err },
			"devices": func(ctx context.Context) error { _, err := s.LiveDevices(ctx, u.ID, live(noon)); return err },
			"events":  func(ctx context.Context) error { _, err := s.Events(ctx, u.ID, models.EventCursor{}, 1); return err },
			"a browser": func(ctx context.Context) error {
				_, _, err := s.BrowserSession(ctx, u.ID, u.ID, nil, live(noon))
				return err
			},
			"attempts": func(ctx context.Context) error { _, err := s.Counters(ctx, [][]byte{{1}}, noon); return err },
			"what a sign-in needs": func(ctx context.Context) error {
				_, err := s.SignInFacts(ctx, models.SignInQuestion{EmailKey: u.EmailKey, ClientID: "x", Keys: [][]byte{{1}}, At: noon})
				return err
			},
			"a ping": s.Ping,
		}
		ends := func(name string, after time.Duration) {
			for what, read := range reads {
				ctx, cancel := context.WithTimeout(t.Context(), after)
				begin := time.Now()
				err := read(ctx)
				cancel()
				if took := time.Since(begin); !errors.Is(err, models.ErrUnavailable) || took > after+20*time.Second {
					t.Errorf("%s, %s: %v after %v", name, what, err, took)
				}
			}
		}
		ends("hung up before", 0)
		release := holdEverything(t, s)
		defer release()
		ends("no connection is free", 20*time.Millisecond)
		release()
		if s.Dialect() == "postgres" {
			tx, err := s.Pools()[0].BeginTx(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer tx.Rollback() //nolint:errcheck // releases the lock
			if _, err := tx.ExecContext(t.Context(), "LOCK TABLE users, devices, events, attempts, clients IN ACCESS EXCLUSIVE MODE"); err != nil {
				t.Fatal(err)
			}
			delete(reads, "a ping")
			ends("the statement waits for a lock", 20*time.Millisecond)
		}
	})
}

// busy locks the users row until it is released.
func busy(t *testing.T, url string, userID uuid.UUID) (letGo func()) {
	t.Helper()
	tx, err := open(t, models.Config{URL: url}).Pools()[0].BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(t.Context(), "UPDATE users SET role = role WHERE id = '"+userID.String()+"'"); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := tx.Rollback(); err != nil && !errors.Is(err, sql.ErrTxDone) {
			t.Error(err)
		}
	}
}

func TestAWriteGoesOnWithoutItsCallerAndSlowOnesAreLoggedWithoutValues(t *testing.T) {
	modelstest.EachURL(t, func(t *testing.T, url string) {
		t.Parallel()
		var log bytes.Buffer
		s := migrated(t, models.Config{URL: url, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		u := addUser(t, s)
		letGo := busy(t, url, u.ID)
		time.AfterFunc(1200*time.Millisecond, letGo)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		n := signIn(u.ID, models.KindApp, "phone", noon)
		n.Rehashed = "hash-secret"
		if _, err := s.AddDevice(ctx, n); err != nil {
			t.Errorf("the caller hung up, and the write failed: %v", err)
		}
		if kinds := kinds(t, s, u.ID); !strings.HasPrefix(kinds, "sign_in ") {
			t.Errorf("events %q", kinds)
		}
		if got := log.String(); s.Dialect() == "postgres" && (!strings.Contains(got, "slow statement") || !strings.Contains(got, "password_hash")) {
			t.Errorf("the log: %s", got) // on SQLite it is BEGIN that waits
		}
		for _, secret := range []string{"hash-secret", password, u.ID.String()} {
			if strings.Contains(log.String(), secret) {
				t.Errorf("%q is in the log: %s", secret, log.String())
			}
		}
	})
}

func TestAWriteThatCannotGoOnEndsByItself(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for five seconds")
	}
	modelstest.EachURL(t, func(t *testing.T, url string) {
		t.Parallel()
		s := migrated(t, models.Config{URL: url})
		u := addUser(t, s)
		letGo := busy(t, url, u.ID)
		begin := time.Now()
		err := s.SetRole(t.Context(), u.ID, models.RoleSupport, event(models.EventRoleChanged, u.ID, noon))
		if took := time.Since(begin); !errors.Is(err, models.ErrUnavailable) || took < 4*time.Second || took > 30*time.Second {
			t.Errorf("%v after %v", err, took)
		}
		letGo()
		if got, err := s.UserByID(t.Context(), u.ID); err != nil || got.Role != models.RoleUser {
			t.Errorf("it happened all the same: %+v %v", got, err)
		}
		if err := s.SetRole(t.Context(), u.ID, models.RoleSupport, event(models.EventRoleChanged, u.ID, noon)); err != nil {
			t.Errorf("afterwards: %v", err)
		}
		if n, _ := inUse(s); n != 0 {
			t.Errorf("%d connections are in use", n)
		}
	})
}
