package models_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// turns is a way to a database that counts how often somebody has to wait for it: each time that something is said to it after it
// has answered.
type turns struct {
	count atomic.Int64
	url   string
}

func countTurns(t *testing.T, database string) *turns {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	target := u.Host
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	u.Host = listener.Addr().String()
	c := &turns{url: u.String()}
	var open sync.WaitGroup
	open.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			open.Go(func() { c.carry(client, target) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		open.Wait()
	})
	return c
}

func (c *turns) carry(client net.Conn, target string) {
	defer func() { _ = client.Close() }()
	server, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	var answered atomic.Bool
	answered.Store(true)
	go func() {
		_, _ = io.Copy(client, readBy(server, func() { answered.Store(true) }))
		_ = client.Close()
	}()
	_, _ = io.Copy(server, readBy(client, func() {
		if answered.Swap(false) {
			c.count.Add(1)
		}
	}))
}

type reader struct {
	io.Reader
	on func()
}

func readBy(r io.Reader, on func()) io.Reader { return reader{r, on} }

func (r reader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if n > 0 {
		r.on()
	}
	return n, err
}

// A sign-in's transaction waits for PostgreSQL three times: for the account's row and the place in the status lists, for the
// account's devices, and for the rest. With mail it waits seven times: it asks whether the owner knows the place, which mails
// about sign-ins went lately, and for the address, before which what came before is sent.
func TestASignInTakesThreeRoundTrips(t *testing.T) {
	t.Parallel()
	t.Run("without mail", func(t *testing.T) { roundTrips(t, 3, nil) })
	t.Run("with mail", func(t *testing.T) {
		roundTrips(t, 7, &models.SignInAlert{Alone: func(d models.Device) models.Notice {
			u := models.User{ID: d.UserID}
			return mailTo(u, "new device", "", noon, link(u, "this wasn't me", d.ID.String(), noon))
		}})
	})
}

func roundTrips(t *testing.T, want int64, alert *models.SignInAlert) {
	t.Helper()
	way := countTurns(t, modelstest.Postgres(t))
	s := migrated(t, models.Config{URL: way.url, Conns: 4})
	u := addUser(t, s)
	next := func(i int) models.NewDevice {
		n := signIn(u.ID, models.KindApp, "phone", noon.Add(time.Duration(i)*time.Second))
		n.StatusIndex = func(try int) int64 { return int64(10*i + try) }
		n.Places, n.Alert, n.Familiar = [][]byte{[]byte("home")}, alert, []byte("elsewhere")
		n.Spend = []models.Budget{{Key: []byte("short"), Most: 100, Window: time.Hour}, {Key: []byte("day"), Most: 100, Window: 24 * time.Hour}}
		n.Uncount = []models.Attempt{{Key: []byte("failures"), WindowStart: noon, EndsAt: noon.Add(time.Hour)}, {Key: []byte("others"), WindowStart: noon, EndsAt: noon.Add(time.Hour)}}
		return n
	}
	for i := range 8 { // every connection prepares each statement once, and is asked how it is when it was idle for a second
		add(t, s, next(i))
	}
	least := int64(1000)
	for i := range 5 {
		before := way.count.Load()
		add(t, s, next(8+i))
		least = min(least, way.count.Load()-before)
	}
	if least != want {
		t.Errorf("%d round trips, want %d", least, want)
	}
}

// What a statement does is only guessed until it has been sent. A wrong guess leaves nothing behind, neither rows nor locks nor
// connections, and the sign-in goes through all the same.
func TestAWrongGuessIsMadeGood(t *testing.T) {
	t.Parallel()
	url := modelstest.Postgres(t)
	s := migrated(t, models.Config{URL: url, Conns: 4})
	watcher := open(t, models.Config{URL: url, Conns: 4}) // the pool itself would throw the connection away on its next use
	u := addUser(t, s)
	held := map[int64]bool{}
	for i := range 10 {
		n := signIn(u.ID, models.KindApp, "phone", noon)
		n.StatusIndex = func(try int) int64 { return int64(try) } // the first i are taken
		d := add(t, s, n)
		if d.StatusIndex == nil || *d.StatusIndex != int64(i) || held[*d.StatusIndex] {
			t.Fatalf("device %d got place %v", i, d.StatusIndex)
		}
		held[*d.StatusIndex] = true
	}
	events, err := s.Events(t.Context(), u.ID, models.EventCursor{}, 100)
	if err != nil {
		t.Fatal(err)
	}
	signedIn := 0
	for _, e := range events {
		if e.Kind == models.EventSignIn {
			signedIn++
		}
	}
	devices, err := s.LiveDevices(t.Context(), u.ID, live(noon))
	if err != nil || len(devices) != 10 || signedIn != 10 {
		t.Errorf("%d devices and %d events for 10 sign-ins, %v", len(devices), signedIn, err)
	}
	if n := count(t, watcher, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'"); n != 0 {
		t.Errorf("%d transactions are still open", n)
	}
	if n := s.Pools()[0].Stats().InUse; n != 0 {
		t.Errorf("%d connections are still in use", n)
	}
}

func TestAPipelineCommitsAllOrNothing(t *testing.T) {
	t.Parallel()
	own := errors.New("refused")
	url := modelstest.Postgres(t)
	s := migrated(t, models.Config{URL: url, Conns: 4})
	watcher := open(t, models.Config{URL: url, Conns: 4}) // the pool itself would throw the connection away on its next use
	exec(t, s, "CREATE TABLE kept (id bigint PRIMARY KEY)")
	insert := func(tx *gorm.DB, id int) error { return tx.Exec("INSERT INTO kept (id) VALUES (?)", id).Error }
	for _, c := range []struct {
		name  string
		fn    func(tx *gorm.DB) error
		want  error // nil: it is committed
		calls int
	}{
		{"nothing", func(*gorm.DB) error { return nil }, nil, 1},
		{"one insert", func(tx *gorm.DB) error { return insert(tx, 1) }, nil, 1},
		{"own refusal", func(tx *gorm.DB) error { return errors.Join(insert(tx, 2), own) }, own, 1},
		{"own refusal after a question", func(tx *gorm.DB) error {
			var n int
			return errors.Join(insert(tx, 3), tx.Raw("SELECT count(*) FROM kept WHERE id = 3").Scan(&n).Error, own)
		}, own, 1},
		{"a question sees what was done before it", func(tx *gorm.DB) error {
			var n int
			if err := errors.Join(insert(tx, 4), tx.Raw("SELECT count(*) FROM kept WHERE id = 4").Scan(&n).Error); err != nil || n != 1 {
				return fmt.Errorf("%d rows, %w", n, err)
			}
			return nil
		}, nil, 1},
		{"an insert that fails at the end", func(tx *gorm.DB) error { return errors.Join(insert(tx, 5), insert(tx, 6), insert(tx, 6)) }, models.ErrDuplicate, 1},
		{"a question that fails, and nobody cares", func(tx *gorm.DB) error {
			err := insert(tx, 7)
			var n int
			_ = tx.Raw("SELECT 1 / (SELECT 0)").Scan(&n).Error
			return err
		}, models.ErrUnavailable, 1},
		{"a statement that fails before a row is asked for", func(tx *gorm.DB) error {
			var n int
			if err := tx.Exec("UPDATE kept SET id = id / 0 WHERE id = 1").Error; err != nil {
				return err
			}
			_ = tx.Raw("SELECT 1").Row().Scan(&n)
			return insert(tx, 8)
		}, models.ErrUnavailable, 1},
		{"a wrong guess", func(tx *gorm.DB) error {
			done := tx.Exec("UPDATE kept SET id = id WHERE id = 999")
			if done.RowsAffected != 1 {
				return errors.Join(insert(tx, 9), done.Error)
			}
			return errors.Join(insert(tx, 10), done.Error)
		}, nil, 2},
		{"no place", func(tx *gorm.DB) error {
			done := tx.Exec("INSERT INTO kept (id) VALUES (1) ON CONFLICT DO NOTHING")
			if done.Error == nil && done.RowsAffected == 0 {
				return own
			}
			return errors.Join(insert(tx, 11), done.Error)
		}, own, 2},
	} {
		calls := 0
		err := models.Pipelined(s, t.Context(), func(tx *gorm.DB) error {
			calls++
			return c.fn(tx)
		})
		if (err == nil) != (c.want == nil) || errors.Is(c.want, own) && !errors.Is(err, own) || calls != c.calls {
			t.Errorf("%s: %v after %d calls, want %v after %d", c.name, err, calls, c.want, c.calls)
		}
	}
	if open := count(t, watcher, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'"); open != 0 {
		t.Errorf("%d transactions are still open", open)
	}
	if got := count(t, s, "SELECT sum(id) FROM kept"); got != 1+4+9 {
		t.Errorf("the ids kept add up to %d, want those of 1, 4 and 9", got)
	}
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
