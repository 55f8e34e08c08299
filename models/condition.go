package models

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Condition describes the database to an operator who looks for a fault.
type Condition struct {
	Version  string        // of PostgreSQL or SQLite, as it names itself
	ReadOnly bool          // a standby, or a server whose transactions are read-only by default; always false with SQLite
	Pooled   bool          // a pooler is between us and PostgreSQL
	Most     int           // how many connections PostgreSQL lets us have; 0 behind a pooler, which has limits of its own, and with SQLite
	Ahead    time.Duration // the database's clock minus ours; 0 with SQLite, which has no clock of its own
	Within   time.Duration // how wrong Ahead may be: half the time that the question took
	Applied  int64         // the newest migration that was applied; 0: there is no schema
	Pending  int           // migrations of this program that were not applied
	Known    int64         // the newest migration of this program
}

// Condition reads the condition of the database. It changes nothing. It returns ErrUnavailable when the database cannot be reached,
// ErrForeignDatabase for another program's, and the errors of CheckPooler.
func (s *Store) Condition(ctx context.Context) (c Condition, err error) {
	if err := s.CheckPooler(ctx); err != nil { // first, while we hold no connection of a small pool
		return c, err
	}
	if err := s.Ping(ctx); err != nil {
		return c, err
	}
	if s.dialect == "sqlite" {
		err = s.pools[1].QueryRowContext(ctx, "SELECT sqlite_version()").Scan(&c.Version)
	} else {
		err = s.askServer(ctx, &c)
	}
	if err != nil {
		return c, err
	}
	c.Pooled = s.pooler != nil && s.pooler.present()
	if c.Most, err = s.MostConns(ctx); err != nil {
		return c, err
	}
	return c, s.readSchema(ctx, &c)
}

// MostConns returns how many connections PostgreSQL lets us have: what max_connections leaves to usual roles, or a lower limit of our
// role or database. Others may use some of them. It returns 0 behind a pooler and with SQLite.
func (s *Store) MostConns(ctx context.Context) (most int, err error) {
	if s.pooler == nil || s.pooler.present() {
		return 0, nil
	}
	err = s.pools[0].QueryRowContext(ctx, `SELECT least(
		(SELECT sum(CASE name WHEN 'max_connections' THEN setting::int ELSE -setting::int END) FROM pg_settings
			WHERE name IN ('max_connections', 'superuser_reserved_connections', 'reserved_connections')),
		(SELECT nullif(rolconnlimit, -1) FROM pg_roles WHERE rolname = current_user),
		(SELECT nullif(datconnlimit, -1) FROM pg_database WHERE datname = current_database()))`).Scan(&most)
	return most, wrapErr("ask for the limits of connections", err)
}

// askServer reads what PostgreSQL says of itself.
func (s *Store) askServer(ctx context.Context, c *Condition) error {
	options := &sql.TxOptions{ReadOnly: true}
	if levels := s.level(); levels != nil {
		options.Isolation = levels[0].Isolation
	}
	tx, err := s.pools[0].BeginTx(ctx, options)
	if err != nil {
		return wrapErr("ask the database about itself", err)
	}
	defer func() { _ = tx.Rollback() }()
	err = tx.QueryRowContext(ctx, `SELECT current_setting('server_version'),
		pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on'`).Scan(&c.Version, &c.ReadOnly)
	for try := 0; err == nil && try < 3; try++ { // the quickest answer tells the time best
		var there time.Time
		before := time.Now()
		err = tx.QueryRowContext(ctx, "SELECT clock_timestamp()").Scan(&there)
		half := time.Since(before) / 2
		if try == 0 || half < c.Within {
			c.Ahead, c.Within = there.Sub(before.Add(half)), half
		}
	}
	return wrapErr("ask the database about itself", err)
}

// readSchema compares the migrations that were applied with those of this program.
func (s *Store) readSchema(ctx context.Context, c *Condition) (err error) {
	list, err := pendingMigrations(s.dialect)
	if err != nil {
		return err
	}
	c.Pending = len(list)
	if c.Known, err = newestMigration(s.dialect); err != nil {
		return err
	}
	there, err := s.HasSchema(ctx)
	if err != nil || !there {
		return err
	}
	var applied int64
	err = s.read(ctx).Raw(`SELECT count(CASE WHEN version_id BETWEEN 1 AND ? THEN 1 END), coalesce(max(version_id), 0)
		FROM goose_db_version WHERE is_applied`, c.Known).Row().Scan(&applied, &c.Applied)
	c.Pending -= int(applied)
	return wrapErr("read the version of the schema", err)
}

// SQLiteFile describes the file of an SQLite database.
type SQLiteFile struct {
	Path   string
	Size   int64    // bytes, with the write-ahead log
	Shared []string // the file, its log and its folder, as far as other users of the machine may read or write them
	Locked []string // those of them that this process may not write
	Free   int64    // bytes that are free on its disk; -1: not known
}

// DescribeSQLite describes the file that a URL names, without opening it. It returns ErrNotSQLite, and ErrNoDatabase when there is no
// file or an empty one.
func DescribeSQLite(databaseURL string) (f SQLiteFile, err error) {
	path, ok := strings.CutPrefix(databaseURL, "sqlite:")
	if !ok {
		return f, ErrNotSQLite
	}
	if f.Path, err = filepath.Abs(path); err != nil {
		return f, fmt.Errorf("database path: %w", err)
	}
	folder := filepath.Dir(f.Path)
	for _, part := range []string{f.Path, f.Path + "-wal", folder} {
		info, err := os.Stat(part)
		switch {
		case errors.Is(err, fs.ErrNotExist) && part == f.Path, err == nil && part == f.Path && info.Size() == 0:
			return f, fmt.Errorf("%w at %s", ErrNoDatabase, f.Path)
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return f, fmt.Errorf("database file: %w", err)
		}
		others := info.Mode().Perm() & 0o077
		if part == folder { // others may enter it
			others &= 0o022
		} else {
			f.Size += info.Size()
		}
		if others != 0 && !OnlyOwnerEnters(folder) {
			f.Shared = append(f.Shared, part)
		}
		if !writable(part) {
			f.Locked = append(f.Locked, part)
		}
	}
	f.Free = freeSpace(folder)
	return f, nil
}

// OnlyOwnerEnters reports whether a folder keeps other users of the machine from the files in it, whatever modes these have.
func OnlyOwnerEnters(folder string) bool {
	info, err := os.Stat(folder)
	return err == nil && info.Mode().Perm()&0o011 == 0
}
