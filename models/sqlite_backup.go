package models

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

var (
	// ErrNotSQLite says that the database is PostgreSQL's, which has its own programs to copy a database with.
	ErrNotSQLite = errors.New("the database is not a file: use pg_dump and pg_restore")
	// ErrDatabaseInUse says that a server or a command has the SQLite file open.
	ErrDatabaseInUse = errors.New("the database is in use: stop the server first")
	// ErrDatabaseThere says that there is a database already where one is to be restored.
	ErrDatabaseThere = errors.New("there is a database already")
)

// Backup copies the SQLite database into a new file with mode 0600, checks the copy, and returns its size in bytes and the version of its
// schema. Servers may use the database all the while: the copy is of one moment. It returns ErrNotSQLite, and an error when the file is
// there already or the copy is damaged. No incomplete file ever has that name.
func (s *Store) Backup(ctx context.Context, file string) (size, version int64, err error) {
	if s.dialect != "sqlite" {
		return 0, 0, ErrNotSQLite
	}
	if version, err = backup(ctx, s.pools[0], file); err != nil {
		return 0, 0, err
	}
	info, err := os.Stat(file)
	if err != nil {
		return 0, 0, fmt.Errorf("backup: %w", err)
	}
	return info.Size(), version, nil
}

func backup(ctx context.Context, db *sql.DB, file string) (version int64, err error) {
	if _, err := os.Lstat(file); !errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("backup to %s: %w", file, cmp.Or(err, fs.ErrExist))
	}
	part, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+".*.part") // mode 0600, and empty as VACUUM INTO wants it
	if err != nil {
		return 0, fmt.Errorf("backup: %w", err)
	}
	defer func() { _ = os.Remove(part.Name()) }()
	defer func() { _ = part.Close() }()
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", part.Name()); err != nil {
		return 0, fmt.Errorf("backup to %s: %w", file, err)
	}
	if version, err = checkSQLite(ctx, part.Name()); err != nil {
		return 0, fmt.Errorf("backup to %s: %w", file, err)
	}
	if err = place(part, file); err != nil {
		return 0, fmt.Errorf("backup: %w", err)
	}
	return version, nil
}

// RestoreSQLite puts a copy that Backup made in the place of the database that a URL names, and returns where a copy of the database that was
// there lies now ("": there was none). The copy is checked first, and nothing is changed if it is not sound, not complete or newer than this
// program. The file itself stays, with its owner, and SQLite locks it all the while: a process that opens it sees the former content, an
// error or the new one. RestoreSQLite returns ErrNotSQLite, ErrForeignDatabase, ErrNewerSchema, ErrDatabaseInUse, and without replace
// ErrDatabaseThere.
func RestoreSQLite(ctx context.Context, databaseURL, file string, replace bool) (former string, err error) {
	path, ok := strings.CutPrefix(databaseURL, "sqlite:")
	if !ok {
		return "", ErrNotSQLite
	}
	if path, err = filepath.Abs(path); err != nil {
		return "", fmt.Errorf("database path: %w", err)
	}
	version, err := checkSQLite(ctx, file)
	if err != nil {
		return "", fmt.Errorf("restore %s: %w", file, err)
	}
	if known, err := newestMigration("sqlite"); err != nil || version > known {
		return "", fmt.Errorf("restore %s: %w (%d, this program knows %d)", file, cmp.Or(err, ErrNewerSchema), version, known)
	}
	there, err := refusePlace(ctx, path, replace)
	if err != nil {
		return "", err
	}
	if err := makePrivate(path); err != nil {
		return "", err
	}
	db, err := sql.Open("sqlite", sqliteFile(path)+"?_pragma=busy_timeout(1000)&_pragma=synchronous(FULL)")
	if err != nil {
		return "", fmt.Errorf("open %s: %w", path, err)
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	if err := lockAlone(ctx, db); err != nil {
		return "", fmt.Errorf("open %s: %w", path, err)
	}
	if there {
		former = path + ".before-restore-" + time.Now().UTC().Format("20060102T150405.000Z")
		if _, err := backup(ctx, db, former); err != nil {
			return "", fmt.Errorf("keep the present database: %w", err)
		}
	}
	if err := overwrite(ctx, db, file); err != nil {
		return former, fmt.Errorf("restore %s: %w", file, err)
	}
	return former, nil
}

// refusePlace reports whether there is a database at a path. It returns an error when none may be restored there.
func refusePlace(ctx context.Context, path string, replace bool) (there bool, err error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0:
		return false, refuseLogs(path, "is there without its database: move it away")
	case err != nil:
		return false, fmt.Errorf("database file: %w", err)
	case !replace:
		return false, fmt.Errorf("%w at %s", ErrDatabaseThere, path)
	}
	return true, refuseForeignFile(ctx, sqliteFile(path), path)
}

// refuseLogs returns an error when a log lies beside a file: SQLite would play it into the file, or what it holds would be missing.
func refuseLogs(path, problem string) error {
	for _, suffix := range []string{"-wal", "-journal"} {
		if info, err := os.Stat(path + suffix); err == nil && info.Size() > 0 {
			return fmt.Errorf("%s %s", path+suffix, problem)
		}
	}
	return nil
}

// lockAlone makes the only connection of a pool the only one to its database, and ends the write-ahead log.
func lockAlone(ctx context.Context, db *sql.DB) error {
	var mode string
	_, err := db.ExecContext(ctx, "PRAGMA locking_mode = EXCLUSIVE")
	if err == nil {
		err = db.QueryRowContext(ctx, "PRAGMA journal_mode = DELETE").Scan(&mode)
	}
	if err == nil {
		_, err = db.ExecContext(ctx, "BEGIN EXCLUSIVE; COMMIT") // holds the lock from now on
	}
	var failed *sqlite.Error
	if errors.As(err, &failed) && (failed.Code()&0xff == sqlite3.SQLITE_BUSY || failed.Code()&0xff == sqlite3.SQLITE_LOCKED) {
		return ErrDatabaseInUse
	}
	if err != nil {
		return fmt.Errorf("%w: if it is damaged, move it away, with its -wal, and restore again", err)
	}
	return nil
}

// overwrite makes a database a copy of a file, in one transaction.
func overwrite(ctx context.Context, db *sql.DB, file string) error {
	file, err := filepath.Abs(file)
	if err != nil {
		return err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	return conn.Raw(func(driver any) error {
		c, ok := driver.(interface {
			NewRestore(string) (*sqlite.Backup, error)
		})
		if !ok {
			return errors.New("the driver cannot restore")
		}
		b, err := c.NewRestore(sqliteFile(file) + "?mode=ro&immutable=1")
		if err != nil {
			return err
		}
		_, err = b.Step(-1) // all pages
		return errors.Join(err, b.Finish())
	})
}

// checkSQLite returns the version of the schema of a file that is a sound database of ours. It changes nothing.
func checkSQLite(ctx context.Context, path string) (version int64, err error) {
	if path, err = filepath.Abs(path); err == nil {
		_, err = os.Stat(path)
	}
	if err == nil {
		err = refuseLogs(path, "lies beside it: it holds what the file does not. Copy a database with latchkey backup")
	}
	if err != nil {
		return 0, err
	}
	db, err := sql.Open("sqlite", sqliteFile(path)+"?mode=ro&immutable=1")
	if err != nil {
		return 0, err
	}
	defer func() { _ = db.Close() }()
	if err := refuseForeign(ctx, db, "sqlite"); err != nil {
		return 0, err
	}
	var verdict string
	if err := db.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&verdict); err != nil || verdict != "ok" {
		return 0, fmt.Errorf("the file is damaged: %w", cmp.Or(err, errors.New(verdict)))
	}
	if err := db.QueryRowContext(ctx, "SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied").Scan(&version); err != nil {
		return 0, fmt.Errorf("the file has no schema of ours: %w", err)
	}
	return version, nil
}

// place gives a complete file its name, which no file has yet. Both survive a power cut.
func place(part *os.File, path string) error {
	if err := part.Sync(); err != nil {
		return err
	}
	if err := os.Link(part.Name(), path); errors.Is(err, fs.ErrExist) {
		return err
	} else if err != nil { // a file system without hard links
		if err := os.Rename(part.Name(), path); err != nil {
			return err
		}
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer func() { _ = folder.Close() }()
	return folder.Sync()
}

func newestMigration(dialect string) (int64, error) {
	files, err := fs.Glob(migrations, "migrations/"+dialect+"/*.sql")
	if err != nil || len(files) == 0 {
		return 0, fmt.Errorf("migrations: %w", cmp.Or(err, fs.ErrNotExist))
	}
	return goose.NumericComponent(files[len(files)-1])
}

// sqliteFile is the URI of a file, with everything escaped that means something in a URI.
func sqliteFile(path string) string { return "file:" + (&url.URL{Path: path}).EscapedPath() }
