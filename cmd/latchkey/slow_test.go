package main

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/models/modelstest"
)

// trickle sends a byte every fifth of a second until the server has had enough, and tells how long that took. Of an
// empty rest it sends nothing, and waits.
func trickle(conn net.Conn, begin, rest string) time.Duration {
	began := time.Now()
	_ = conn.SetDeadline(began.Add(2 * time.Minute))
	_, _ = io.WriteString(conn, begin)
	over := make(chan struct{})
	go func() {
		defer close(over)
		_, _ = io.Copy(io.Discard, conn)
	}()
	for {
		select {
		case <-over:
			return time.Since(began)
		case <-time.After(200 * time.Millisecond):
		}
		if rest != "" {
			_, _ = io.WriteString(conn, rest[:1])
			rest = rest[1:]
		}
	}
}

func TestSlowClientsAreCutOff(t *testing.T) {
	if testing.Short() {
		t.Skip("takes ten seconds")
	}
	t.Parallel()
	s := serve(t, modelstest.SQLite(t), nil)
	long := strings.Repeat("a", 2000)
	const body = "Host: localhost\r\nContent-Length: 2000\r\nContent-Type: "
	var all sync.WaitGroup
	for name, c := range map[string]struct {
		begin, rest string
		within      time.Duration
	}{
		"silence":           {"", "", headerTime},
		"a request's line":  {"GET /", long, headerTime},
		"a header's bytes":  {"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", long, headerTime},
		"a form's bytes":    {"POST /oauth/token HTTP/1.1\r\n" + body + formType + "\r\n\r\n", long, requestTime},
		"a login's bytes":   {"POST /api/login HTTP/1.1\r\n" + body + "application/json\r\n\r\n{\"email\":\"", long, requestTime},
		"half a body":       {"POST /oauth/token HTTP/1.1\r\n" + body + formType + "\r\n\r\ngrant_type", "", requestTime},
		"a body never read": {"GET /healthz HTTP/1.1\r\n" + body + formType + "\r\n\r\n", long, requestTime},
	} {
		conn := dial(t, s.URL())
		all.Go(func() {
			if took := trickle(conn, c.begin, c.rest); took > c.within+time.Minute {
				t.Errorf("%s: cut off after %s, want %s", name, took, c.within)
			}
		})
	}
	all.Wait()
}
