package models

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"
)

// pipelined runs fn in one transaction, as tx does, in as few round trips to PostgreSQL as its questions need: what fn only executes
// goes along with the next question, or with the end. Until then each statement counts as one that changed one row. Where that
// turns out wrong, everything is rolled back and fn is called once more, by tx: so it must be as good as new the second time.
// On SQLite, which no round trip leads to, it is tx.
func (s *Store) pipelined(ctx context.Context, fn func(tx *gorm.DB) error) error {
	if s.dialect != "postgres" {
		return s.tx(ctx, fn)
	}
	err := s.write(ctx, func(db *gorm.DB) error {
		return healed(db.Statement.Context, func() error { return pipe(db, s.pools[0], s.level() != nil, fn) })
	})
	if errors.Is(err, errGuessed) || pgconn.SafeToRetry(err) { // the latter: nothing was sent
		return s.tx(ctx, fn)
	}
	return err
}

// errGuessed says that a statement did not change one row, and that nothing was committed.
var errGuessed = errors.New("a statement changed none or several rows")

func pipe(db *gorm.DB, pool *sql.DB, pinned bool, fn func(tx *gorm.DB) error) error {
	ctx := db.Statement.Context
	conn, err := pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	p := &pipeline{conn: conn, begin: "begin"}
	if pinned {
		p.begin = "begin isolation level READ COMMITTED"
	}
	p.log, _ = db.Logger.(statementLog)
	committed := false
	defer func() { // after a panic, too
		if !committed {
			p.rollback(ctx)
		}
	}()
	tx := db.Session(&gorm.Session{NewDB: true, Context: ctx})
	tx.Statement.ConnPool = p
	if err = fn(tx); err == nil || p.err != nil {
		err = p.commit(ctx)
	}
	committed = err == nil
	return err
}

// anyCount is for a statement of which nobody asks how many rows it changed.
func anyCount(tx *gorm.DB) *gorm.DB {
	return tx.WithContext(context.WithValue(tx.Statement.Context, anyCountKey{}, true))
}

type anyCountKey struct{}

// pipeline is gorm's way to the database within a transaction.
type pipeline struct {
	conn   *sql.Conn
	log    statementLog
	begin  string
	queued []queued
	begun  bool
	err    error // what went wrong first; nothing is sent after it
}

type queued struct {
	sql     string
	args    []any
	certain bool // it does what it is asked to, or fails: nothing about it is guessed
}

// ExecContext says at once that one row was changed. What becomes of the statement is seen when it is sent.
func (p *pipeline) ExecContext(ctx context.Context, sql string, args ...any) (sql.Result, error) {
	if p.err != nil {
		return nil, p.err
	}
	p.queued = append(p.queued, queued{sql, args, ctx.Value(anyCountKey{}) != nil || insertsOne(sql)})
	return driver.RowsAffected(1), nil
}

// insertsOne tells whether a statement inserts or changes its row whatever is there already, or fails.
func insertsOne(sql string) bool {
	_, conflict, _ := strings.Cut(sql, "ON CONFLICT")
	return strings.HasPrefix(sql, "INSERT ") && !strings.Contains(conflict, "DO NOTHING") && !strings.Contains(conflict, " WHERE ")
}

// QueryContext asks, once everything before has been done.
func (p *pipeline) QueryContext(ctx context.Context, sql string, args ...any) (*sql.Rows, error) {
	if err := p.flush(ctx); err != nil {
		return nil, err
	}
	rows, err := p.conn.QueryContext(ctx, sql, args...)
	p.err = err // of a transaction that failed nothing can be committed
	return rows, err
}

// QueryRowContext is QueryContext for one row. It cannot say that something before it failed: the end does.
func (p *pipeline) QueryRowContext(ctx context.Context, sql string, args ...any) *sql.Row {
	if p.flush(ctx) != nil {
		over, cancel := context.WithCancel(ctx)
		cancel()
		ctx = over
	}
	return p.conn.QueryRowContext(ctx, sql, args...)
}

// PrepareContext is here for gorm's interface. Nothing is prepared: pgx does.
func (p *pipeline) PrepareContext(context.Context, string) (*sql.Stmt, error) {
	return nil, errors.ErrUnsupported
}

// commit goes along with the last statements if they cannot turn out wrong without an error, which PostgreSQL commits nothing after.
func (p *pipeline) commit(ctx context.Context) error {
	for _, q := range p.queued {
		if !q.certain {
			if err := p.flush(ctx); err != nil {
				return err
			}
			break
		}
	}
	if !p.begun && len(p.queued) == 0 {
		return p.err
	}
	return p.flush(ctx, "commit")
}

// flush sends what is queued, in one round trip, and then says what ends it.
func (p *pipeline) flush(ctx context.Context, end ...string) error {
	if p.err != nil || len(p.queued)+len(end) == 0 {
		return p.err
	}
	var b pgx.Batch
	if !p.begun {
		b.Queue(p.begin)
	}
	for _, q := range p.queued {
		b.Queue(q.sql, q.args...)
	}
	for _, sql := range end {
		b.Queue(sql)
	}
	before := b.Len() - len(p.queued) - len(end)
	began := time.Now()
	p.begun = true
	p.err = onDriver(p.conn, func(conn *pgx.Conn) error {
		results := conn.SendBatch(ctx, &b)
		var wrong error
		for i := range b.Len() {
			tag, err := results.Exec()
			if err != nil {
				return errors.Join(err, results.Close())
			}
			switch at := i - before; {
			case at >= len(p.queued) && tag.String() != "COMMIT": // the answer to a commit that could not be
				wrong = pgx.ErrTxCommitRollback
			case at >= 0 && at < len(p.queued) && !p.queued[at].certain && tag.RowsAffected() != 1:
				wrong = errGuessed
			}
		}
		return errors.Join(wrong, results.Close())
	})
	if took := time.Since(began); took >= slowStatement {
		var all []string
		for _, q := range b.QueuedQueries {
			all = append(all, q.SQL)
		}
		p.log.slow(ctx, took, strings.Join(all, "; "))
	}
	p.queued = p.queued[:0]
	return p.err
}

// rollback leaves nothing behind, on a connection that others use next.
func (p *pipeline) rollback(ctx context.Context) {
	if !p.begun {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	if _, err := p.conn.ExecContext(ctx, "rollback"); err != nil {
		_ = p.conn.Raw(func(any) error { return driver.ErrBadConn }) // the pool throws it away
	}
}
