package models

import (
	"context"
	"crypto/tls"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// running is a statement that has not ended.
type running struct {
	timer *time.Timer // to suspect its server
	ended atomic.Bool
}

// runningKey is where a statement's context has it.
type runningKey struct{}

// TraceQueryStart implements [pgx.QueryTracer].
func (p *pool) TraceQueryStart(ctx context.Context, conn *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	r := &running{}
	r.timer = time.AfterFunc(hangAfter, func() { p.suspect(conn.PgConn(), &r.ended) })
	return context.WithValue(ctx, runningKey{}, r)
}

// TraceQueryEnd implements [pgx.QueryTracer].
func (p *pool) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryEndData) {
	if r, ok := ctx.Value(runningKey{}).(*running); ok {
		r.ended.Store(true)
		r.timer.Stop()
	}
}

// TraceBatchStart implements [pgx.BatchTracer].
func (p *pool) TraceBatchStart(ctx context.Context, conn *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return p.TraceQueryStart(ctx, conn, pgx.TraceQueryStartData{})
}

// TraceBatchQuery implements [pgx.BatchTracer].
func (p *pool) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

// TraceBatchEnd implements [pgx.BatchTracer].
func (p *pool) TraceBatchEnd(ctx context.Context, conn *pgx.Conn, _ pgx.TraceBatchEndData) {
	p.TraceQueryEnd(ctx, conn, pgx.TraceQueryEndData{})
}

// suspect closes a connection whose server hangs, and resets the others. pgx itself would wait up to 15 seconds for the server, and
// keep the connection's place in the pool until then. Only one statement at a time looks: what it finds holds for the others.
func (p *pool) suspect(conn *pgconn.PgConn, ended *atomic.Bool) {
	p.looking.Lock()
	defer p.looking.Unlock()
	made, _ := conn.CustomData()[epochKey].(int64)
	if made >= p.hung { // not known to hang
		if time.Since(p.answered) < hangAfter {
			return
		}
		if !p.hangs(conn) {
			p.answered = time.Now()
			return
		}
	}
	if ended.Load() {
		return
	}
	p.hung = max(p.hung, made+1)
	p.servers.distrust(conn.Conn().RemoteAddr())
	p.reset(conn, false)
	raw := conn.Conn()
	if secure, ok := raw.(*tls.Conn); ok {
		raw = secure.NetConn()
	}
	_ = raw.Close()
}

// hangs reports that the server of a connection gives no sign of life. Behind one address another server may have taken its place:
// then that one does not know the statement.
func (p *pool) hangs(conn *pgconn.PgConn) bool {
	if !p.servers.answers(conn.Conn().RemoteAddr()) {
		return true
	}
	if p.pooler.present() || severalHosts(p.pooler.config) {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), answerTime)
	defer cancel()
	now, err := p.pooler.dial(ctx)
	if err != nil {
		return false
	}
	defer func() { _ = now.Close(ctx) }()
	// Of each group of statements only the beginning counts: they share a transaction.
	results, err := now.Exec(ctx, fmt.Sprintf(`SELECT current_setting('track_activities') = 'on' AND NOT EXISTS (SELECT 1 FROM pg_stat_activity
		WHERE pid = %d AND state <> 'idle' AND xact_start < clock_timestamp() - interval '%d ms')`, conn.PID(), hangAfter.Milliseconds()/2)).ReadAll()
	return err == nil && len(results) == 1 && len(results[0].Rows) == 1 && string(results[0].Rows[0][0]) == "t"
}

// ping tries a connection that was idle. It returns true only for one that is broken, so that pgx's own ping finds that out and takes
// the next: pgx's would not be watched.
func (p *pool) ping(ctx context.Context, idle pgxpool.ShouldPingParams) bool {
	if idle.IdleDuration <= pingAfter {
		return false
	}
	_, err := idle.Conn.Exec(ctx, "-- ping")
	return err != nil
}
