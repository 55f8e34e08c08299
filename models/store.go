package models

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"
)

// writeTimeout bounds every write. A write goes on when the caller hangs up.
const writeTimeout = 5 * time.Second

// Config says which database to open.
type Config struct {
	// URL is "sqlite:PATH" (the folder is made 0700, the file 0600) or "postgres://…" (several hosts allowed).
	URL string
	// Existing refuses to make a database: Open returns ErrNoDatabase when the SQLite file is not there.
	Existing bool
	// Look opens an SQLite database without changing its mode or its journal, and refuses every statement that writes. It implies
	// Existing. PostgreSQL ignores it.
	Look bool
	// Conns is the largest number of PostgreSQL connections, 16 when 0. SQLite ignores it: it has one writer and a pool of readers.
	Conns int
	// Logger gets warnings about statements that take a second or longer, without their values, and about a PostgreSQL server that
	// does not answer; nil discards them.
	Logger *slog.Logger
	// OnStatement, when set, is called for every statement sent except BEGIN and COMMIT, from any goroutine.
	OnStatement func(sql string)
}

// Store gives access to the database. It is safe for concurrent use.
type Store struct {
	w, r    *gorm.DB // writer and reader; the same on PostgreSQL
	dialect string   // "sqlite" or "postgres"
	pools   []*sql.DB
	stats   []func() PoolStats
	closers []func() error
	pooler  *pooler // of PostgreSQL; nil with SQLite
	rotator *rotator
	retrier *retrier     // of PostgreSQL; nil with SQLite, which waits instead
	layout  atomic.Int32 // see onCitus
}

// PoolStats are the statistics of a pool of connections, for metrics.
type PoolStats struct {
	// Name says what the pool is for: "writer" and "reader" with SQLite, "main" and "refresh" with PostgreSQL. The refresh pool
	// serves token refreshes that arrive at the same time.
	Name string
	sql.DBStats
}

// Open opens the database that c.URL names. It does not connect to PostgreSQL before the first statement, so the process starts
// even when the database is down. Open does not change the schema; see Migrate.
func Open(ctx context.Context, c Config) (*Store, error) {
	scheme, path, ok := strings.Cut(c.URL, ":")
	switch {
	case ok && scheme == "sqlite":
		return openSQLite(ctx, path, c)
	case ok && (scheme == "postgres" || scheme == "postgresql"):
		return openPostgres(c)
	}
	return nil, fmt.Errorf("database must be sqlite:PATH or a postgres:// URL")
}

// Dialect is "sqlite" or "postgres".
func (s *Store) Dialect() string { return s.dialect }

// PoolStats returns the present statistics of all pools.
func (s *Store) PoolStats() (list []PoolStats) {
	for _, stats := range s.stats {
		list = append(list, stats())
	}
	return list
}

// Retries returns how often statements were tried again since the store was opened.
func (s *Store) Retries() Retries {
	if s.retrier == nil {
		return Retries{}
	}
	return s.retrier.read()
}

// Pools returns the connection pools, for tests that count connections or bypass the store. The first one can write.
func (s *Store) Pools() []*sql.DB { return s.pools }

// Close closes every connection.
func (s *Store) Close() error {
	var first error
	for _, closePool := range s.closers {
		if err := closePool(); err != nil && first == nil {
			first = wrapErr("close database", err)
		}
	}
	return first
}

// Ping sends one trivial statement to the writer. It returns ErrUnavailable when the database cannot be reached.
func (s *Store) Ping(ctx context.Context) error {
	var one int
	err := s.w.WithContext(ctx).Raw("SELECT 1").Scan(&one).Error
	if err != nil {
		return fmt.Errorf("ping: %w: %w", ErrUnavailable, redact(err))
	}
	return nil
}

// CheckWrite writes one meaningless row in a transaction, to find out whether the database accepts writes. It fails when the server
// is read-only, its disk is full, or a pooler does not support our statements or transactions. Each process uses a key of its own
// and so waits for no other. The row is swept together with the counters. CheckWrite stops when ctx ends.
func (s *Store) CheckWrite(ctx context.Context, key []byte, at time.Time) error {
	return wrapErr("write one row", s.transaction(s.w.WithContext(ctx), func(tx *gorm.DB) error {
		return tx.Exec(`INSERT INTO attempts (window_start, key, count) VALUES (?, ?, 1)
			ON CONFLICT (key) DO UPDATE SET window_start = excluded.window_start, count = 1`, dbTime(at), key).Error
	}))
}

// read starts a query that is cancelled when ctx ends.
func (s *Store) read(ctx context.Context) *gorm.DB { return s.r.WithContext(ctx) }

// write runs one autocommitted statement. It goes on when the caller hangs up, for at most writeTimeout.
func (s *Store) write(ctx context.Context, fn func(db *gorm.DB) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	ctx, err := s.withLayout(ctx)
	if err != nil {
		return err
	}
	if err := fn(s.w.WithContext(ctx)); err != nil {
		return err
	}
	return s.cutShort(ctx)
}

// cutShort returns an error when PostgreSQL was told to cancel a write that has ended without an error. A commit that waits for a synchronous
// standby is then done on the primary alone, and PostgreSQL says so only in a warning (documentation, "Synchronous Replication"): a failover
// would undo it. The caller learns that it is unknown, as after a lost connection.
func (s *Store) cutShort(ctx context.Context) error {
	if s.dialect != "postgres" {
		return nil
	}
	return ctx.Err()
}

// tx runs fn in one transaction. It goes on when the caller hangs up, for at most writeTimeout. An error returned by fn rolls
// everything back, so outcomes that must commit are values, not errors. After an error that another attempt may fix (see
// withRetries), fn runs again and must not rely on what it did before.
func (s *Store) tx(ctx context.Context, fn func(tx *gorm.DB) error) error {
	return s.write(ctx, func(db *gorm.DB) error { return s.transaction(db, fn) })
}

// level sets READ COMMITTED for one transaction where a pooler would refuse it for the connection.
func (s *Store) level() []*sql.TxOptions {
	if s.pooler == nil || !s.pooler.present() {
		return nil
	}
	return []*sql.TxOptions{{Isolation: sql.LevelReadCommitted}}
}

// transaction is tx with the context of db.
func (s *Store) transaction(db *gorm.DB, fn func(tx *gorm.DB) error) error {
	if s.dialect != "postgres" {
		return db.Transaction(fn)
	}
	ctx := db.Statement.Context
	return s.retrier.withRetries(ctx, func() error {
		begun := false
		run := func() error {
			return db.Transaction(func(tx *gorm.DB) error {
				begun = true
				return fn(tx)
			}, s.level()...)
		}
		err := run()
		if err != nil && !begun && isLost(err) && !errors.As(err, new(*pgconn.ConnectError)) && ctx.Err() == nil {
			err = run() // the connection broke while it was idle
		}
		return cmp.Or(err, s.cutShort(ctx))
	})
}

// NewID makes a UUIDv7 (RFC 9562 §5.7) with the given time, so that ids sort by age under an injected clock too.
func NewID(at time.Time) uuid.UUID {
	var id uuid.UUID
	_, _ = rand.Read(id[6:]) // never fails: crypto/rand ends the process instead
	ms := uint64(at.UnixMilli())
	for i := range 6 {
		id[i] = byte(ms >> (8 * (5 - i)))
	}
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
	return id
}

// dbTime returns t as both databases store it: in UTC, truncated to microseconds.
func dbTime(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// dbTimeOrNil is dbTime for a time that may be missing.
func dbTimeOrNil(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	stored := dbTime(*t)
	return &stored
}
