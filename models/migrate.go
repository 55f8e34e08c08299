package models

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"time"

	"github.com/pressly/goose/v3"
)

//go:embed migrations
var migrations embed.FS

// Migration is one step of the schema.
type Migration struct {
	Version   int64
	Name      string
	AppliedAt time.Time // zero while it is pending
}

// Migrate brings the schema up to date and returns how many migrations it applied. Any number of processes may call it at once: on
// PostgreSQL one applies the migrations and the others wait; on SQLite, which has no such lock, another may go on after a conflict.
// It changes nothing and returns ErrNewerSchema when the schema is newer than this program, and ErrForeignDatabase when the database
// is another program's.
func (s *Store) Migrate(ctx context.Context) (applied int, err error) {
	// Check first, in one query without a lock. A replica that starts on a current schema then neither waits nor writes.
	if s.current(ctx) {
		return 0, nil
	}
	if err := s.refuseForeign(ctx); err != nil {
		return 0, err
	}
	if err := s.setLogMode(ctx); err != nil {
		return 0, wrapErr("migrate", err)
	}
	p, err := s.migrations()
	if err != nil {
		return 0, err
	}
	if err := s.refuseNewer(ctx, p); errors.Is(err, ErrNewerSchema) {
		return 0, err
	}
	for try := 0; ; try++ {
		results, err := p.Up(ctx)
		applied += len(results)
		if err == nil {
			if err := s.refuseNewer(ctx, p); err != nil {
				return applied, err
			}
			return applied, s.placeNewTables(ctx)
		}
		if partial := (*goose.PartialError)(nil); errors.As(err, &partial) {
			applied += len(partial.Applied) // the next try goes on after them
		}
		if try == 0 && (isReadOnly(err) || isStalePlan(err) || isShutdown(err) || isConflict(err)) {
			continue // on another connection
		}
		// SQLite has no lock for migrations. When another process has made the tables in between, look again.
		if s.dialect != "sqlite" || try == 20 || ctx.Err() != nil {
			return applied, wrapErr("migrate", err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// setLogMode turns on the write-ahead log of an SQLite file. The file remembers the setting. It is not among the options of each
// connection, because there it would write to a file that is still empty.
func (s *Store) setLogMode(ctx context.Context) error {
	if s.dialect != "sqlite" {
		return nil
	}
	_, err := s.pools[0].ExecContext(ctx, "PRAGMA journal_mode = WAL")
	for try := 0; err != nil && ctx.Err() == nil && try < 20; try++ { // another process may be doing the same
		time.Sleep(50 * time.Millisecond)
		_, err = s.pools[0].ExecContext(ctx, "PRAGMA journal_mode = WAL")
	}
	readers := s.pools[1] // close idle readers: they do not notice the change
	readers.SetMaxIdleConns(0)
	readers.SetMaxIdleConns(readers.Stats().MaxOpenConnections)
	return err
}

// current reports whether exactly the migrations of this program are applied. It compares their number and the last one.
func (s *Store) current(ctx context.Context) bool {
	files, err := fs.Glob(migrations, "migrations/"+s.dialect+"/*.sql")
	if err != nil || len(files) == 0 {
		return false
	}
	last, err := newestMigration(s.dialect)
	if err != nil {
		return false
	}
	distributed := "false"
	if s.dialect == "postgres" {
		distributed = isDistributed
	}
	var applied, newest int64
	var citus bool
	err = s.pools[0].QueryRowContext(ctx, "SELECT count(*), coalesce(max(version_id), 0), "+distributed+" FROM goose_db_version WHERE is_applied AND version_id > 0").
		Scan(&applied, &newest, &citus)
	if err != nil || applied != int64(len(files)) || newest != last {
		return false
	}
	s.setLayout(citus)
	return true
}

func (s *Store) refuseForeign(ctx context.Context) error {
	err := refuseForeign(ctx, s.pools[0], s.dialect)
	if err == nil || errors.Is(err, ErrForeignDatabase) {
		return err
	}
	return wrapErr("look for the schema", err)
}

// HasSchema reports whether any migration has been applied. It returns ErrForeignDatabase for another program's database.
func (s *Store) HasSchema(ctx context.Context) (bool, error) {
	if err := s.refuseForeign(ctx); err != nil {
		return false, err
	}
	table := "SELECT to_regclass('goose_db_version') IS NOT NULL"
	if s.dialect == "sqlite" {
		table = "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'goose_db_version')"
	}
	var there bool
	if err := s.read(ctx).Raw(table).Row().Scan(&there); err != nil || !there {
		return false, wrapErr("look for the schema", err)
	}
	err := s.read(ctx).Raw("SELECT EXISTS (SELECT 1 FROM goose_db_version WHERE is_applied AND version_id > 0)").Row().Scan(&there)
	return there, wrapErr("look for the schema", err)
}

// Migrations lists every migration with the time at which it was applied. It changes nothing.
func (s *Store) Migrations(ctx context.Context) ([]Migration, error) {
	there, err := s.HasSchema(ctx)
	if err != nil {
		return nil, err
	}
	if !there { // goose would create its table in order to read it
		return pendingMigrations(s.dialect)
	}
	p, err := s.migrations()
	if err != nil {
		return nil, err
	}
	status, err := p.Status(ctx)
	if err != nil {
		return nil, wrapErr("migration status", err)
	}
	list := make([]Migration, 0, len(status))
	for _, m := range status {
		list = append(list, Migration{Version: m.Source.Version, Name: m.Source.Path, AppliedAt: m.AppliedAt})
	}
	return list, nil
}

// PendingSQLite lists the migrations that a new SQLite database would get.
func PendingSQLite() ([]Migration, error) { return pendingMigrations("sqlite") }

func pendingMigrations(dialect string) (list []Migration, err error) {
	files, err := fs.Glob(migrations, "migrations/"+dialect+"/*.sql")
	for _, file := range files {
		version, err := goose.NumericComponent(file)
		if err != nil {
			return nil, fmt.Errorf("migrations: %w", err)
		}
		list = append(list, Migration{Version: version, Name: path.Base(file)})
	}
	return list, err
}

func (s *Store) refuseNewer(ctx context.Context, p *goose.Provider) error {
	current, target, err := p.GetVersions(ctx)
	if err != nil {
		return wrapErr("schema version", err)
	}
	if current > target {
		return fmt.Errorf("%w (%d, this program knows %d)", ErrNewerSchema, current, target)
	}
	return nil
}

func (s *Store) migrations() (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations/"+s.dialect)
	if err != nil {
		return nil, fmt.Errorf("migrations: %w", err)
	}
	options := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true)}
	dialect := goose.DialectSQLite3
	if s.dialect == "postgres" {
		dialect = goose.DialectPostgres
		options = append(options, goose.WithLocker(&migrationLock{pool: s.pools[1]})) // goose itself uses the other pool
	}
	p, err := goose.NewProvider(dialect, s.pools[0], files, options...)
	if err != nil {
		return nil, fmt.Errorf("migrations: %w", err)
	}
	return p, nil
}
