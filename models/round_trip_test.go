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

// roundTripCounter is a proxy in front of a database that counts round trips: each time that the client sends something after the
// server has answered.
type roundTripCounter struct {
	count atomic.Int64
	url   string
}

func countRoundTrips(t *testing.T, database string) *roundTripCounter {
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
	c := &roundTripCounter{url: u.String()}
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

func (c *roundTripCounter) carry(client net.Conn, target string) {
	defer func() { _ = client.Close() }()
	server, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	var answered atomic.Bool
	answered.Store(true)
	go func() {
		_, _ = io.Copy(client, notifyReads(server, func() { answered.Store(true) }))
		_ = client.Close()
	}()
	_, _ = io.Copy(server, notifyReads(client, func() {
		if answered.Swap(false) {
			c.count.Add(1)
		}
	}))
}

type reader struct {
	io.Reader
	on func()
}

func notifyReads(r io.Reader, on func()) io.Reader { return reader{r, on} }

func (r reader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if n > 0 {
		r.on()
	}
	return n, err
}

// A sign-in is one plain transaction: a round trip for each statement, one for BEGIN and one for COMMIT. They take well under the
// time of its password hash. The test fixes the number so that a new statement does not slip in.
func TestASignInTakesAKnownNumberOfRoundTrips(t *testing.T) {
	t.Parallel()
	t.Run("without mail", func(t *testing.T) { roundTrips(t, 13, nil) })
	t.Run("with mail", func(t *testing.T) {
		roundTrips(t, 18, &models.SignInAlert{Single: func(d models.Device) models.MailWithLinks {
			u := models.User{ID: d.UserID}
			return mailTo(u, "new device", "", noon, link(u, "this wasn't me", d.ID.String(), noon))
		}})
	})
}

func roundTrips(t *testing.T, want int64, alert *models.SignInAlert) {
	t.Helper()
	way := countRoundTrips(t, modelstest.Postgres(t))
	s := migrated(t, models.Config{URL: way.url, Conns: 4})
	u := addUser(t, s)
	next := func(i int) models.NewDevice {
		n := signIn(u.ID, models.KindApp, "phone", noon.Add(time.Duration(i)*time.Second))
		n.StatusIndex = func(try int) int64 { return int64(10*i + try) }
		n.KnownOrigins, n.Alert, n.BrowserKey = [][]byte{[]byte("home")}, alert, []byte("elsewhere")
		n.Spend = []models.Budget{{Key: []byte("short"), Most: 100, Window: time.Hour}, {Key: []byte("day"), Most: 100, Window: 24 * time.Hour}}
		n.Uncount = []models.Counter{{Key: []byte("failures"), WindowStart: noon, EndsAt: noon.Add(time.Hour)}, {Key: []byte("others"), WindowStart: noon, EndsAt: noon.Add(time.Hour)}}
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
