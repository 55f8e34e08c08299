package main

import (
	"context"
	"database/sql"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"latchkey/models/modelstest"
)

// The three run beside each other: mostly they wait for a disk.
func TestCrashUnderRefreshes(t *testing.T) {
	t.Run("of the program, sqlite", func(t *testing.T) {
		t.Parallel()
		url := modelstest.SQLite(t)
		s := newCrashSite(t, url, url)
		s.killed(func() { s.checkFiles() })
	})
	t.Run("of the program, postgres", func(t *testing.T) {
		t.Parallel()
		url := modelstest.StartCluster(t, modelstest.Durable).URL("latchkey")
		s := newCrashSite(t, url, url)
		db := crashLook(t, url)
		s.killed(func() { s.compare(db) })
	})
	t.Run("of postgres", func(t *testing.T) {
		t.Parallel()
		crashPostgres(t)
	})
}

// killed kills the program again and again while eight clients refresh and one revokes.
func (s *crashSite) killed(look func()) {
	stop := s.load(8, 5*time.Millisecond)
	for range crashCount(20, 4, 400) {
		s.progress(8)
		time.Sleep(rand.N(150 * time.Millisecond))
		s.kill()
		look()
		s.start()
		s.holds(6)
	}
	stop()
	s.stop()
	s.audit(false, 0)
}

// progress waits until so many more refreshes were answered, so that a busy machine kills no server that did nothing.
func (s *crashSite) progress(n int64) {
	s.t.Helper()
	from := s.tally.refreshes.Load()
	eventually(s.t, 20*time.Second, "clients refresh", func() bool { return s.tally.refreshes.Load() >= from+n || s.t.Failed() })
}

// The program dies while SQLite writes: as soon as its files change, before its commit can be told of.
// That what was acknowledged is there afterwards says nothing about synchronous=FULL: what a dead process has
// written is the kernel's, and only the death of the machine loses what was not flushed.
func TestCrashInsideAWriteOfSQLite(t *testing.T) {
	url := modelstest.SQLite(t)
	s := newCrashSite(t, url, url)
	file := strings.TrimPrefix(url, "sqlite:")
	written := func() (latest time.Time) {
		for _, name := range []string{file, file + "-wal"} {
			if info, err := os.Stat(name); err == nil && info.ModTime().After(latest) {
				latest = info.ModTime()
			}
		}
		return latest
	}
	stop := s.load(8, time.Millisecond)
	for range crashCount(10, 4, 600) {
		s.progress(8)
		time.Sleep(rand.N(60 * time.Millisecond))
		for before, began := written(), time.Now(); written().Equal(before) && time.Since(began) < time.Second; {
		}
		s.kill()
		s.checkFiles()
		s.start()
		s.holds(6)
	}
	if s.tally.ahead.Load() == 0 && !testing.Short() {
		t.Error("no kill came between a commit and its answer")
	}
	stop()
	s.stop()
	s.audit(false, 0)
}

// checkFiles looks at a copy of the dead program's files, so that the recovery is left to the next start.
func (s *crashSite) checkFiles() {
	s.t.Helper()
	from, dir := strings.TrimPrefix(s.direct, "sqlite:"), s.t.TempDir()
	defer os.RemoveAll(dir)
	for _, suffix := range []string{"", "-wal"} {
		body, err := os.ReadFile(from + suffix)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "copy.db"+suffix), body, 0o600)
		}
		if err != nil && (suffix == "" || !os.IsNotExist(err)) {
			s.t.Fatal(err)
		}
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "copy.db"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	var says string
	if err := db.QueryRowContext(context.Background(), "PRAGMA integrity_check").Scan(&says); err != nil || says != "ok" {
		s.t.Errorf("integrity check: %q, %v", says, err)
	}
	if n := crashNumber(s.t, db, "SELECT count(*) FROM pragma_foreign_key_check"); n != 0 {
		s.t.Errorf("%d rows without what they refer to", n)
	}
	s.compare(db)
}
