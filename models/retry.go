package models

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgconn"
)

// Errors after which a second attempt can succeed. With each of them PostgreSQL has changed nothing.

// isReadOnly: the server was demoted or made read-only (25006, read_only_sql_transaction). It answers on old connections, too.
func isReadOnly(err error) bool { return sqlState(err) == "25006" }

// isStalePlan: a table changed since this connection planned the statement, or since pgx cached the statement's description (mode
// cache_describe). PostgreSQL has no error code for either, and words the message in the language of lc_messages. So this checks
// the name of PostgreSQL's function, and the English words in case a pooler leaves the name out.
func isStalePlan(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "0A000" && (pg.Routine == "RevalidateCachedQuery" || strings.Contains(pg.Message, "cached plan")) ||
		pg.Code == "08P01" && (pg.Routine == "PortalSetResultFormat" || strings.Contains(pg.Message, "result formats but query has")))
}

// isStrayStatement: our prepared statement is missing on this connection (26000, invalid_sql_statement_name), or another client's
// is there (42P05, duplicate_prepared_statement). A pooler shares the connection between clients.
func isStrayStatement(err error) bool {
	state := sqlState(err)
	return state == "26000" || state == "42P05"
}

// isIdleEnd: the server closed the connection because it was idle for too long (57P05, idle_session_timeout).
func isIdleEnd(err error) bool { return sqlState(err) == "57P05" }

// isConflict: this transaction conflicted with another, which went on (40001, serialization_failure, and 40P01, deadlock_detected).
func isConflict(err error) bool {
	state := sqlState(err)
	return state == "40001" || state == "40P01"
}

// isShutdown: the server shuts down and closed the connection (57P01 admin_shutdown, 57P02 crash_shutdown, 57P03
// cannot_connect_now).
func isShutdown(err error) bool {
	switch sqlState(err) {
	case "57P01", "57P02", "57P03":
		return true
	}
	return false
}

// sqlState returns the SQLSTATE code of a PostgreSQL error (appendix A), or "" for any other error.
func sqlState(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}

// isUnsent: the connection was unusable before anything was sent on it.
func isUnsent(err error) bool { return errors.Is(err, driver.ErrBadConn) }

// manyTries is the largest number of attempts after conflicts and unusable connections. Serialization failures happen only behind a
// pooler, where the server's own isolation level applies to single statements.
const manyTries = 5

// Retries counts second attempts at statements and transactions of PostgreSQL, by why the first one failed.
type Retries struct {
	Conflicts   int64 // with another transaction
	Connections int64 // that were unusable before anything was sent, or closed by the server for being idle
	Failovers   int64 // the server shut down, or no longer takes writes
	Statements  int64 // prepared statements that were stale, or missing behind a pooler
}

// retrier tries statements again and counts that. A nil retrier is not valid.
type retrier struct{ conflicts, connections, failovers, statements atomic.Int64 }

func (r *retrier) read() Retries {
	return Retries{r.conflicts.Load(), r.connections.Load(), r.failovers.Load(), r.statements.Load()}
}

func (r *retrier) count(err error) {
	switch {
	case isConflict(err):
		r.conflicts.Add(1)
	case isReadOnly(err), isShutdown(err):
		r.failovers.Add(1)
	case isStalePlan(err), isStrayStatement(err):
		r.statements.Add(1)
	default:
		r.connections.Add(1)
	}
}

// withRetries runs fn, and runs it again after an error that another attempt may fix: once after a stale plan, a read-only server
// or a shutdown, up to manyTries times in all after the others. What fn did before was rolled back, and fn must not rely on it.
func (r *retrier) withRetries(ctx context.Context, fn func() error) error {
	err := fn()
	for try := 1; ctx.Err() == nil; try++ {
		once, more := isReadOnly(err) || isStalePlan(err) || isShutdown(err), isConflict(err) || isUnsent(err) || isStrayStatement(err) || isIdleEnd(err)
		again := once && try == 1 || more && try < manyTries
		if !again {
			break
		}
		r.count(err)
		err = fn()
	}
	return err
}

// retryPool is the connection pool of gorm for PostgreSQL. It retries single statements. Store.transaction retries transactions.
type retryPool struct {
	*sql.DB
	*retrier
}

// ExecContext runs one statement.
func (p retryPool) ExecContext(ctx context.Context, query string, args ...any) (done sql.Result, err error) {
	err = p.withRetries(ctx, func() (err error) {
		done, err = p.DB.ExecContext(ctx, query, args...)
		return err
	})
	return done, err
}

// QueryContext runs one statement. The server reports an error before the first row.
func (p retryPool) QueryContext(ctx context.Context, query string, args ...any) (rows *sql.Rows, err error) {
	err = p.withRetries(ctx, func() (err error) {
		rows, err = p.DB.QueryContext(ctx, query, args...) // the caller's
		return err
	})
	return rows, err
}

// QueryRowContext is QueryContext for one row.
func (p retryPool) QueryRowContext(ctx context.Context, query string, args ...any) (row *sql.Row) {
	_ = p.withRetries(ctx, func() error {
		row = p.DB.QueryRowContext(ctx, query, args...)
		return row.Err()
	})
	return row
}
