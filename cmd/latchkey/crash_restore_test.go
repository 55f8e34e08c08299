package main

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"latchkey/models/modelstest"
)

// crashCopy puts a copy of a database by, and puts it back.
type crashCopy struct{ take, restore func() }

// A copy of the database is put back. The honest clients are ahead of it and go on; what was revoked before the copy
// was made stays revoked. What was revoked or signed in after it is undone: that is what putting a copy back means.
func TestCrashOfTheDiskPutsACopyBack(t *testing.T) {
	sqlite := func(t *testing.T) (*crashSite, string) {
		url := modelstest.SQLite(t)
		return newCrashSite(t, url, url), strings.TrimPrefix(url, "sqlite:")
	}
	putFile := func(t *testing.T, from, to string) {
		t.Helper()
		body, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(to, body, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, suffix := range []string{"-wal", "-shm"} { // they belong to the database that is gone
			os.Remove(to + suffix)
		}
	}
	t.Run("sqlite, the file copied while stopped", func(t *testing.T) {
		t.Parallel()
		s, file := sqlite(t)
		kept := filepath.Join(t.TempDir(), "kept.db")
		s.putBack(crashCopy{
			take:    func() { s.stop(); putFile(t, file, kept); s.start() },
			restore: func() { s.kill(); putFile(t, kept, file); s.start() },
		})
	})
	t.Run("sqlite, backup under load and restore", func(t *testing.T) { // not parallel: the commands take their settings from the environment
		url := modelstest.SQLite(t)
		kept := filepath.Join(t.TempDir(), "kept.db")
		s := newCrashSite(t, url, url)
		s.putBack(crashCopy{
			take:    func() { must(t, url, "", "backup", kept) },
			restore: func() { s.kill(); must(t, url, "", "restore", kept, "--replace"); s.start() },
		})
	})
	t.Run("postgres, a database copied while stopped", func(t *testing.T) {
		t.Parallel()
		direct := modelstest.Postgres(t)
		u, err := url.Parse(direct)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(u.Path, "/")
		kept := name + "_kept"
		u.Path = "/postgres"
		run := func(statements ...string) { t.Helper(); crashExec(t, u.String(), statements...) }
		t.Cleanup(func() { run("DROP DATABASE IF EXISTS " + kept) })
		s := newCrashSite(t, direct, direct)
		s.putBack(crashCopy{
			take: func() { s.stop(); run("CREATE DATABASE " + kept + " TEMPLATE " + name); s.start() },
			restore: func() {
				s.kill()
				run("DROP DATABASE "+name+" WITH (FORCE)", "ALTER DATABASE "+kept+" RENAME TO "+name)
				s.start()
			},
		})
	})
	t.Run("postgres, tables put back under load", func(t *testing.T) {
		t.Parallel()
		direct := modelstest.Postgres(t)
		s := newCrashSite(t, direct, direct)
		s.putBack(crashCopy{
			take: func() {
				crashExec(t, direct, "BEGIN ISOLATION LEVEL REPEATABLE READ", "CREATE TABLE kept_users AS TABLE users",
					"CREATE TABLE kept_devices AS TABLE devices", "CREATE TABLE kept_events AS TABLE events", "COMMIT")
			},
			restore: func() {
				crashExec(t, direct, "BEGIN", "LOCK users, devices, events", "DELETE FROM events", "DELETE FROM devices",
					"INSERT INTO devices TABLE kept_devices", "INSERT INTO events TABLE kept_events", "COMMIT")
			},
		})
	})
}

func crashExec(t *testing.T, url string, statements ...string) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	for _, statement := range statements {
		if _, err := conn.Exec(context.Background(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// putBack takes a copy under load, lets everybody work on, and puts it back under load.
func (s *crashSite) putBack(c crashCopy) {
	t := s.t
	t.Helper()
	for range 8 {
		s.clients = append(s.clients, s.crashSignIn(nil, "phone"))
	}
	s.crashPortal(nil)
	done := make(chan struct{})
	ended := s.liveAll(done)
	sleeper := s.crashSignIn(nil, "sleeper") // not ahead of the copy
	before := s.revokedNow(3)
	c.take()
	var copied []int64
	for _, client := range s.clients {
		copied = append(copied, client.generation())
	}
	after := s.revokedNow(3)
	late := s.crashSignIn(nil, "late")
	time.Sleep(time.Duration(crashCount(200, 100, 5000)) * time.Millisecond)
	for i, client := range s.clients {
		eventually(t, time.Minute, "every client is ahead", func() bool { return client.generation() > copied[i]+1 })
	}
	c.restore()
	time.Sleep(300 * time.Millisecond)
	close(done)
	<-ended
	for _, client := range append(s.clients, sleeper) {
		if !t.Failed() { // one that cannot is enough
			client.goesOn()
		}
	}
	s.acknowledged = before
	s.holds(len(before))

	undone := 0
	for _, token := range after {
		r := s.mustAsk(s.apps, http.MethodPost, "/oauth/token", refreshForm(token), []int{http.StatusOK, http.StatusBadRequest})
		if r.status == http.StatusOK || r.field("reason") == "unknown_device" {
			undone++
		}
		if r.status == http.StatusOK { // revoked once more, it stays revoked
			token = r.field("refresh_token")
			s.mustAsk(s.apps, http.MethodPost, "/oauth/revoke", url.Values{"token": {token}}.Encode(), []int{http.StatusOK})
			s.mustAsk(s.apps, http.MethodPost, "/oauth/token", refreshForm(token), []int{http.StatusBadRequest})
		}
	}
	r := s.mustAsk(s.apps, http.MethodPost, "/oauth/token", refreshForm(late.stored()), []int{http.StatusBadRequest})
	if undone != len(after) || r.field("reason") != "unknown_device" {
		t.Errorf("was the copy put back? %d of %d later revocations are undone, and a later sign-in is answered %s", undone, len(after), r.body)
	}
	restored := crashNumber(t, crashLook(t, s.direct), "SELECT count(*) FROM events WHERE kind = 'device_restored'")
	if restored < int64(len(s.clients)) {
		t.Errorf("%d devices followed by the database, want %d or more", restored, len(s.clients))
	}
	t.Logf("%d devices were ahead of the copy and go on; %d revocations before it hold, %d after it are undone, as said", restored, len(before), undone)
	s.stop()
	s.audit(true, 0)
}

// revokedNow revokes n devices and returns their tokens.
func (s *crashSite) revokedNow(n int) (tokens []string) {
	for i := range n {
		victim := s.crashSignIn(nil, "stolen")
		victim.goesOn()
		s.revoke(nil, victim, i)
		tokens = append(tokens, victim.stored())
	}
	return tokens
}

// liveAll lets the clients refresh until done is closed; ended is closed when they all have seen it.
func (s *crashSite) liveAll(done <-chan struct{}) (ended chan struct{}) {
	ended = make(chan struct{})
	go func() {
		together := make(chan struct{})
		for _, c := range s.clients {
			go func() { c.live(done, 5*time.Millisecond); together <- struct{}{} }()
		}
		for range s.clients {
			<-together
		}
		close(ended)
	}()
	return ended
}
