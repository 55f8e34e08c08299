package models

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"sync"

	"latchkey/models/groupcommit"
)

// sqliteRotations runs rotateStatement without gorm, prepared once for the only connection that writes.
type sqliteRotations struct {
	writer      *sql.DB
	onStatement func(sql string)
	text        string
	mu          sync.Mutex
	prepared    *sql.Stmt
}

func newSQLiteRotator(writer *sql.DB, onStatement func(string)) *rotator {
	s := &sqliteRotations{writer: writer, onStatement: onStatement, text: strings.ReplaceAll(rotateStatement, "$", "?")}
	return &rotator{queue: rotationBatches(1, s.batch, s.solo), solo: s.solo}
}

func (s *sqliteRotations) batch(ctx context.Context, batch []*rotation) error {
	err := s.run(ctx, batch)
	// Nothing was committed when no transaction began or SQLite refused it. After another error that is unknown.
	if errors.Is(err, errNoConnection) || isSQLite(err) {
		return groupcommit.RolledBack(err)
	}
	return err
}

// run runs a batch in one transaction, with one flush of the write-ahead log.
func (s *sqliteRotations) run(ctx context.Context, batch []*rotation) error {
	if len(batch) == 1 {
		return s.solo(ctx, batch[0])
	}
	statement, err := s.prepare(ctx)
	if err != nil {
		return errors.Join(errNoConnection, err)
	}
	conn, err := s.writer.Conn(ctx)
	if err != nil {
		return errors.Join(errNoConnection, err)
	}
	defer func() { _ = conn.Close() }()
	// Only BEGIN waits, for the lock of another process, and no longer than busy_timeout. The driver would start a goroutine for each
	// statement, BEGIN and COMMIT included, whose context can end.
	endless := context.WithoutCancel(ctx)
	tx, err := conn.BeginTx(endless, nil)
	if err != nil {
		return errors.Join(errNoConnection, err)
	}
	defer func() { _ = tx.Rollback() }() // does nothing after a commit
	statement = tx.StmtContext(endless, statement)
	for _, r := range batch {
		if err := s.one(endless, statement, r); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func (s *sqliteRotations) solo(ctx context.Context, r *rotation) error {
	statement, err := s.prepare(ctx)
	if err != nil {
		return err
	}
	return s.one(ctx, statement, r)
}

func (s *sqliteRotations) one(ctx context.Context, statement *sql.Stmt, r *rotation) (err error) {
	if s.onStatement != nil {
		s.onStatement(s.text)
	}
	from, until := r.retryWindow()
	rows, err := statement.QueryContext(ctx, r.Generation, from, r.IP, dbTime(r.Now), r.Key.UserID.String(), r.Key.ID.String(),
		r.SecretHash, dbTime(r.IdleSince), r.JKT, r.ClientID, until, r.rotatedAt(), r.UserAgent, listOfClients(r.Protected))
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
		prepared, err := s.writer.PrepareContext(ctx, s.text)
		if err != nil {
			return nil, err
		}
		s.prepared = prepared
	}
	return s.prepared, nil
}
