package models

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// Errors that a second try can heal: after each of them PostgreSQL has done nothing of what it was asked to.

// isReadOnly: the server was demoted or made read-only (25006, read_only_sql_transaction). It answers on old connections, too.
func isReadOnly(err error) bool { return sqlState(err) == "25006" }

// isStalePlan: a table changed since this connection planned the statement, or since pgx asked what it answers with (which it keeps
// in the mode cache_describe). PostgreSQL has no code of its own for either, and says it in the language of lc_messages: so the names
// of its own functions count, and the English words only where something between us and it leaves those out.
func isStalePlan(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "0A000" && (pg.Routine == "RevalidateCachedQuery" || strings.Contains(pg.Message, "cached plan")) ||
		pg.Code == "08P01" && (pg.Routine == "PortalSetResultFormat" || strings.Contains(pg.Message, "result formats but query has")))
}

// isStrayStatement: a prepared statement of ours is not on this connection, or one that we have not made is (26000,
// invalid_sql_statement_name, and 42P05, duplicate_prepared_statement). A pooler shares the connection between clients.
func isStrayStatement(err error) bool {
	state := sqlState(err)
	return state == "26000" || state == "42P05"
}

// isIdleEnd: the server ended the connection because nothing was asked on it for long (57P05, idle_session_timeout).
func isIdleEnd(err error) bool { return sqlState(err) == "57P05" }

// isConflict: two transactions met (40001, serialization_failure, and 40P01, deadlock_detected), and the other one went on.
func isConflict(err error) bool {
	state := sqlState(err)
	return state == "40001" || state == "40P01"
}

// isShutdown: the server ended the connection (57P01 admin_shutdown, 57P02 crash_shutdown, 57P03 cannot_connect_now).
func isShutdown(err error) bool {
	switch sqlState(err) {
	case "57P01", "57P02", "57P03":
		return true
	}
	return false
}

// sqlState is the code of an error of PostgreSQL (appendix A), "" of any other.
func sqlState(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}

// isUnsent: the connection was of no use before anything went over it.
func isUnsent(err error) bool { return errors.Is(err, driver.ErrBadConn) }

// manyTries is how often at most something is tried because others were faster, or connections were given up under it. The first does
// not happen where connections have their level set by us; behind a pooler the server's own level holds for single statements.
const manyTries = 5

// withRetries runs fn, and once more after an error that a second try can heal. What fn did the first time was rolled back, so it
// must not rely on it.
func withRetries(ctx context.Context, fn func() error) error {
	err := fn()
	for try := 1; ctx.Err() == nil; try++ {
		once, more := isReadOnly(err) || isStalePlan(err) || isShutdown(err), isConflict(err) || isUnsent(err) || isStrayStatement(err) || isIdleEnd(err)
		again := once && try == 1 || more && try < manyTries
		if !again {
			break
		}
		err = fn()
	}
	return err
}

// retryPool is gorm's way to PostgreSQL: single statements are healed here, transactions by those who begin them.
type retryPool struct{ *sql.DB }

// ExecContext runs one statement.
func (p retryPool) ExecContext(ctx context.Context, query string, args ...any) (done sql.Result, err error) {
	err = withRetries(ctx, func() (err error) {
		done, err = p.DB.ExecContext(ctx, query, args...)
		return err //nolint:wrapcheck // the caller says what was attempted
	})
	return done, err
}

// QueryContext runs one statement. An error of the server comes before the first row.
func (p retryPool) QueryContext(ctx context.Context, query string, args ...any) (rows *sql.Rows, err error) {
	err = withRetries(ctx, func() (err error) {
		rows, err = p.DB.QueryContext(ctx, query, args...) //nolint:rowserrcheck,sqlclosecheck // the caller's
		return err                                         //nolint:wrapcheck // the caller says what was attempted
	})
	return rows, err
}

// QueryRowContext is QueryContext for one row.
func (p retryPool) QueryRowContext(ctx context.Context, query string, args ...any) (row *sql.Row) {
	_ = withRetries(ctx, func() error {
		row = p.DB.QueryRowContext(ctx, query, args...)
		return row.Err() //nolint:wrapcheck // only looked at: the row keeps it
	})
	return row
}
