package models_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pressly/goose/v3/lock"

	"latchkey/models"
	"latchkey/models/modelstest"
)

func TestEightProcessesMigrateAnEmptyDatabaseAtOnce(t *testing.T) {
	modelstest.EachURL(t, func(t *testing.T, url string) {
		stores := make([]*models.Store, 8)
		for i := range stores {
			stores[i] = open(t, models.Config{URL: url, Conns: 3})
		}
		var workers, applied atomic.Int64
		together(len(stores), func(i int) {
			n, err := stores[i].Migrate(t.Context())
			if err != nil {
				t.Errorf("process %d: %v", i, err)
			}
			if applied.Add(int64(n)); n > 0 {
				workers.Add(1)
			}
		})
		files := migrationFiles(t, stores[0].Dialect())
		alone := stores[0].Dialect() == "sqlite" || workers.Load() == 1 // SQLite has no session lock: after a conflict another may go on
		if !alone || applied.Load() != int64(len(files)) {
			t.Errorf("%d processes applied %d of %d migrations", workers.Load(), applied.Load(), len(files))
		}
		for i, s := range stores {
			if n, err := s.Migrate(t.Context()); err != nil || n != 0 {
				t.Errorf("process %d applied %d more, %v", i, n, err)
			}
		}
		list, err := stores[0].Migrations(t.Context())
		if err != nil || len(list) != len(files) {
			t.Fatalf("%d migrations are listed, %v", len(list), err)
		}
		for i, m := range list {
			if m.AppliedAt.IsZero() || m.Name != files[i] || m.Version != version(t, files[i]) {
				t.Errorf("migration %+v, the file is %s", m, files[i])
			}
		}
		addUser(t, stores[7])
	})
}

// The previous release locks its session, under the same number. It and this one must not migrate at the same time.
func TestThePreviousReleaseAndThisOneMigrateInTurn(t *testing.T) {
	s := open(t, models.Config{URL: modelstest.Postgres(t)})
	previous, err := s.Pools()[0].Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer previous.Close()
	ask := func(function string) (got bool) {
		t.Helper()
		if err := previous.QueryRowContext(t.Context(), "SELECT "+function+"($1)", lock.DefaultLockID).Scan(&got); err != nil {
			t.Fatal(err)
		}
		return got
	}
	if !ask("pg_try_advisory_lock") {
		t.Fatal("the lock is taken")
	}
	migrated := make(chan error, 1)
	go func() {
		_, err := s.Migrate(t.Context())
		migrated <- err
	}()
	select {
	case err := <-migrated:
		t.Fatalf("this release migrates beside the previous one: %v", err)
	case <-time.After(2 * time.Second):
	}
	ask("pg_advisory_unlock")
	if err := <-migrated; err != nil {
		t.Fatal(err)
	}
	if !ask("pg_try_advisory_lock") {
		t.Error("this release leaves its lock")
	}
}

func TestPendingMigrationsAreListedAsSuch(t *testing.T) {
	modelstest.EachURL(t, func(t *testing.T, url string) {
		list, err := open(t, models.Config{URL: url}).Migrations(t.Context())
		if err != nil || len(list) == 0 || !list[0].AppliedAt.IsZero() {
			t.Errorf("%+v %v", list, err)
		}
	})
}

func TestADatabaseOfANewerVersionIsRefusedUnchanged(t *testing.T) {
	modelstest.EachURL(t, func(t *testing.T, url string) {
		for _, c := range []struct{ name, statement string }{
			{"one migration ahead", "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, %s)"},
			{"ahead, and ours are not even noted", "DELETE FROM goose_db_version WHERE version_id BETWEEN 1 AND 98"},
		} {
			t.Run(c.name, func(t *testing.T) {
				s := open(t, models.Config{URL: url})
				if _, err := s.Migrate(t.Context()); err != nil && !errors.Is(err, models.ErrNewerSchema) {
					t.Fatal(err)
				}
				yes := map[string]string{"sqlite": "1", "postgres": "true"}[s.Dialect()]
				exec(t, s, strings.ReplaceAll(c.statement, "%s", yes))
				before := schema(t, s)
				versions := count(t, s, "SELECT count(*) FROM goose_db_version")
				n, err := s.Migrate(t.Context())
				if !errors.Is(err, models.ErrNewerSchema) || n != 0 {
					t.Errorf("applied %d, %v", n, err)
				}
				if diff := cmp.Diff(before, schema(t, s)); diff != "" || versions != count(t, s, "SELECT count(*) FROM goose_db_version") {
					t.Errorf("the database changed: %s", diff)
				}
			})
		}
	})
}

func TestMigratingStopsWithItsContext(t *testing.T) {
	modelstest.EachURL(t, func(t *testing.T, url string) {
		s := open(t, models.Config{URL: url})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if n, err := s.Migrate(ctx); err == nil || n != 0 {
			t.Errorf("applied %d, %v", n, err)
		}
		if n, err := s.Migrate(t.Context()); err != nil || n == 0 {
			t.Errorf("afterwards: applied %d, %v", n, err)
		}
	})
}

func migrationFiles(t *testing.T, dialect string) (names []string) {
	t.Helper()
	files, err := os.ReadDir("migrations/" + dialect)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		names = append(names, f.Name())
	}
	return names
}

func TestBothDatabasesHaveTheSameMigrations(t *testing.T) {
	files := migrationFiles(t, "sqlite")
	if diff := cmp.Diff(files, migrationFiles(t, "postgres")); diff != "" {
		t.Error(diff)
	}
	for i, name := range files {
		if n := version(t, name); !strings.HasPrefix(name, fmt.Sprintf("%04d_", n)) || i > 0 && n <= version(t, files[i-1]) {
			t.Errorf("%s has no number of its own", name)
		}
	}
}

// schema lists every column as "table.column type [null] [default]", in PostgreSQL's words, and every index.
func schema(t *testing.T, s *models.Store) []string {
	t.Helper()
	query := `SELECT table_name || '.' || column_name || ' ' || data_type || CASE is_nullable WHEN 'YES' THEN ' null' ELSE '' END || coalesce(' default ' || split_part(column_default, '::', 1), '')
		FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'goose_db_version'
		UNION ALL SELECT 'index ' || indexname FROM pg_indexes WHERE schemaname = 'public' AND indexname NOT LIKE '%\_key' AND indexname NOT LIKE '%\_pkey'`
	if s.Dialect() == "sqlite" {
		query = `SELECT t.name || '.' || c.name || ' ' || CASE lower(c.type) WHEN 'timestamp' THEN 'timestamp with time zone' WHEN 'blob' THEN 'bytea' WHEN 'integer' THEN 'bigint' ELSE lower(c.type) END
			|| CASE c."notnull" WHEN 0 THEN ' null' ELSE '' END || coalesce(' default ' || c.dflt_value, '')
			FROM sqlite_master t JOIN pragma_table_info(t.name) c WHERE t.type = 'table' AND t.name NOT IN ('goose_db_version', 'sqlite_sequence')
			UNION ALL SELECT 'index ' || name FROM sqlite_master WHERE type = 'index' AND name NOT LIKE 'sqlite_autoindex%'`
	}
	rows, err := s.Pools()[0].QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var list []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		list = append(list, strings.Replace(line, " uuid", " text", 1)) // SQLite has none
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(list)
	return list
}

func TestBothDatabasesHaveTheSameColumns(t *testing.T) {
	if modelstest.OnCitus() {
		t.Skip("compares SQLite with PostgreSQL")
	}
	schemas := map[string][]string{}
	modelstest.Each(t, func(t *testing.T, s *models.Store) { schemas[s.Dialect()] = schema(t, s) })
	if len(schemas["sqlite"]) < 50 {
		t.Errorf("only %d columns and indexes", len(schemas["sqlite"]))
	}
	if diff := cmp.Diff(schemas["sqlite"], schemas["postgres"]); schemas["postgres"] != nil && diff != "" {
		t.Errorf("SQLite (-), PostgreSQL (+):\n%s", diff)
	}
}

// version returns the number at the start of a migration's name. Numbers increase and may have gaps.
func version(t *testing.T, name string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(name[:4], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
