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
	// A connection lives for at most connLife + connLifeJitter, half an hour. The jitter keeps replicas from reconnecting all at
	// once.
	connLife       = 25 * time.Minute
	connLifeJitter = 5 * time.Minute
	connIdle       = 10 * time.Minute
	// resetEvery is the shortest time between two resets of all connections because one found its server read-only.
	resetEvery = time.Second
)

// pool is a database/sql pool on top of pgx's own. Only pgx's has a jittered lifetime and can drop a connection because of an error
// that its server returned.
type pool struct {
	db      *sql.DB
	conn    *pgxpool.Pool
	poolers *pooler

	mu      sync.Mutex
	epoch   int64     // how often all connections were reset
	resetAt time.Time // by the monotonic clock
}

// newPool makes a pool with a copy of config. It does not connect yet.
func newPool(config *pgxpool.Config, conns int, poolers *pooler) (*pool, error) {
	config = config.Copy()
	p := &pool{poolers: poolers}
	config.MaxConns, config.MinConns, config.MinIdleConns = int32(conns), 0, 0
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
	// pgx's pool pings a connection that was idle. database/sql keeps no idle connections, but passes one directly to a caller that
	// waits for it. ResetSession then checks whether the connection belongs to an earlier epoch.
	p.db = stdlib.OpenDBFromPool(p.conn,
		stdlib.OptionShouldPing(func(context.Context, stdlib.ShouldPingParams) bool { return false }),
		stdlib.OptionResetSession(func(_ context.Context, conn *pgx.Conn) error {
			if p.stale(conn.PgConn()) {
				return driver.ErrBadConn
			}
			return nil
		}))
	p.db.SetMaxOpenConns(conns)
	p.db.SetConnMaxLifetime(time.Minute) // of being passed on; then the connection returns to pgx's pool
	return p, nil
}

const epochKey = "epoch"

func (p *pool) stale(conn *pgconn.PgConn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	made, ok := conn.CustomData()[epochKey].(int64)
	return ok && made < p.epoch
}

// keeps reports whether a connection can be used further after an error of its server. When the server is read-only or a cached
// plan is stale, the same error would come again, on this connection and on older ones. They are all reset, so that the second
// attempt gets a new connection.
func (p *pool) keeps(conn *pgconn.PgConn, err *pgconn.PgError) bool {
	switch {
	case isReadOnly(err), isStalePlan(err):
		p.reset(conn, isReadOnly(err))
		return false
	case isStrayStatement(err): // the second attempt gets a connection without prepared statements
		p.poolers.known.Store(behind)
		p.poolers.stray.Store(true)
		p.reset(conn, false)
		return false
	}
	return err.Severity != "FATAL" && err.Severity != "PANIC" && err.SeverityUnlocalized != "FATAL" && err.SeverityUnlocalized != "PANIC"
}

// reset closes the connections of the present epoch, unless conn is of an earlier one. When bounded, it does so at most once in
// resetEvery.
func (p *pool) reset(conn *pgconn.PgConn, bounded bool) {
	p.mu.Lock()
	made, ok := conn.CustomData()[epochKey].(int64)
	due := ok && made == p.epoch && (!bounded || p.resetAt.IsZero() || time.Since(p.resetAt) >= resetEvery)
	if due {
		p.epoch++
		p.resetAt = time.Now()
	}
	p.mu.Unlock()
	if due {
		p.conn.Reset()
	}
}

// close closes the connections. It waits at most writeTimeout for one that is still in use.
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
	return err
}

// stats returns the numbers of database/sql, with those that only pgx's pool knows filled in.
func (p *pool) stats(name string) func() PoolStats {
	return func() PoolStats {
		own, s := p.conn.Stat(), p.db.Stats()
		s.OpenConnections, s.Idle = int(own.TotalConns()), int(own.IdleConns())
		s.MaxIdleClosed, s.MaxIdleTimeClosed, s.MaxLifetimeClosed = 0, own.MaxIdleDestroyCount(), own.MaxLifetimeDestroyCount()
		return PoolStats{Name: name, DBStats: s}
	}
}

// pooler detects a connection pooler between us and PostgreSQL, by two signs: it refuses parameters of the connection, as PgBouncer
// does, or it runs our statements on connections of other clients. Behind a pooler the server's own settings apply, and statements
// are not prepared by name unless the operator asked for it in the URL and it works.
type pooler struct {
	known  atomic.Int32 // 0: not known yet; directly: the server takes parameters; behind: a pooler refused them
	chosen bool         // the operator chose default_query_exec_mode
	stray  atomic.Bool  // a prepared statement was missing, or another client's was there
}

const (
	directly = 1
	behind   = 2
)

func (p *pooler) shares() bool { return p.known.Load() == behind }

// ourParams are the connection parameters that we set but can do without. Our statements are written for READ COMMITTED. Under a
// stricter level, one of two statements that update the same row fails needlessly.
var ourParams = []string{"default_transaction_isolation", "lock_timeout"}

// before sets the parameters of a new connection.
func (p *pooler) before(ctx context.Context, config *pgx.ConnConfig) error {
	config.RuntimeParams["default_transaction_isolation"] = "READ COMMITTED" // PostgreSQL ignores the case; tests look for a lower-case "commit" on the wire
	if p.known.Load() == 0 {
		conn, err := pgconn.ConnectConfig(ctx, config.Config.Copy())
		switch {
		case err == nil:
			_ = conn.Close(ctx)
			p.known.CompareAndSwap(0, directly)
		case refusesParams(err):
			p.known.Store(behind)
		default:
			return err
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

// refusesParams reports whether an error is that of PgBouncer for an unknown startup parameter (protocol_violation), or that of
// other poolers (feature_not_supported).
func refusesParams(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "08P01" || pg.Code == "0A000")
}
