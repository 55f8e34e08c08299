package models

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"
)

// postgresRotations sends rotateStatement past gorm and database/sql, whose building, logging and reflection would cost more
// than the database's own work. pgx prepares it once on each connection.
type postgresRotations struct {
	pool, lanes *sql.DB
	on          func(sql string)
}

func newPostgresRotations(pool, lanes *sql.DB, n int, on func(string)) *rotations {
	p := &postgresRotations{pool, lanes, on}
	return &rotations{group: p.group, alone: p.alone, lanes: n}
}

// group runs a batch in one round trip and one transaction: PostgreSQL takes what comes before a Sync as one. The rows are
// believed only when the end of the batch was read, for the commit comes after them.
func (p *postgresRotations) group(ctx context.Context, batch []*rotation) error {
	return onConn(ctx, p.lanes, func(conn *pgx.Conn) error {
		if len(batch) == 1 {
			return p.one(ctx, conn, batch[0])
		}
		var b pgx.Batch
		for _, r := range batch {
			p.count()
			b.Queue(rotateStatement, r.postgresArgs()...)
		}
		results := conn.SendBatch(ctx, &b)
		for _, r := range batch {
			rows, err := results.Query()
			if err == nil {
				err = r.read(rows)
			}
			if err != nil {
				return errors.Join(err, results.Close())
			}
		}
		return results.Close() //nolint:wrapcheck // the caller says what was attempted
	})
}

func (p *postgresRotations) alone(ctx context.Context, r *rotation) (err error) {
	for range 3 { // connections that died while they were idle
		err = healed(ctx, func() error {
			return onConn(ctx, p.pool, func(conn *pgx.Conn) error { return p.one(ctx, conn, r) })
		})
		if !pgconn.SafeToRetry(err) {
			break
		}
	}
	return err
}

func (p *postgresRotations) one(ctx context.Context, conn *pgx.Conn, r *rotation) error {
	p.count()
	r.device, r.found = Device{}, false // of a try before
	rows, err := conn.Query(ctx, rotateStatement, r.postgresArgs()...)
	if err != nil {
		return err //nolint:wrapcheck // the caller says what was attempted
	}
	return r.read(rows)
}

func (p *postgresRotations) count() {
	if p.on != nil {
		p.on(rotateStatement)
	}
}

// onConn lends a connection of a pool to fn.
func onConn(ctx context.Context, pool *sql.DB, fn func(*pgx.Conn) error) (err error) {
	conn, err := pool.Conn(ctx)
	if err != nil {
		return errors.Join(errNotBegun, err)
	}
	defer func() { _ = conn.Close() }()
	return conn.Raw(func(driver any) error { //nolint:wrapcheck // fn's error
		own, ok := driver.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("the pool's driver is %T", driver)
		}
		return fn(own.Conn())
	})
}

func (r *rotation) postgresArgs() []any {
	from, until := r.retryWindow()
	return []any{
		r.Generation, from, r.IP, moment(r.Now), pgUUID(r.Key.UserID), pgUUID(r.Key.ID), r.SecretHash,
		moment(r.IdleSince), r.JKT, r.ClientID, until, r.rotatedAt(),
	}
}

// pgUUID is of a type that pgx knows in each of its modes.
func pgUUID(id uuid.UUID) pgtype.UUID { return pgtype.UUID{Bytes: id, Valid: true} }

// rowsOf is what the rows of pgx and of database/sql have in common.
type rowsOf interface {
	Next() bool
	Scan(into ...any) error
	Err() error
}

// read takes the row that the statement answers with, if it does.
func (r *rotation) read(rows rowsOf) error {
	d := &r.device
	d.UserID, d.ID, d.Kind = r.Key.UserID, r.Key.ID, KindApp
	for rows.Next() {
		if r.found {
			return errors.New("more than one device has this key")
		}
		r.found = true
		if err := rows.Scan(&d.Name, &d.ClientID, &d.ExpiresAt, &d.Generation, &d.Base, &d.Floor, &d.Repeats, &d.MaxRefreshes, &d.JKT, &d.StatusIndex); err != nil {
			return err //nolint:wrapcheck // the caller says what was attempted
		}
	}
	return rows.Err() //nolint:wrapcheck // the caller says what was attempted
}

// errNotBegun says that there was no connection to begin a group on.
var errNotBegun = errors.New("no connection")

// rolledBack tells whether nothing of a group was done: the database itself refused it, or was never sent it. After another error
// of the connection nobody knows.
func rolledBack(err error) bool {
	return errors.Is(err, errNotBegun) || errors.As(err, new(*pgconn.PgError)) || pgconn.SafeToRetry(err) || isSQLite(err)
}
