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

// redacted is a driver's error whose own text may contain values that people typed. Its text leaves them out.
type redacted struct {
	text  string
	cause error
}

func (e *redacted) Error() string { return e.text }
func (e *redacted) Unwrap() error { return e.cause }

// redact returns a driver's error with a text that contains no value of any argument. Errors about the state of the database keep
// their text, for the operator. Of other errors the text keeps only what the programmers of PostgreSQL or the driver wrote.
func redact(err error) error {
	var pg *pgconn.PgError
	switch {
	case errors.As(err, new(*pgconn.ConnectError)), isSQLite(err):
		return err // these texts contain no argument
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

// harmlessTexts match the beginnings of errors of pgx and database/sql that say where something is wrong. The rest of the text may
// contain values.
var harmlessTexts = []*regexp.Regexp{
	regexp.MustCompile(`^failed to encode args\[\d+\]`),
	regexp.MustCompile(`^can't scan into dest\[\d+\]( \(col: [a-z_]+\))?`),
	regexp.MustCompile(`^sql: Scan error on column index \d+, name "[a-z_]+"`),
	regexp.MustCompile(`^(expected|number of field descriptions|mismatched param and argument) [a-z \d,]+$`),
	regexp.MustCompile(`^convert field \d+ failed`),
}

// pgText returns PostgreSQL's message when its class names only parts of the schema and the server, and otherwise only the code and
// the function. It never includes the detail, the context or the statement.
func pgText(pg *pgconn.PgError) string {
	text := fmt.Sprintf("%s (SQLSTATE %s)", pg.Severity, pg.Code)
	switch class := pg.Code[:min(2, len(pg.Code))]; {
	case pg.Code == "26000" || pg.Code == "42P05":
		return pg.Error() + ": a pooler that shares connections must keep prepared statements (PgBouncer: max_prepared_statements)"
	case class == "42" && pg.Code != "42601", messagesOf[class]:
		return pg.Error()
	case pg.Routine != "":
		text += " in " + pg.Routine
	}
	return text
}

// messagesOf are the classes of errors (PostgreSQL, appendix A) whose messages contain no values: connection, feature not
// supported, integrity (the key is in the detail), transaction state, authorization, catalogue and schema names, rollback,
// resources, limits, object state, intervention, system and internal errors.
var messagesOf = map[string]bool{
	"08": true, "0A": true, "23": true, "25": true, "28": true, "3D": true, "3F": true, "40": true,
	"53": true, "54": true, "55": true, "57": true, "58": true, "XX": true,
}

// isLost reports whether an error is about the connection or about a context that ended, not about the statement.
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
	var connection interface{ SafeToRetry() bool } // errors of pgx about a connection
	return errors.As(err, &network) || errors.As(err, &connection) || err.Error() == "sql: database is closed"
}
