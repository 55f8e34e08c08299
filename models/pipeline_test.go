package models_test

import (
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

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
// account's devices, and for the rest.
func TestASignInTakesThreeRoundTrips(t *testing.T) {
	t.Parallel()
	way := countTurns(t, modelstest.Postgres(t))
	s := migrated(t, models.Config{URL: way.url, Conns: 4})
	u := addUser(t, s)
	next := func(i int) models.NewDevice {
		n := signIn(u.ID, models.KindApp, "phone", noon.Add(time.Duration(i)*time.Second))
		n.StatusIndex = func(try int) int64 { return int64(10*i + try) }
		n.Places = [][]byte{[]byte("home")}
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
	if least != 3 {
		t.Errorf("%d round trips, want 3", least)
	}
}

// What a statement does is only guessed until it has been sent. A wrong guess leaves nothing behind, neither rows nor locks nor
// connections, and the sign-in goes through all the same.
func TestAWrongGuessIsMadeGood(t *testing.T) {
	t.Parallel()
	s := migrated(t, models.Config{URL: modelstest.Postgres(t), Conns: 4})
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
	open := 0
	if err := s.Pools()[0].QueryRowContext(t.Context(), `SELECT count(*) FROM pg_stat_activity
		WHERE datname = current_database() AND state LIKE 'idle in transaction%'`).Scan(&open); err != nil || open != 0 {
		t.Errorf("%d transactions are still open, %v", open, err)
	}
	if n := s.Pools()[0].Stats().InUse; n != 0 {
		t.Errorf("%d connections are still in use", n)
	}
}
