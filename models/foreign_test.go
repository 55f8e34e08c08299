package models_test

import (
	"bytes"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// A database of another program is left as it is.
func TestADatabaseOfAnotherProgramIsRefused(t *testing.T) {
	for name, tables := range map[string][]string{
		"its tables":           {"CREATE TABLE users (id integer)", "INSERT INTO users VALUES (1)"},
		"one of our names":     {"CREATE TABLE clients (name text)"},
		"its own migrations":   {"CREATE TABLE goose_db_version (id integer, version_id bigint, is_applied boolean, tstamp timestamp)", "INSERT INTO goose_db_version VALUES (1, 7, true, NULL)", "CREATE TABLE users (id integer)"},
		"migrations like ours": {"CREATE TABLE goose_db_version (id integer, version_id bigint, is_applied boolean, tstamp timestamp)", "INSERT INTO goose_db_version VALUES (1, 1, true, NULL)", "CREATE TABLE posts (id integer)"},
	} {
		refused := func(t *testing.T, err error) {
			t.Helper()
			if !errors.Is(err, models.ErrForeignDatabase) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: %v", name, err)
			}
		}
		t.Run("sqlite, "+name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "other.db")
			db, err := sql.Open("sqlite", "file:"+path)
			if err != nil {
				t.Fatal(err)
			}
			for _, statement := range tables {
				if _, err := db.ExecContext(t.Context(), statement); err != nil {
					t.Fatal(err)
				}
			}
			_ = db.Close()
			_ = os.Chmod(path, 0o644)
			before, _ := os.ReadFile(path)
			s, err := models.Open(t.Context(), models.Config{URL: "sqlite:" + path})
			if err == nil {
				_, err = s.Migrate(t.Context())
				_ = s.Close()
			}
			refused(t, err)
			after, _ := os.ReadFile(path)
			files, _ := os.ReadDir(filepath.Dir(path))
			if !bytes.Equal(before, after) || mode(t, path) != 0o644 || len(files) != 1 {
				t.Errorf("%s: the file was changed: mode %o, %d files", name, mode(t, path), len(files))
			}
		})
		t.Run("postgres, "+name, func(t *testing.T) {
			s := open(t, models.Config{URL: modelstest.Postgres(t), Conns: 2})
			for _, statement := range tables {
				exec(t, s, statement)
			}
			count := func() int64 {
				return count(t, s, "SELECT count(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace")
			}
			before := count()
			_, err := s.Migrate(t.Context())
			refused(t, err)
			_, err = s.Migrations(t.Context())
			refused(t, err)
			if after := count(); after != before {
				t.Errorf("%s: there are %d tables and indexes, were %d", name, after, before)
			}
		})
	}
}

// In PostgreSQL other programs may have tables beside ours, and in other schemas whatever they like.
func TestTablesBesideOursAreNoConcernOfOurs(t *testing.T) {
	s := open(t, models.Config{URL: modelstest.Postgres(t), Conns: 2})
	for _, statement := range []string{"CREATE TABLE posts (id integer)", "CREATE SCHEMA other", "CREATE TABLE other.users (id integer)"} {
		exec(t, s, statement)
	}
	if _, err := s.Migrate(t.Context()); err != nil {
		t.Error(err)
	}
}

// Another program's migrations in a further schema of the search path are no concern of ours.
func TestAnEmptySchemaBeforeAnotherProgramsIsUsed(t *testing.T) {
	address := modelstest.Postgres(t)
	s := open(t, models.Config{URL: address, Conns: 2})
	exec(t, s, "CREATE TABLE goose_db_version (id integer, version_id bigint, is_applied boolean, tstamp timestamp)")
	exec(t, s, "INSERT INTO goose_db_version VALUES (1, 7, true, NULL)")
	exec(t, s, "CREATE SCHEMA latchkey")
	parsed, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	query := parsed.Query()
	query.Set("search_path", "latchkey,public")
	parsed.RawQuery = query.Encode()
	ours := open(t, models.Config{URL: parsed.String(), Conns: 2})
	if applied, err := ours.Migrate(t.Context()); err != nil || applied == 0 {
		t.Errorf("%d migrations, %v", applied, err)
	}
}
