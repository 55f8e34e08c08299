package models

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"sync"
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
	pooler  *pooler
	servers *servers

	mu      sync.Mutex
	epoch   int64     // how often all connections were reset
	resetAt time.Time // by the monotonic clock

	looking  sync.Mutex // held while a statement finds out whether its server hangs
	hung     int64      // connections of earlier epochs are to a server that hung
	answered time.Time  // when a server last gave a sign of life
}

// newPool makes a pool with a copy of config. It does not connect yet.
func newPool(config *pgxpool.Config, conns int, between *pooler) (*pool, error) {
	config = config.Copy()
	p := &pool{pooler: between, servers: between.servers}
	config.MaxConns, config.MinConns, config.MinIdleConns = int32(conns), 0, 0
	config.MaxConnLifetime, config.MaxConnLifetimeJitter, config.MaxConnIdleTime = connLife, connLifeJitter, connIdle
	config.ConnConfig.OnPgError, config.ConnConfig.Tracer, config.ShouldPing = p.keeps, p, p.ping
	config.BeforeConnect = between.before
	config.AfterConnect = func(_ context.Context, conn *pgx.Conn) error {
		conn.TypeMap().RegisterType(&pgtype.Type{
			Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
		})
		p.servers.trust(conn.PgConn())
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
	case isReadOnly(err):
		p.reset(conn, true)
		return false
	case isStalePlan(err), isStrayStatement(err):
		if isStrayStatement(err) {
			p.pooler.known.Store(behind)
		}
		p.pooler.leaveNames() // the second attempt gets a connection without prepared statements
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
