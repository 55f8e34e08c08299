package models

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"
)

// writeTimeout bounds every write; it runs on even when the caller hangs up.
const writeTimeout = 5 * time.Second

// Config says which database to open.
type Config struct {
	// URL is "sqlite:PATH" (the folder is made 0700, the file 0600) or "postgres://…" (several hosts allowed).
	URL string
	// Existing refuses to make a database: Open returns ErrNoDatabase when the SQLite file is not there.
	Existing bool
	// Conns is the number of PostgreSQL connections, open and idle alike; 0 means 16. SQLite has one writer and a pool of readers.
	Conns int
	// Logger takes warnings about slow statements; nil discards them. No statement's values ever reach it.
	Logger *slog.Logger
	// OnStatement, when set, is called once for every statement sent, BEGIN and COMMIT not counted.
	OnStatement func(sql string)
}

// Store is the database: the only way to it. It is safe for concurrent use.
type Store struct {
	w, r    *gorm.DB // one and the same on PostgreSQL
	dialect string   // "sqlite" or "postgres"
	pools   []*sql.DB
	stats   []func() PoolStats
	closers []func() error
	pooled  func() bool // whether a pooler keeps our connections from having our isolation level; nil: none does
	rotator *rotator
}

// PoolStats says how a pool of connections is doing, for metrics.
type PoolStats struct {
	// Name tells what the pool is for: "writer" and "reader" with SQLite, whose reader cannot write; with PostgreSQL "main" and
	// "refresh", which take the renewals of tokens that come at the same time.
	Name string
	sql.DBStats
}

// Open connects to the database named by c.URL. PostgreSQL is not dialled before the first statement, so a
// database that is down does not keep the process from starting.
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

// PoolStats are the numbers of all pools now.
func (s *Store) PoolStats() (list []PoolStats) {
	for _, stats := range s.stats {
		list = append(list, stats())
	}
	return list
}

// Pools are the connection pools, for tests that count connections or go round the store. The first one writes.
func (s *Store) Pools() []*sql.DB { return s.pools }

// Close ends every connection.
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

// CheckWrite writes one row, of no meaning, in a transaction, and says why it cannot: the server is read-only, its disk is full, or
// what is between us and it does not carry our statements, or no transactions. key is the caller's own, so that it waits for nobody; the row is swept with the counters of
// attempts. It ends with its context.
func (s *Store) CheckWrite(ctx context.Context, key []byte, at time.Time) error {
	return wrapErr("write one row", s.transaction(s.w.WithContext(ctx), func(tx *gorm.DB) error {
		return tx.Exec(`INSERT INTO attempts (window_start, key, count) VALUES (?, ?, 1)
			ON CONFLICT (key) DO UPDATE SET window_start = excluded.window_start, count = 1`, dbTime(at), key).Error
	}))
}

// read starts a query that ends when the caller's context does.
func (s *Store) read(ctx context.Context) *gorm.DB { return s.r.WithContext(ctx) }

// write runs one autocommitted statement, whatever becomes of the caller.
func (s *Store) write(ctx context.Context, fn func(db *gorm.DB) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	return fn(s.w.WithContext(ctx))
}

// tx runs fn in one transaction, whatever becomes of the caller. An error returned by fn rolls everything back:
// outcomes that must commit are values, not errors. After an error that a second try can heal fn is called again: it must be as
// good as new then.
func (s *Store) tx(ctx context.Context, fn func(tx *gorm.DB) error) error {
	return s.write(ctx, func(db *gorm.DB) error { return s.transaction(db, fn) })
}

// level pins READ COMMITTED for one transaction where the connection could not be told.
func (s *Store) level() []*sql.TxOptions {
	if s.pooled == nil || !s.pooled() {
		return nil
	}
	return []*sql.TxOptions{{Isolation: sql.LevelReadCommitted}}
}

// transaction is tx on the context of db.
func (s *Store) transaction(db *gorm.DB, fn func(tx *gorm.DB) error) error {
	if s.dialect != "postgres" {
		return db.Transaction(fn) //nolint:wrapcheck // the caller says what was attempted
	}
	ctx := db.Statement.Context
	return withRetries(ctx, func() error {
		begun := false
		run := func() error {
			return db.Transaction(func(tx *gorm.DB) error { //nolint:wrapcheck // the caller says what was attempted
				begun = true
				return fn(tx)
			}, s.level()...)
		}
		err := run()
		if err != nil && !begun && isLost(err) && !errors.As(err, new(*pgconn.ConnectError)) && ctx.Err() == nil {
			err = run() // the connection had died while it was idle
		}
		return err
	})
}

// NewID makes a UUIDv7 (RFC 9562 §5.7) of the given time, so that ids sort by age under an injected clock too.
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

// dbTime is t as both databases keep it: UTC, whole microseconds.
func dbTime(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
