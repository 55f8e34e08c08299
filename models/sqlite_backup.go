package models

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
)

var (
	// ErrNotSQLite: PostgreSQL has its own programs to copy a database with.
	ErrNotSQLite = errors.New("the database is not a file: use pg_dump and pg_restore")
	// ErrDatabaseInUse: a server or a command has the SQLite file open.
	ErrDatabaseInUse = errors.New("the database is in use: stop the server first")
	// ErrDatabaseThere: there is a database already where one is to be restored.
	ErrDatabaseThere = errors.New("there is a database already")
)

// Backup copies the SQLite database into a new file with mode 0600, checks the copy, and returns its size in bytes and the version of its
// schema. Servers may use the database all the while: the copy is of one moment. It returns ErrNotSQLite, and an error when the file is
// there already or the copy is damaged. After an error there is no file.
func (s *Store) Backup(ctx context.Context, file string) (size, version int64, err error) {
	if s.dialect != "sqlite" {
		return 0, 0, ErrNotSQLite
	}
	if _, err := os.Lstat(file); !errors.Is(err, fs.ErrNotExist) {
		return 0, 0, fmt.Errorf("backup to %s: %w", file, cmp.Or(err, fs.ErrExist))
	}
	part, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+".*.part") // mode 0600, and empty as VACUUM INTO wants it
	if err != nil {
		return 0, 0, fmt.Errorf("backup: %w", err)
	}
	defer func() { _ = os.Remove(part.Name()) }()
	defer func() { _ = part.Close() }()
	if _, err := s.pools[0].ExecContext(ctx, "VACUUM INTO ?", part.Name()); err != nil {
		return 0, 0, fmt.Errorf("backup to %s: %w", file, err)
	}
	if version, err = checkSQLite(ctx, part.Name()); err != nil {
		return 0, 0, fmt.Errorf("backup to %s: %w", file, err)
	}
	if size, err = place(part, file); err != nil {
		return 0, 0, fmt.Errorf("backup: %w", err)
	}
	return size, version, nil
}

// RestoreSQLite puts a copy that Backup made in the place of the database that a URL names, and returns where the database that was there
// lies now ("": there was none). The copy is checked first, and nothing is changed if it is not sound or newer than this program. It returns
// ErrNotSQLite, ErrForeignDatabase, ErrNewerSchema, ErrDatabaseInUse, and without replace ErrDatabaseThere.
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
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("database folder: %w", err)
	}
	there, err := clearPlace(ctx, path, replace)
	if err != nil {
		return "", err
	}
	from, err := os.Open(file)
	if err != nil {
		return "", fmt.Errorf("restore: %w", err)
	}
	defer func() { _ = from.Close() }()
	part, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.part")
	if err != nil {
		return "", fmt.Errorf("restore: %w", err)
	}
	defer func() { _ = os.Remove(part.Name()) }()
	defer func() { _ = part.Close() }()
	if _, err := io.Copy(part, from); err != nil {
		return "", fmt.Errorf("restore %s: %w", file, err)
	}
	if there { // under both names, so that at no moment there is no database
		former = path + ".before-restore-" + time.Now().UTC().Format("20060102T150405.000Z")
		if err := os.Link(path, former); err != nil {
			return "", fmt.Errorf("keep the present database: %w", err)
		}
	}
	if _, err := place(part, path); err != nil {
		return former, fmt.Errorf("restore: %w", err)
	}
	return former, nil
}

// clearPlace reports whether there is a database at a path, which is complete without its log afterwards.
func clearPlace(ctx context.Context, path string, replace bool) (there bool, err error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		if _, err := os.Stat(path + "-wal"); err == nil { // SQLite would play it into the restored file
			return false, fmt.Errorf("%s-wal is there without its database: move it away", path)
		}
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("database file: %w", err)
	}
	if !replace {
		return false, fmt.Errorf("%w at %s", ErrDatabaseThere, path)
	}
	if err := refuseForeignFile(ctx, sqliteFile(path), path); err != nil {
		return false, err
	}
	db, err := sql.Open("sqlite", sqliteFile(path)+"?_pragma=busy_timeout(1000)")
	if err != nil {
		return false, fmt.Errorf("open %s: %w", path, err)
	}
	defer func() { _ = db.Close() }()
	var mode string // only the last connection can leave the write-ahead log
	if err := db.QueryRowContext(ctx, "PRAGMA journal_mode = DELETE").Scan(&mode); err != nil || mode != "delete" {
		return false, fmt.Errorf("%w (%s: %v)", ErrDatabaseInUse, path, cmp.Or(err, errors.New("journal mode "+mode)))
	}
	return true, nil
}

// checkSQLite returns the version of the schema of a file that is a sound database of ours. It changes nothing.
func checkSQLite(ctx context.Context, path string) (version int64, err error) {
	if path, err = filepath.Abs(path); err == nil {
		_, err = os.Stat(path)
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

// place gives a complete file its name, and returns its size in bytes. Both survive a power cut.
func place(part *os.File, path string) (size int64, err error) {
	if err := part.Sync(); err != nil {
		return 0, err
	}
	info, err := part.Stat()
	if err != nil {
		return 0, err
	}
	if err := os.Rename(part.Name(), path); err != nil {
		return 0, err
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return 0, err
	}
	defer func() { _ = folder.Close() }()
	return info.Size(), folder.Sync()
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
