package models

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
)

const (
	// connLife and connLifeJitter make up half an hour, the longest that a connection lives. The jitter keeps the connections of
	// all replicas from being made again at once.
	connLife       = 25 * time.Minute
	connLifeJitter = 5 * time.Minute
	connIdle       = 10 * time.Minute
	// resetEvery is how often at most all connections are given up because one found its server read-only.
	resetEvery = time.Second
)

// pool is pgx's own pool under database/sql, which knows neither a jittered life nor a connection that an answer disqualifies.
type pool struct {
	db      *sql.DB
	conn    *pgxpool.Pool
	poolers *pooler

	mu      sync.Mutex
	epoch   int64     // how often all connections were given up
	resetAt time.Time // by the monotonic clock
}

// newPool makes a pool of config, which it changes. Nothing is dialled yet.
func newPool(config *pgxpool.Config, conns int, poolers *pooler) (*pool, error) {
	config = config.Copy()
	p := &pool{poolers: poolers}
	config.MaxConns, config.MinConns, config.MinIdleConns = int32(conns), 0, 0 //nolint:gosec // at most 1000
	config.MaxConnLifetime, config.MaxConnLifetimeJitter, config.MaxConnIdleTime = connLife, connLifeJitter, connIdle
	config.ConnConfig.OnPgError = p.keeps
	config.BeforeConnect = poolers.before
	config.AfterConnect = func(_ context.Context, conn *pgx.Conn) error {
		conn.TypeMap().RegisterType(&pgtype.Type{
			Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
		})
		p.mu.Lock()
		defer p.mu.Unlock()
		conn.PgConn().CustomData()[epochKey] = p.epoch
		return nil
	}
	var err error
	if p.conn, err = pgxpool.NewWithConfig(context.Background(), config); err != nil {
		return nil, errors.New("database: cannot set up the PostgreSQL pool")
	}
	// pgx's pool asks a connection that was idle how it is. database/sql keeps none, and hands one on only to a caller who waits
	// for it, past pgx's pool: it must not outlive the others there.
	p.db = stdlib.OpenDBFromPool(p.conn,
		stdlib.OptionShouldPing(func(context.Context, stdlib.ShouldPingParams) bool { return false }),
		stdlib.OptionResetSession(func(_ context.Context, conn *pgx.Conn) error {
			if p.stale(conn.PgConn()) {
				return driver.ErrBadConn
			}
			return nil
		}))
	p.db.SetMaxOpenConns(conns)
	p.db.SetConnMaxLifetime(time.Minute) // of a chain of callers; then pgx's pool sees the connection again
	return p, nil
}

const epochKey = "epoch"

func (p *pool) stale(conn *pgconn.PgConn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	made, ok := conn.CustomData()[epochKey].(int64)
	return ok && made < p.epoch
}

// keeps reports whether a connection is of further use after an error of its server. One that has found its server read-only, or
// an old plan of a table that changed, will find the same again, and so will those made before it: they are given up together, so
// that the second try gets one made after.
func (p *pool) keeps(conn *pgconn.PgConn, err *pgconn.PgError) bool {
	switch {
	case isReadOnly(err), isStalePlan(err):
		p.giveUp(conn, isReadOnly(err))
		return false
	case isStrayStatement(err): // the second try gets a connection on which nothing is prepared
		p.poolers.known.Store(behind)
		p.poolers.stray.Store(true)
		p.giveUp(conn, false)
		return false
	}
	return err.Severity != "FATAL" && err.Severity != "PANIC" && err.SeverityUnlocalized != "FATAL" && err.SeverityUnlocalized != "PANIC"
}

func (p *pool) giveUp(conn *pgconn.PgConn, bounded bool) {
	p.mu.Lock()
	made, ok := conn.CustomData()[epochKey].(int64)
	reset := ok && made == p.epoch && (!bounded || p.resetAt.IsZero() || time.Since(p.resetAt) >= resetEvery)
	if reset {
		p.epoch++
		p.resetAt = time.Now()
	}
	p.mu.Unlock()
	if reset {
		p.conn.Reset()
	}
}

// close returns when the connections are closed, or when one that somebody still holds was waited for long enough.
func (p *pool) close() error {
	err := p.db.Close()
	done := make(chan struct{})
	go func() {
		p.conn.Close()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(writeTimeout):
	}
	return err //nolint:wrapcheck // Close says what was attempted
}

// stats are those of database/sql, and of pgx's pool where that one knows better.
func (p *pool) stats(name string) func() PoolStats {
	return func() PoolStats {
		own, s := p.conn.Stat(), p.db.Stats()
		s.OpenConnections, s.Idle = int(own.TotalConns()), int(own.IdleConns())
		s.MaxIdleClosed, s.MaxIdleTimeClosed, s.MaxLifetimeClosed = 0, own.MaxIdleDestroyCount(), own.MaxLifetimeDestroyCount()
		return PoolStats{Name: name, DBStats: s}
	}
}

// pooler finds out whether there is a pooler between us and PostgreSQL that takes no parameters of the connection, as PgBouncer
// does, or that gives our statements connections of other clients. Behind one, the server's own settings hold, and nothing is
// prepared by name, unless the operator asked for it in the URL and it works.
type pooler struct {
	known  atomic.Int32 // 0: nothing was asked yet; directly: they are taken; behind: refused
	chosen bool         // the operator chose default_query_exec_mode
	stray  atomic.Bool  // a prepared statement was lost, or another client's was there
}

const (
	directly = 1
	behind   = 2
)

func (p *pooler) shares() bool { return p.known.Load() == behind }

// ourParams are parameters that we would like and can do without. Our statements are made for READ COMMITTED: under a stricter
// level two of them that meet at one row fail, for nothing.
var ourParams = []string{"default_transaction_isolation", "lock_timeout"}

// before gives a new connection its parameters.
func (p *pooler) before(ctx context.Context, config *pgx.ConnConfig) error {
	config.RuntimeParams["default_transaction_isolation"] = "READ COMMITTED" // as PostgreSQL takes it, too; our own tests look for "commit" on the wire
	if p.known.Load() == 0 {
		conn, err := pgconn.ConnectConfig(ctx, config.Config.Copy())
		switch {
		case err == nil:
			_ = conn.Close(ctx)
			p.known.CompareAndSwap(0, directly)
		case refusesParams(err):
			p.known.Store(behind)
		default:
			return err //nolint:wrapcheck // as if the dial itself had failed
		}
	}
	if p.shares() {
		for _, name := range ourParams {
			delete(config.RuntimeParams, name)
		}
		if (!p.chosen || p.stray.Load()) && config.DefaultQueryExecMode == pgx.QueryExecModeCacheStatement {
			config.DefaultQueryExecMode, config.StatementCacheCapacity = pgx.QueryExecModeExec, 0
		}
	}
	return nil
}

// refusesParams tells PgBouncer's answer to a startup parameter that it does not know (protocol violation), and that of other
// poolers (feature not supported).
func refusesParams(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "08P01" || pg.Code == "0A000")
}
