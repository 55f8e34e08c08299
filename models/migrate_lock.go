package models

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/pressly/goose/v3/lock"
)

const (
	// migrationLockPoll is how often a process asks for the lock that another one holds, and migrationLockWait for how long.
	migrationLockPoll = 300 * time.Millisecond
	migrationLockWait = 5 * time.Minute
)

// errMigrationLock says that another process has not ended its migration in time.
var errMigrationLock = fmt.Errorf("another session has held the lock for migrations for %s: see pg_locks, locktype advisory, objid %d",
	migrationLockWait, lock.DefaultLockID)

// migrationLock lets one process migrate a PostgreSQL database at a time. It is an advisory lock of a transaction that stays open, on
// a connection of its own, while goose works on another. Unlike goose's lock of a session it ends with that transaction, so a
// pooler cannot pass it on to another client, and it ends when its process is killed. Its number is goose's, so that it also keeps
// out releases that lock their session. Those that wait hold no transaction: behind a pooler they would take all connections.
type migrationLock struct {
	pool *sql.DB
	held *sql.Tx
}

// Lock waits for the lock, at most migrationLockWait.
func (l *migrationLock) Lock(ctx context.Context, _ *sql.DB) error {
	for began := time.Now(); ; {
		err := l.try(ctx)
		if err != nil || l.held != nil {
			return err
		}
		if time.Since(began) > migrationLockWait {
			return errMigrationLock
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the lock for migrations: %w", ctx.Err())
		case <-time.After(migrationLockPoll):
		}
	}
}

// try sets held if the lock is free. The server must not end the transaction because it is idle, but it must notice within half a
// minute that the machine of its client is gone.
func (l *migrationLock) try(ctx context.Context) error {
	tx, err := l.pool.BeginTx(context.WithoutCancel(ctx), nil) // Unlock ends it, after the migration itself
	if err != nil {
		return err
	}
	var got bool
	if err = tx.QueryRowContext(ctx, "SELECT pg_try_advisory_xact_lock($1)", lock.DefaultLockID).Scan(&got); err == nil && got {
		_, err = tx.ExecContext(ctx, `SELECT set_config(name, value, true) FROM (VALUES ('idle_in_transaction_session_timeout', '0'), ('transaction_timeout', '0'),
			('tcp_keepalives_idle', '15'), ('tcp_keepalives_interval', '5'), ('tcp_keepalives_count', '3')) AS ours (name, value) JOIN pg_settings USING (name)`)
	}
	if err != nil || !got {
		return errors.Join(err, tx.Rollback())
	}
	l.held = tx
	return nil
}

// Unlock releases the lock. An error would only say that the connection is gone, and with it the lock.
func (l *migrationLock) Unlock(context.Context, *sql.DB) error {
	_ = l.held.Rollback()
	l.held = nil
	return nil
}
