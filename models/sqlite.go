package models

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	gormsqlite "gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"modernc.org/sqlite" // also registers the pure Go driver "sqlite"
)

// sqliteOptions: synchronous=FULL with WAL (see setLogMode), so that an acknowledged commit survives a power cut;
// _txlock=immediate, so that a transaction takes its write lock at BEGIN and never fails half-way; times as integers, which compare
// correctly in every time zone, unlike the driver's texts.
const sqliteOptions = "_pragma=busy_timeout(5000)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)" +
	"&_pragma=trusted_schema(0)&_txlock=immediate&_time_integer_format=unix_micro&_inttotime=1&_timezone=UTC&_dqs=0"

func openSQLite(ctx context.Context, path string, c Config) (*Store, error) {
	if path == "" {
		return nil, errors.New("database sqlite: has no path")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("database path: %w", err)
	}
	if there, err := os.Stat(path); (c.Existing || c.Look) && (errors.Is(err, fs.ErrNotExist) || err == nil && there.Size() == 0) {
		return nil, fmt.Errorf("%w at %s", ErrNoDatabase, path)
	}
	file := sqliteFile(path)
	lone := withoutLog(path) // check before SQLite creates a new log
	if err := refuseForeignFile(ctx, file, path); err != nil {
		return nil, err
	}
	if !c.Look {
		if err := makePrivate(path); err != nil {
			return nil, err
		}
	}
	tables, err := examine(ctx, file, path, lone)
	if err != nil {
		return nil, err
	}
	// As SQLite does in each Linux distribution: a commit is as durable, and does not wait until the file system has logged the time of
	// the change. Where there is no fdatasync(2), the driver goes on with fsync(2).
	_, _ = sqlite.Fdatasync(true)
	dsn := file + "?" + sqliteOptions
	if c.Look {
		dsn += "&_query_only=1"
	}
	writer, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	writer.SetMaxOpenConns(1)
	writer.SetMaxIdleConns(1)
	reader, err := sql.Open("sqlite", dsn+"&_query_only=1")
	if err != nil {
		_ = writer.Close()
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	readers := max(4, runtime.GOMAXPROCS(0))
	reader.SetMaxOpenConns(readers)
	reader.SetMaxIdleConns(readers)

	s := &Store{dialect: "sqlite", pools: []*sql.DB{writer, reader}, rotator: newSQLiteRotator(writer, c.OnStatement)}
	for i, name := range []string{"writer", "reader"} {
		pool := s.pools[i]
		s.stats = append(s.stats, func() PoolStats { return PoolStats{Name: name, DBStats: pool.Stats()} })
		s.closers = append(s.closers, pool.Close)
	}
	if tables > 0 && !c.Look {
		if err := s.setLogMode(ctx); err != nil {
			_ = s.Close()
			return nil, fmt.Errorf("open %s: %w", path, err)
		}
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

// refuseForeignFile looks into a file that is there, before anything about it is changed: its mode, its journal. What cannot be read is
// judged later.
func refuseForeignFile(ctx context.Context, file, path string) error {
	if there, err := os.Stat(path); err != nil || there.Size() == 0 {
		return nil // a new one
	}
	db, err := sql.Open("sqlite", file+"?mode=ro&_pragma=busy_timeout(5000)")
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	defer func() { _ = db.Close() }()
	if err := refuseForeign(ctx, db, "sqlite"); errors.Is(err, ErrForeignDatabase) {
		return fmt.Errorf("open %s: %w", path, err)
	}
	return nil
}

// withoutLog reports whether a file is not empty and has no write-ahead log beside it. A process that creates a database has a log,
// and one that was killed while creating it leaves a log.
func withoutLog(path string) bool {
	file, err := os.Stat(path)
	_, log := os.Stat(path + "-wal")
	return err == nil && file.Size() > 0 && errors.Is(log, fs.ErrNotExist)
}

// examine counts the tables of a file. It returns an error when the file is not a database, which opening alone does not detect. It
// writes nothing. It refuses a lone file, one without a log, that has no tables: such a file may be a copy of a database whose
// tables were still in the log that was not copied. Latchkey would then start with an empty database and no warning.
func examine(ctx context.Context, file, path string, lone bool) (tables int64, err error) {
	db, err := sql.Open("sqlite", file+"?_pragma=busy_timeout(5000)")
	if err != nil {
		return 0, fmt.Errorf("open %s: %w", path, err)
	}
	defer func() { _ = db.Close() }()
	for try := 0; ; try++ {
		if err := db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_master").Scan(&tables); err != nil {
			return 0, fmt.Errorf("open %s: %w", path, err)
		}
		if tables > 0 || !lone {
			return tables, nil
		}
		if try == 60 { // another process may be creating them; wait up to three seconds
			return 0, fmt.Errorf("%s is not empty, but holds no tables: if it is a copy, %s-wal must be copied with it; "+
				"if it is of no use, delete it", path, filepath.Base(path))
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// makePrivate creates the database's folder with mode 0700 and the file with mode 0600, before SQLite could create them readable by
// others. The write-ahead log gets the mode of the file.
func makePrivate(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("database folder: %w", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
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
