package main

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"latchkey/models/modelstest"
)

// Two servers, one a synchronous standby of the other, and a URL that names both. Nothing that was acknowledged is lost, no client is
// signed out, and no connection stays at a server that takes no writes.
func TestCrashAndFailoverOfPostgreSQL(t *testing.T) {
	t.Parallel()
	primary := modelstest.StartCluster(t)
	standby := primary.StartStandby(t)
	s := newCrashSite(t, primary.URL("latchkey"), modelstest.URLOfAll("latchkey", primary, standby))
	ready := func() int { r, _ := s.ask(s.apps, http.MethodGet, "/readyz", ""); return r.status }
	if got := ready(); got != http.StatusOK {
		t.Fatalf("/readyz answers %d", got)
	}
	stop := s.load(8, 5*time.Millisecond)

	// The primary is stopped, and comes back as a standby of the new one.
	for range crashCount(1, 1, 10) {
		s.progress(20)
		if err := primary.Stop("fast"); err != nil {
			t.Fatal(err)
		}
		eventually(t, time.Minute, "not ready: no server takes a write", func() bool { return ready() == http.StatusServiceUnavailable })
		if err := standby.Promote(); err != nil {
			t.Fatal(err)
		}
		eventually(t, time.Minute, "ready on the new primary", func() bool { return ready() == http.StatusOK })
		primary, standby = standby, primary
		if err := standby.Rejoin(primary); err != nil {
			t.Fatal(err)
		}
		s.progress(20)
		s.holds(6)
		s.leaves(standby)
	}
	stop()

	// The primary takes no more writes and keeps its connections, which all wait in the pool.
	failed := s.tally.unavailable.Load()
	if err := primary.Demote(); err != nil {
		t.Fatal(err)
	}
	if err := standby.Promote(); err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	for _, c := range s.clients {
		work.Go(c.goesOn)
	}
	work.Wait()
	if n := s.tally.unavailable.Load() - failed; n != 0 {
		t.Errorf("%d requests failed, although there was a server for each of them", n)
	}
	s.leaves(primary)
	if got := ready(); got != http.StatusOK {
		t.Errorf("/readyz answers %d", got)
	}
	s.holds(1 << 20)
	s.stop()
	s.direct = standby.URL("latchkey")
	s.audit(false, 0)
}

// leaves waits until the program has no connection to a server that takes no writes.
func (s *crashSite) leaves(server *modelstest.Cluster) {
	s.t.Helper()
	eventually(s.t, 10*time.Second, "no connection to the server that takes no writes", func() bool {
		n, err := server.Clients()
		if err != nil {
			s.t.Fatal(err)
		}
		return n == 0
	})
}
