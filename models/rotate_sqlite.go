package models

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"sync"

	"modernc.org/sqlite"
)

// sqliteRotations sends rotateStatement past gorm, prepared once for the only writer there is.
type sqliteRotations struct {
	pool     *sql.DB
	on       func(sql string)
	text     string
	mu       sync.Mutex
	prepared *sql.Stmt
}

func newSQLiteRotations(writer *sql.DB, on func(string)) *rotations {
	s := &sqliteRotations{pool: writer, on: on, text: strings.ReplaceAll(rotateStatement, "$", "?")}
	return &rotations{group: s.group, alone: s.alone, lanes: 1}
}

// group runs a batch in one transaction: one flush of the write-ahead log for all.
func (s *sqliteRotations) group(ctx context.Context, batch []*rotation) (err error) {
	if len(batch) == 1 {
		return s.alone(ctx, batch[0])
	}
	statement, err := s.prepare(ctx)
	if err != nil {
		return errors.Join(errNotBegun, err)
	}
	tx, err := s.pool.BeginTx(ctx, nil)
	if err != nil {
		return errors.Join(errNotBegun, err)
	}
	defer func() { _ = tx.Rollback() }() // does nothing after a commit
	statement = tx.StmtContext(ctx, statement)
	for _, r := range batch {
		if err := s.one(ctx, statement, r); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func (s *sqliteRotations) alone(ctx context.Context, r *rotation) error {
	statement, err := s.prepare(ctx)
	if err != nil {
		return err
	}
	return s.one(ctx, statement, r)
}

func (s *sqliteRotations) one(ctx context.Context, statement *sql.Stmt, r *rotation) (err error) {
	if s.on != nil {
		s.on(s.text)
	}
	from, until := r.retryWindow()
	rows, err := statement.QueryContext(ctx, r.Generation, from, r.IP, moment(r.Now), r.Key.UserID.String(), r.Key.ID.String(),
		r.SecretHash, moment(r.IdleSince), r.JKT, r.ClientID, until, r.rotatedAt())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	return r.read(rows)
}

func (s *sqliteRotations) prepare(ctx context.Context) (*sql.Stmt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.prepared == nil {
		prepared, err := s.pool.PrepareContext(ctx, s.text)
		if err != nil {
			return nil, err
		}
		s.prepared = prepared
	}
	return s.prepared, nil
}

func isSQLite(err error) bool { return errors.As(err, new(*sqlite.Error)) }
