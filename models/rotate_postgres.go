package models

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"

	"latchkey/models/groupcommit"
)

// postgresRotations runs rotateStatement with pgx itself: what gorm and database/sql do for a statement would cost more than the
// database's own work. pgx prepares the statement once on each connection.
type postgresRotations struct {
	pool        *sql.DB // for rotations tried alone
	batches     *sql.DB // for batches, one connection for each slot
	slots       int
	patient     atomic.Int64 // batches in flight that wait for a lock for as long as it takes
	onStatement func(sql string)
	retrier     *retrier
}

// lockTimeStatement begins a batch. The setting belongs to the transaction that all statements before a Sync share, and ends with it:
// a parameter of the connection would be refused by poolers, and a SET statement would change the sessions of other clients.
var lockTimeStatement = fmt.Sprintf("SELECT set_config('lock_timeout', '%dms', true)", groupLockWait.Milliseconds())

// newPostgresRotator runs that many batches at a time; with 0 every rotation has a transaction of its own.
func newPostgresRotator(p *postgresRotations, slots int) *rotator {
	p.slots = slots
	r := &rotator{solo: p.solo}
	if slots > 0 {
		r.queue = rotationBatches(slots, p.batch, p.solo)
	}
	return r
}

func (p *postgresRotations) batch(ctx context.Context, batch []*rotation) error {
	err := p.send(ctx, batch)
	// Nothing was committed when PostgreSQL refused the batch or never got it. After another error of the connection that is
	// unknown.
	if errors.Is(err, errNoConnection) || errors.As(err, new(*pgconn.PgError)) || pgconn.SafeToRetry(err) {
		return groupcommit.RolledBack(err)
	}
	return err
}

// send runs a batch in one round trip. PostgreSQL makes one transaction of all statements before a Sync (frontend/backend
// protocol, "Pipelining"). The commit comes after the rows, so they count only when the end of the batch was read without an error.
func (p *postgresRotations) send(ctx context.Context, batch []*rotation) error {
	return onConn(ctx, p.batches, func(conn *pgx.Conn) error {
		if len(batch) == 1 && p.mayWait() {
			defer p.patient.Add(-1)
			return p.one(ctx, conn, batch[0])
		}
		var b pgx.Batch
		p.count(lockTimeStatement)
		b.Queue(lockTimeStatement)
		for _, r := range batch {
			p.count(rotateStatement)
			b.Queue(rotateStatement, r.postgresArgs()...)
		}
		results := conn.SendBatch(ctx, &b)
		if _, err := results.Exec(); err != nil {
			return errors.Join(err, results.Close())
		}
		for _, r := range batch {
			rows, err := results.Query()
			if err == nil {
				err = r.read(rows)
			}
			if err != nil {
				return errors.Join(err, results.Close())
			}
		}
		return results.Close()
	})
}

// mayWait lets a lone rotation do without the lock time, as long as another slot is left to those that have it. Then a lone refresh is
// one statement, and a locked row still delays no other device. When it returns true, the caller lowers patient afterwards.
func (p *postgresRotations) mayWait() bool {
	if p.patient.Add(1) < int64(p.slots) {
		return true
	}
	p.patient.Add(-1)
	return false
}

func (p *postgresRotations) solo(ctx context.Context, r *rotation) (err error) {
	for range 3 { // an idle connection may have died unnoticed
		err = p.retrier.withRetries(ctx, func() error {
			return onConn(ctx, p.pool, func(conn *pgx.Conn) error { return p.one(ctx, conn, r) })
		})
		if !pgconn.SafeToRetry(err) {
			break
		}
	}
	return err
}

func (p *postgresRotations) one(ctx context.Context, conn *pgx.Conn, r *rotation) error {
	p.count(rotateStatement)
	rows, err := conn.Query(ctx, rotateStatement, r.postgresArgs()...)
	if err != nil {
		return err
	}
	return r.read(rows)
}

func (p *postgresRotations) count(statement string) {
	if p.onStatement != nil {
		p.onStatement(statement)
	}
}

// onConn runs fn with the driver's own connection, taken from a pool. It returns an error when ctx ended before fn did: see
// Store.cutShort.
func onConn(ctx context.Context, pool *sql.DB, fn func(*pgx.Conn) error) (err error) {
	conn, err := pool.Conn(ctx)
	if err != nil {
		return errors.Join(errNoConnection, err)
	}
	defer func() { _ = conn.Close() }()
	err = conn.Raw(func(driver any) error {
		own, ok := driver.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("the pool's driver is %T", driver)
		}
		return fn(own.Conn())
	})
	return cmp.Or(err, ctx.Err())
}

func (r *rotation) postgresArgs() []any {
	from, until := r.retryWindow()
	return []any{
		r.Generation, from, r.IP, dbTime(r.Now), pgUUID(r.Key.UserID), pgUUID(r.Key.ID), r.SecretHash,
		dbTime(r.IdleSince), r.JKT, r.ClientID, until, r.rotatedAt(), r.UserAgent, listOfClients(r.Protected),
	}
}

// pgUUID converts an id to a type that pgx can encode in each of its query modes.
func pgUUID(id uuid.UUID) pgtype.UUID { return pgtype.UUID{Bytes: id, Valid: true} }
