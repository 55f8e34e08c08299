package modelstest

import (
	"context"
	"fmt"
	"hash/crc32"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"latchkey/models"
)

// Each runs fn as the subtests "sqlite" and "postgres", each with a store over
// a fresh, migrated, empty database of its own. The store is closed
// and the database gone when fn and its own subtests are done. fn may call
// t.Parallel.
func Each(t *testing.T, fn func(t *testing.T, s *models.Store)) {
	t.Helper()
	EachMigrated(t, func(t *testing.T, url string) { fn(t, open(t, url)) })
}

// EachURL is [Each] for tests of migrations and of the whole program: fn gets
// the URL of an empty database without a schema.
func EachURL(t *testing.T, fn func(t *testing.T, url string)) {
	t.Helper()
	if OnCitus() {
		t.Run("citus", func(t *testing.T) { fn(t, SharedCitus(t).Database(t)) })
		return
	}
	t.Run("sqlite", func(t *testing.T) { fn(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { fn(t, Postgres(t)) })
}

// EachMigrated is [EachURL] with today's schema in the databases.
func EachMigrated(t *testing.T, fn func(t *testing.T, url string)) {
	t.Helper()
	if OnCitus() {
		t.Run("citus", func(t *testing.T) { fn(t, SharedCitus(t).Distributed(t)) })
		return
	}
	t.Run("sqlite", func(t *testing.T) { fn(t, MigratedSQLite(t)) })
	t.Run("postgres", func(t *testing.T) { fn(t, MigratedPostgres(t)) })
}

// InTurn is [Each] on one of the two databases: on the same one in every run, by the name of the test. With LATCHKEY_SOAK it runs fn on both.
// It is for tests of what stands above the store and does not depend on the database.
func InTurn(t *testing.T, fn func(t *testing.T, s *models.Store)) {
	t.Helper()
	InTurnMigrated(t, func(t *testing.T, url string) { fn(t, open(t, url)) })
}

// InTurnMigrated is [InTurn] for tests that open the database themselves.
func InTurnMigrated(t *testing.T, fn func(t *testing.T, url string)) {
	t.Helper()
	if os.Getenv("LATCHKEY_SOAK") != "" || OnCitus() {
		EachMigrated(t, fn)
	} else if crc32.ChecksumIEEE([]byte(t.Name()))%2 == 0 {
		t.Run("sqlite", func(t *testing.T) { fn(t, MigratedSQLite(t)) })
	} else {
		t.Run("postgres", func(t *testing.T) { fn(t, MigratedPostgres(t)) })
	}
}

// SQLite returns the URL of a database file that does not exist yet, in a
// directory that is private to the test (0700) and removed after it.
func SQLite(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return sqliteURL(dir)
}

const sqliteFile = "latchkey.db"

func sqliteURL(dir string) string { return "sqlite:" + filepath.Join(dir, sqliteFile) }

// open opens the store that a test works with. Eight connections are enough to
// race on, and leave room for parallel tests on one server.
func open(t testing.TB, url string) *models.Store {
	t.Helper()
	s, err := models.Open(t.Context(), models.Config{
		URL: url, Conns: 8, Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatalf("open the store: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close the store: %v", err)
		}
	})
	return s
}

// migrate brings the database at url up to date, in the layout of Citus when distribute is set, and leaves no connection open.
func migrate(url string, distribute bool) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s, err := models.Open(ctx, models.Config{URL: url, Conns: 2, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return fmt.Errorf("open the template: %w", err)
	}
	if _, err = s.Migrate(ctx); err == nil && distribute {
		_, err = s.Distribute(ctx)
	}
	if err != nil {
		err = fmt.Errorf("migrate the template: %w", err)
	}
	if cerr := s.Close(); err == nil && cerr != nil {
		err = fmt.Errorf("close the template: %w", cerr)
	}
	return err
}

// MigratedSQLite is [SQLite] with today's schema, copied from a database that
// was migrated once: the migrations alone would cost most tests most of their time.
func MigratedSQLite(t testing.TB) string {
	t.Helper()
	files, err := sqliteTemplate()
	if err != nil {
		t.Fatal(err)
	}
	url := SQLite(t)
	dir := filepath.Dir(url[len("sqlite:"):])
	for name, body := range files {
		if err := os.WriteFile(filepath.Join(dir, name), body, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return url
}

// sqliteTemplate holds the files of the migrated database; a write-ahead log
// that was not merged yet belongs to them, its shared-memory index does not.
var sqliteTemplate = sync.OnceValues(func() (map[string][]byte, error) {
	dir, err := os.MkdirTemp("", "latchkey-sqlite-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := migrate(sqliteURL(dir), false); err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, name := range []string{sqliteFile, sqliteFile + "-wal"} {
		body, err := os.ReadFile(filepath.Join(dir, name))
		if os.IsNotExist(err) && name != sqliteFile {
			continue
		}
		if err != nil {
			return nil, err
		}
		files[name] = body
	}
	return files, nil
})
