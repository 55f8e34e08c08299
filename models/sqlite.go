package models

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"

	gormsqlite "gorm.io/driver/sqlite"
	"gorm.io/gorm"
	_ "modernc.org/sqlite" // registers the pure Go driver "sqlite"
)

// sqliteOptions: WAL with synchronous=FULL, so that what was acknowledged survives a power cut; write locks taken at
// BEGIN, so that no transaction fails half-way for being second; times as integers, which compare rightly in every
// zone (the drivers' texts do not).
const sqliteOptions = "_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)" +
	"&_pragma=trusted_schema(0)&_txlock=immediate&_time_integer_format=unix_micro&_inttotime=1&_timezone=UTC&_dqs=0"

func openSQLite(ctx context.Context, path string, c Config) (*Store, error) {
	if path == "" {
		return nil, errors.New("database sqlite: has no path")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("database path: %w", err)
	}
	if err := makePrivate(path); err != nil {
		return nil, err
	}
	// SQLite takes a URI's path; everything that means something in a URI is escaped.
	dsn := "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + sqliteOptions
	writer, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	writer.SetMaxOpenConns(1)
	writer.SetMaxIdleConns(1)
	// Asked first, because opening succeeds on a file that is no database or that cannot be written.
	if _, err := writer.ExecContext(ctx, "PRAGMA user_version"); err != nil {
		_ = writer.Close()
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	reader, err := sql.Open("sqlite", dsn+"&_query_only=1")
	if err != nil {
		_ = writer.Close()
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	readers := max(4, runtime.GOMAXPROCS(0))
	reader.SetMaxOpenConns(readers)
	reader.SetMaxIdleConns(readers)

	s := &Store{dialect: "sqlite", pools: []*sql.DB{writer, reader}, rotations: newSQLiteRotations(writer, c.OnStatement)}
	for i, name := range []string{"writer", "reader"} {
		pool := s.pools[i]
		s.stats = append(s.stats, func() PoolStats { return PoolStats{Name: name, DBStats: pool.Stats()} })
		s.closers = append(s.closers, pool.Close)
	}
	for i, to := range []**gorm.DB{&s.w, &s.r} {
		*to, err = gorm.Open(gormsqlite.New(gormsqlite.Config{DriverName: "sqlite", Conn: s.pools[i]}), gormConfig(c))
		if err != nil {
			_ = s.Close()
			return nil, fmt.Errorf("open %s: %w", path, err)
		}
	}
	return s, nil
}

// makePrivate makes the database's folder 0700 and the file 0600 before SQLite would make them readable by others.
// The write-ahead log takes its mode from the file.
func makePrivate(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("database folder: %w", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the operator names the path
	if err != nil {
		return fmt.Errorf("database file: %w", err)
	}
	defer func() { _ = f.Close() }()
	if info, err := f.Stat(); err == nil && info.Mode().Perm()&0o077 != 0 {
		if err := f.Chmod(0o600); err != nil {
			return fmt.Errorf("database file: %w", err)
		}
	}
	return nil
}
