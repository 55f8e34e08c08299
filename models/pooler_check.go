package models

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// What CheckPooler refuses. The texts name the setting to change, in PgBouncer's words.
var (
	ErrNoTransactions = errors.New("a pooler runs single statements only, and no transactions: set its pool_mode to session, " +
		"or to transaction with max_prepared_statements above 0")
	ErrNoStatements = errors.New("a pooler gives each transaction another connection and keeps no prepared statements: " +
		"set its max_prepared_statements to 200 (PgBouncer 1.21 or newer), or its pool_mode to session, or add default_query_exec_mode=exec to the database's URL")
)

const (
	// checkPoolerTime is longer than the query_wait_timeout that OPERATIONS.md sets (10 s), so that the pooler says what is wrong.
	checkPoolerTime = 15 * time.Second
	// secondConnTime is how long a second connection may take. A pooler without a free connection lets us wait.
	secondConnTime = time.Second
)

// IsPoolerFull reports whether err is PgBouncer's, when it had no free connection for its query_wait_timeout.
func IsPoolerFull(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Message == "query_wait_timeout"
}

// CheckPooler finds out whether a pooler between us and PostgreSQL can run our statements. It returns ErrNoTransactions or
// ErrNoStatements when it cannot, and ErrUnavailable when the database cannot be reached. It takes at most 15 seconds and does nothing
// with SQLite.
func (s *Store) CheckPooler(ctx context.Context) error {
	if s.pooler == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, checkPoolerTime)
	defer cancel()
	err := s.pooler.check(ctx)
	if errors.Is(err, ErrNoTransactions) || errors.Is(err, ErrNoStatements) {
		return err
	}
	return wrapErr("connect to the database", err)
}

func (p *pooler) check(ctx context.Context) error {
	conn, err := p.dial(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	if !p.present() {
		return nil
	}
	_, err = conn.Exec(ctx, "BEGIN").ReadAll()
	if err == nil {
		_, err = conn.Exec(ctx, "COMMIT").ReadAll()
	}
	if IsPoolerFull(err) {
		return err
	}
	if err != nil {
		return fmt.Errorf("%w (%w)", ErrNoTransactions, redact(err))
	}
	if p.config.DefaultQueryExecMode != pgx.QueryExecModeCacheStatement {
		return nil
	}
	for range 4 { // other clients may come in between
		if done, err := p.tryStatement(ctx, conn); done || err != nil {
			return err
		}
	}
	return nil
}

// tryStatement prepares a statement, lets a second connection use the server's process that has it, and runs it again. done is false
// when the second connection got another process: the pooler is in session mode, or has more clients than us.
func (p *pooler) tryStatement(ctx context.Context, conn *pgconn.PgConn) (done bool, err error) {
	name := "latchkey_" + rand.Text()
	defer func() {
		if isStrayStatement(err) {
			done, err = true, ErrNoStatements
		}
	}()
	if _, err := conn.Prepare(ctx, name, askBackend, nil); err != nil {
		return false, err
	}
	first, err := pidIn(conn.ExecPrepared(ctx, name, nil, nil, nil).Read())
	if err != nil {
		return false, err
	}
	soon, cancel := context.WithTimeout(ctx, secondConnTime)
	defer cancel()
	second, err := p.dial(soon)
	if err != nil {
		return true, nil // there are no more connections to find it out with
	}
	defer func() { _ = second.Close(ctx) }()
	if _, err := second.Exec(soon, "BEGIN").ReadAll(); err != nil {
		return true, nil
	}
	if got, err := backendOf(soon, second); err != nil || got != first {
		return false, conn.Deallocate(ctx, name)
	}
	again := conn.ExecPrepared(soon, name, nil, nil, nil).Read()
	if pgconn.Timeout(again.Err) {
		return true, nil
	}
	return true, again.Err
}
