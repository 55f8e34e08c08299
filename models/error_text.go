package models

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"syscall"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/puddle/v2"
	"gorm.io/gorm"

	"latchkey/models/groupcommit"
)

// redacted is a driver's error whose text may hold what people typed: Error says what can be said without.
type redacted struct {
	text  string
	cause error
}

func (e *redacted) Error() string { return e.text }
func (e *redacted) Unwrap() error { return e.cause }

// redact gives an error of a driver a text that holds no value of any argument. Errors of the database's state keep
// theirs, for the operator; of the others only what was written by PostgreSQL's or the driver's own programmers is told.
func redact(err error) error {
	var pg *pgconn.PgError
	switch {
	case errors.As(err, new(*pgconn.ConnectError)), isSQLite(err):
		return err // neither was given an argument, or repeats one
	case errors.As(err, &pg):
		return &redacted{pgText(pg), err}
	case isLost(err), errors.Is(err, gorm.ErrRecordNotFound):
		return err
	}
	for _, harmless := range harmlessTexts {
		if found := harmless.FindString(err.Error()); found != "" {
			return &redacted{found, err}
		}
	}
	return &redacted{fmt.Sprintf("an error of type %T, whose text may hold values", err), err}
}

// harmlessTexts are the beginnings of errors of pgx and database/sql that say where something is wrong. What follows them says what.
var harmlessTexts = []*regexp.Regexp{
	regexp.MustCompile(`^failed to encode args\[\d+\]`),
	regexp.MustCompile(`^can't scan into dest\[\d+\]( \(col: [a-z_]+\))?`),
	regexp.MustCompile(`^sql: Scan error on column index \d+, name "[a-z_]+"`),
	regexp.MustCompile(`^(expected|number of field descriptions|mismatched param and argument) [a-z \d,]+$`),
	regexp.MustCompile(`^convert field \d+ failed`),
}

// pgText is the message of PostgreSQL where it names things of the schema and the server, never what a row or an argument holds.
// The detail, the context and the statement are never told.
func pgText(pg *pgconn.PgError) string {
	text := fmt.Sprintf("%s (SQLSTATE %s)", pg.Severity, pg.Code)
	switch class := pg.Code[:min(2, len(pg.Code))]; {
	case pg.Code == "26000" || pg.Code == "42P05":
		return pg.Error() + ": a pooler that shares connections needs default_query_exec_mode=exec in the database's URL"
	case class == "42" && pg.Code != "42601", messagesOf[class]:
		return pg.Error()
	case pg.Routine != "":
		text += " in " + pg.Routine
	}
	return text
}

// messagesOf are the classes (PostgreSQL, appendix A) whose messages repeat no value: connection, feature not supported, integrity
// (the key is in the detail), transaction state, authorization, catalogue and schema names, rollback, resources, limits, object
// state, intervention, system and internal errors.
var messagesOf = map[string]bool{
	"08": true, "0A": true, "23": true, "25": true, "28": true, "3D": true, "3F": true, "40": true,
	"53": true, "54": true, "55": true, "57": true, "58": true, "XX": true,
}

// isLost tells an error of the connection or of the caller's time from one of the statement.
func isLost(err error) bool {
	for _, lost := range []error{
		context.Canceled, context.DeadlineExceeded, os.ErrDeadlineExceeded, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed,
		driver.ErrBadConn, sql.ErrConnDone, sql.ErrTxDone, pgx.ErrTxClosed, pgx.ErrTxCommitRollback, puddle.ErrClosedPool, puddle.ErrNotAvailable,
		errNoConnection, groupcommit.ErrPanicked,
	} {
		if errors.Is(err, lost) {
			return true
		}
	}
	if errors.As(err, new(*pgconn.ConnectError)) || errors.As(err, new(syscall.Errno)) || pgconn.Timeout(err) {
		return true
	}
	var network net.Error
	var connection interface{ SafeToRetry() bool } // pgx's own errors of a connection, whatever the answer
	return errors.As(err, &network) || errors.As(err, &connection) || err.Error() == "sql: database is closed"
}
