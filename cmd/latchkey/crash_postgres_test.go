package main

import (
	"math/rand/v2"
	"testing"
	"time"

	"latchkey/models/modelstest"
)

// crashPostgres: the server stays up while its PostgreSQL dies and recovers. (With synchronous_commit=off this fails: that is what
// an acknowledged commit means there. With fsync=off it does not: see TestCrashInsideAWriteOfSQLite.)
func crashPostgres(t *testing.T) {
	t.Helper()
	cluster := modelstest.StartCluster(t, modelstest.Durable)
	url := cluster.URL("latchkey")
	s := newCrashSite(t, url, url)
	db := crashLook(t, url)
	stop := s.load(8, 5*time.Millisecond)
	for range crashCount(5, 2, 60) {
		s.progress(20)
		time.Sleep(rand.N(400 * time.Millisecond))
		if err := cluster.Stop("immediate"); err != nil {
			t.Fatal(err)
		}
		s.tally.crashes.Add(1)
		time.Sleep(rand.N(200 * time.Millisecond)) // clients and the server reach no database
		if err := cluster.Start(); err != nil {
			t.Fatal(err)
		}
		eventually(t, time.Minute, "the database answers", func() bool { return db.Ping() == nil })
		s.compare(db)
		s.holds(6)
	}
	if s.tally.unavailable.Load() == 0 {
		t.Error("no request met the dead database")
	}
	stop()
	s.stop()
	s.audit(false, 0)
}
