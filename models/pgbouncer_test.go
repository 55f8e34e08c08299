package models_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// killConnections ends what the pooler has at the server.
const killConnections = "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE datname = 'latchkey'"

// sessionMode changes the sample of OPERATIONS.md to what PgBouncer of any version runs in session mode.
var sessionMode = []string{"pool_mode", "session", "max_prepared_statements", ""}

func TestBehindPgBouncerInSessionMode(t *testing.T) {
	t.Parallel()
	behindPgBouncer(t, modelstest.FindPgBouncer(t), 8, 1, sessionMode...)
}

func TestBehindPgBouncerInTransactionMode(t *testing.T) {
	t.Parallel()
	behindPgBouncer(t, modelstest.FindNewPgBouncer(t), 40, 10)
}

// Where named statements do not work, the operator can do without.
func TestBehindPgBouncerWithoutNamedStatements(t *testing.T) {
	t.Parallel()
	behindPgBouncer(t, modelstest.FindPgBouncer(t), 8, 2, "max_prepared_statements", "", "default_query_exec_mode", "exec")
}

// behindPgBouncer migrates an empty database by many stores at once, works, changes tables, and kills the pooler's connections. Every
// store is a client of the pooler like a process of its own.
func behindPgBouncer(t *testing.T, program string, stores, rounds int, changes ...string) {
	mode := ""
	if n := len(changes); n > 1 && changes[n-2] == "default_query_exec_mode" {
		mode, changes = "&default_query_exec_mode="+changes[n-1], changes[:n-2]
	}
	cluster := modelstest.StartCluster(t)
	p := modelstest.StartPgBouncer(t, program, cluster, changes...)
	defer func() {
		if t.Failed() {
			t.Log(p.Log())
		}
	}()
	for round := range rounds {
		all := make([]*models.Store, stores)
		for i := range all {
			all[i] = open(t, models.Config{URL: p.URL() + mode, Conns: 4})
		}
		migrateTogether(t, all)
		for i, s := range all[2:] {
			if err := s.Close(); err != nil {
				t.Errorf("store %d: %v", i, err)
			}
		}
		for name, act := range map[string]func(){
			"after a slow one": func() { exec(t, all[0], "SELECT pg_sleep(1.5)") },
			"with new columns": func() {
				exec(t, all[0], fmt.Sprintf("ALTER TABLE devices ADD COLUMN later_%d text NOT NULL DEFAULT ''", round))
				exec(t, all[0], fmt.Sprintf("ALTER TABLE users ADD COLUMN later_%d text NOT NULL DEFAULT ''", round))
			},
		} {
			act()
			workTogether(t, name, all[:2])
		}
		if err := cluster.Exec(killConnections); err != nil {
			t.Fatal(err)
		}
		time.Sleep(1100 * time.Millisecond) // pgx looks at a connection before use when it was idle for a second
		workTogether(t, "with killed connections", all[:2])
		for _, s := range all[:2] {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
		emptied(t, cluster.URL("latchkey"))
	}
	if n := p.Refused(); n != 0 {
		t.Errorf("%d connections were refused", n)
	}
}

// emptied drops all tables.
func emptied(t *testing.T, url string) {
	t.Helper()
	s := open(t, models.Config{URL: url, Conns: 2})
	exec(t, s, "DROP SCHEMA public CASCADE")
	exec(t, s, "CREATE SCHEMA public")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// migrateTogether checks that one store applies all migrations while the others wait.
func migrateTogether(t *testing.T, all []*models.Store) {
	t.Helper()
	applied := make([]int, len(all))
	together(len(all), func(i int) {
		var err error
		if err = all[i].CheckPooler(t.Context()); err == nil {
			applied[i], err = all[i].Migrate(t.Context())
		}
		if err != nil {
			t.Errorf("store %d: %v", i, err)
		}
	})
	workers, sum := 0, 0
	for _, n := range applied {
		if sum += n; n > 0 {
			workers++
		}
	}
	if want := len(migrationFiles(t, "postgres")); workers != 1 || sum != want {
		t.Errorf("%d stores applied %d of %d migrations", workers, sum, want)
	}
}

// workTogether runs every act and refreshes in groups, and checks that nothing fails and that groups leave nothing behind.
func workTogether(t *testing.T, when string, all []*models.Store) {
	t.Helper()
	for _, s := range all {
		devices := crowdOf(t, s, 12)
		together(len(devices)+1, func(i int) {
			if i == len(devices) {
				for name, err := range everyAct(t, s) {
					t.Errorf("%s, %s: %v", when, name, err)
				}
				return
			}
			for g := range int64(5) {
				if got, err := s.RotateDevice(t.Context(), present(devices[i], g+1, noon)); err != nil || got.Outcome != models.Rotated {
					t.Errorf("%s, a refresh: outcome %d, %v", when, got.Outcome, err)
				}
			}
		})
		unmarked(t, s)
	}
}

// A pooler that cannot run our statements is recognised at once, and the error says which setting to change.
func TestAPgBouncerThatCannotWorkIsRefused(t *testing.T) {
	t.Parallel()
	installed := modelstest.FindPgBouncer(t)
	cluster := modelstest.StartCluster(t)
	check := func(url string) error {
		s := open(t, models.Config{URL: url, Conns: 4})
		began := time.Now()
		err := s.CheckPooler(t.Context())
		if took := time.Since(began); took > 8*time.Second {
			t.Errorf("it took %s", took)
		}
		if _, again := s.Condition(t.Context()); (again == nil) != (err == nil) {
			t.Errorf("the condition says %v, not %v", again, err)
		}
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("more than a line: %v", err)
		}
		return err
	}
	for name, c := range map[string]struct {
		changes []string
		more    string
		want    error
		says    string
	}{
		"session":              {sessionMode, "", nil, ""},
		"transaction":          {[]string{"max_prepared_statements", ""}, "", models.ErrNoStatements, "max_prepared_statements"},
		"transaction, unnamed": {[]string{"max_prepared_statements", ""}, "&default_query_exec_mode=exec", nil, ""},
		"statement":            {[]string{"max_prepared_statements", "", "pool_mode", "statement"}, "", models.ErrNoTransactions, "pool_mode"},
		"one session":          {append([]string{"default_pool_size", "1"}, sessionMode...), "", nil, ""},
	} {
		if err := check(modelstest.StartPgBouncer(t, installed, cluster, c.changes...).URL() + c.more); !errors.Is(err, c.want) || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := check(cluster.URL("latchkey")); err != nil {
		t.Errorf("without a pooler: %v", err)
	}
}

// A new PgBouncer keeps prepared statements unless it is told not to.
func TestANewPgBouncerWithoutPreparedStatementsIsRefused(t *testing.T) {
	t.Parallel()
	program := modelstest.FindNewPgBouncer(t)
	cluster := modelstest.StartCluster(t)
	for most, want := range map[string]error{"0": models.ErrNoStatements, "200": nil} {
		s := open(t, models.Config{URL: modelstest.StartPgBouncer(t, program, cluster, "max_prepared_statements", most).URL(), Conns: 4})
		if err := s.CheckPooler(t.Context()); !errors.Is(err, want) {
			t.Errorf("max_prepared_statements=%s: %v", most, err)
		}
	}
}
