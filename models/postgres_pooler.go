package models

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// unnamedFor is how long statements are sent without names after a named one was stale or missing, at the most until connections end.
const unnamedFor = time.Hour

// pooler knows whether a connection pooler is between us and PostgreSQL. Our connections then are the pooler's: it refuses most
// parameters of a connection, so the server's own settings apply, and a session-level setting or lock would pass to other clients.
//
// Named prepared statements need a session pooler or one that keeps them for each client, as PgBouncer does since 1.21: see CheckPooler.
// PgBouncer itself never prepares a statement again that became stale because a table has changed. So after such an error, and when a
// statement is missing after all, all statements are sent without names for a while.
type pooler struct {
	config  *pgx.ConnConfig // as the operator gave it
	servers *servers
	known   atomic.Int32 // 0: not known yet
	stray   atomic.Pointer[time.Time]
}

// newPooler makes the connections of config go by servers.
func newPooler(config *pgx.ConnConfig, log *slog.Logger) *pooler {
	between := newServers(config.DialFunc, log)
	config.DialFunc = between.connect
	return &pooler{config: config, servers: between}
}

const (
	directly = 1
	behind   = 2
)

func (p *pooler) present() bool { return p.known.Load() == behind }

// leaveNames is called after a named statement was stale or missing. Without a pooler a new connection is enough.
func (p *pooler) leaveNames() {
	if p.present() {
		now := time.Now()
		p.stray.Store(&now)
	}
}

func (p *pooler) namesWork() bool {
	last := p.stray.Load()
	return last == nil || time.Since(*last) > unnamedFor
}

// before sets the parameters of a new connection. Our statements are written for READ COMMITTED: under a stricter level, one of two
// statements that update the same row fails needlessly. Behind a pooler transactions set it themselves.
func (p *pooler) before(ctx context.Context, config *pgx.ConnConfig) error {
	if p.known.Load() == 0 {
		conn, err := p.dial(ctx)
		if err != nil {
			return err
		}
		_ = conn.Close(ctx)
	}
	delete(config.RuntimeParams, isolationParam)
	if !p.present() {
		config.RuntimeParams[isolationParam] = "READ COMMITTED" // PostgreSQL ignores the case; tests look for a lower-case "commit" on the wire
	}
	if !p.namesWork() && config.DefaultQueryExecMode == pgx.QueryExecModeCacheStatement {
		config.DefaultQueryExecMode, config.StatementCacheCapacity = pgx.QueryExecModeExec, 0
	}
	return nil
}

const isolationParam = "default_transaction_isolation"

// dial makes a connection that any pooler accepts, and notes whether there is one: then the process that a server names at the
// beginning, for requests to cancel, is not the one that runs our statements.
func (p *pooler) dial(ctx context.Context) (*pgconn.PgConn, error) {
	config := p.config.Config.Copy()
	delete(config.RuntimeParams, isolationParam)
	conn, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	pid, err := backendOf(ctx, conn)
	if err != nil {
		return nil, errors.Join(err, conn.Close(ctx))
	}
	if pid == conn.PID() {
		p.known.CompareAndSwap(0, directly)
	} else {
		p.known.Store(behind)
	}
	return conn, nil
}

const askBackend = "SELECT pg_backend_pid()"

// backendOf returns the number of the server's process that runs the statements of a connection at the moment.
func backendOf(ctx context.Context, conn *pgconn.PgConn) (uint32, error) {
	results, err := conn.Exec(ctx, askBackend).ReadAll()
	if err != nil {
		return 0, err
	}
	return pidIn(results[0])
}

func pidIn(r *pgconn.Result) (uint32, error) {
	if r.Err != nil || len(r.Rows) != 1 {
		return 0, errors.Join(errors.New("no number of a process"), r.Err)
	}
	pid, err := strconv.ParseUint(string(r.Rows[0][0]), 10, 32)
	return uint32(pid), err
}
