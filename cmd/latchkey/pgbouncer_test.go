package main

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/models/modelstest"
)

// The built program behind the pooler of OPERATIONS.md: eight migrations at once, sign-in, refreshes together, a page, and a connection of
// the pooler that dies.
func TestThePortalBehindPgBouncer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		find    func(testing.TB) string
		changes []string
	}{
		"session mode":     {modelstest.FindPgBouncer, []string{"pool_mode", "session", "max_prepared_statements", ""}},
		"transaction mode": {modelstest.FindNewPgBouncer, nil},
	} {
		t.Run(name, func(t *testing.T) {
			program := c.find(t)
			cluster := modelstest.StartCluster(t)
			pooler := modelstest.StartPgBouncer(t, program, cluster, c.changes...)
			settings := on(pooler.URL(), "LATCHKEY_DB_CONNS=8")
			var migrations []*child
			for range 8 {
				migrations = append(migrations, launch(t, settings, "migrate"))
			}
			applied := 0
			for _, m := range migrations {
				o := m.end(t, 2*time.Minute)
				if o.code != 0 || o.stderr != "" {
					t.Errorf("exit %d: %s", o.code, o.stderr)
				}
				if strings.HasPrefix(o.stdout, "Applied ") {
					applied++
				}
			}
			if applied != 1 {
				t.Errorf("%d of 8 say that they applied the migrations", applied)
			}
			launchWithInput(t, settings, password, "user", "add", ada, "--password-stdin")
			server := launch(t, settings, "serve").url(t)
			browser := signedInBrowser(t, server)
			var tokens [16]string
			for i := range tokens {
				tokens[i] = login(t, server, ada, password, fmt.Sprint("phone ", i)).want(t, 200).field("refresh_token")
			}
			for range 5 {
				var all sync.WaitGroup
				for i := range tokens {
					all.Go(func() { tokens[i] = refresh(t, server, tokens[i]).want(t, 200).field("refresh_token") })
				}
				all.Wait()
				if page := send(t, browser, "GET", server+"/devices", "").want(t, 200); !strings.Contains(page.body, "phone 15") {
					t.Error("the list of devices lacks one")
				}
				if err := cluster.Exec("SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE datname = 'latchkey'"); err != nil {
					t.Fatal(err)
				}
				time.Sleep(1100 * time.Millisecond) // pgx looks at a connection before use when it was idle for a second
			}
			r := readReport(t, launch(t, settings, "doctor", "--json").end(t, time.Minute))
			r.want(t, "database", levelOK, "behind a pooler", "its schema is current")
			if n := pooler.Refused(); n != 0 {
				t.Errorf("%d connections were refused:\n%s", n, pooler.Log())
			}
		})
	}
}

// A pooler that cannot carry the service ends every command with one line, and the doctor says the same.
func TestAPoolerThatCannotWorkIsSaid(t *testing.T) {
	t.Parallel()
	program := modelstest.FindPgBouncer(t)
	cluster := modelstest.StartCluster(t)
	for mode, word := range map[string]string{"transaction": "max_prepared_statements", "statement": "pool_mode"} {
		pooler := modelstest.StartPgBouncer(t, program, cluster, "pool_mode", mode, "max_prepared_statements", "")
		settings := on(pooler.URL())
		for _, command := range []string{"serve", "migrate"} {
			o := launch(t, settings, command).end(t, 30*time.Second)
			o.refuses(t, 1, "LATCHKEY_DATABASE: ", "pooler", word)
			o.isNoCrash(t)
		}
		r := readReport(t, launch(t, settings, "doctor", "--json").end(t, time.Minute))
		r.want(t, "database", levelProblem, "pooler", word, "OPERATIONS.md")
	}
}

// A process whose own connections PostgreSQL does not allow says so.
func TestMoreConnectionsThanAllowedAreSaid(t *testing.T) {
	t.Parallel()
	url := modelstest.MigratedPostgres(t)
	execAt(t, url, "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I CONNECTION LIMIT 12', current_database()); END $$")
	c := launch(t, on(url, "LATCHKEY_DB_CONNS=13"), "serve")
	c.url(t)
	if log := c.stderr.String(); !strings.Contains(log, "LATCHKEY_DB_CONNS") || !strings.Contains(log, "allowed=12") {
		t.Errorf("the log does not warn:\n%s", log)
	}
	r := readReport(t, launch(t, on(url, "LATCHKEY_DB_CONNS=13"), "doctor", "--json").end(t, time.Minute))
	r.want(t, "database", levelWarning, "allows 12 connections", "LATCHKEY_DB_CONNS")
}
