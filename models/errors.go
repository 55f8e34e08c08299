package models

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// The kinds of failure that callers tell apart. Everything else is an internal error.
var (
	// ErrNotFound: no row answers to the key, or the row is not (or no longer) in the required state.
	ErrNotFound = errors.New("not found")
	// ErrDuplicate: a unique key is taken.
	ErrDuplicate = errors.New("duplicate")
	// ErrChanged: the row is not as it was when the caller verified it (a password changed, an account was disabled).
	ErrChanged = errors.New("changed meanwhile")
	// ErrHeld: the address is kept for an account that had it and may take it back. It is an ErrDuplicate, too.
	ErrHeld = fmt.Errorf("held for an account that had it: %w", ErrDuplicate)
	// ErrWayBack: the account has an address that its owner may still take back.
	ErrWayBack = errors.New("a former address can be taken back")
	// ErrTooManyWaysBack: the account left so many addresses lately that no more are kept.
	ErrTooManyWaysBack = errors.New("too many ways back")
	// ErrTooManyDevices: the owner already holds as many live apps as allowed.
	ErrTooManyDevices = errors.New("too many devices")
	// ErrSpent: the account has signed in as often as it may for now.
	ErrSpent = errors.New("too many sign-ins")
	// ErrUnavailable: the database cannot be reached or cannot take the statement now; the same call may succeed later.
	ErrUnavailable = errors.New("database unavailable")
	// ErrNoDatabase: there is no database where one must be, or nobody has made its tables.
	ErrNoDatabase = errors.New("there is no database")
	// ErrNewerSchema: the database was migrated by a newer version of this program.
	ErrNewerSchema = errors.New("the database schema is newer than this program")
)

// wrapErr wraps a driver's error with what was attempted and with its kind. A nil error stays nil.
func wrapErr(attempted string, err error) error {
	if err == nil {
		return nil
	}
	for _, known := range []error{ErrNotFound, ErrDuplicate, ErrChanged, ErrWayBack, ErrTooManyWaysBack, ErrTooManyDevices, ErrSpent, ErrLimit, ErrUnavailable} {
		if errors.Is(err, known) {
			return err
		}
	}
	switch {
	case errors.Is(err, gorm.ErrRecordNotFound):
		return fmt.Errorf("%s: %w", attempted, ErrNotFound)
	case isDuplicate(err):
		return fmt.Errorf("%s: %w", attempted, ErrDuplicate)
	case isInternal(err):
		return fmt.Errorf("%s: %w", attempted, redact(err))
	}
	return fmt.Errorf("%s: %w: %w", attempted, ErrUnavailable, redact(err))
}

// errNoConnection says that no connection, or no transaction on it, was to be had, so that nothing was sent.
var errNoConnection = errors.New("no connection")

// errTwoDevices would mean that the primary key of devices does not hold.
var errTwoDevices = errors.New("more than one device has this key")

func isSQLite(err error) bool { return errors.As(err, new(*sqlite.Error)) }

func isDuplicate(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "23505"
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return lite.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || lite.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
	}
	return false
}

// isInternal tells our own mistakes (a statement that cannot be right, an argument that cannot be sent) from a database that is
// down, full, busy, read-only after a failover or cut off, which are all worth another try.
func isInternal(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.As(err, new(*pgconn.ConnectError)) {
		return false
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		code := pg.Code
		if code == "08P01" && pg.Routine != "" && !isStalePlan(err) { // PostgreSQL itself did not understand us; a pooler says so of a server that it lost
			return true
		}
		switch code[:min(2, len(code))] {
		case "08", "53", "57", "58", "40": // connection, resources, operator intervention, system, rollback (PostgreSQL, appendix A)
			return false
		}
		// A lock that was not to be had. The other two are healed, unless even the second try found no better connection.
		return code != "55P03" && !isReadOnly(err) && !isStalePlan(err)
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		switch lite.Code() & 0xff {
		case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL,
			sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_NOMEM:
			return false
		}
		return true
	}
	return !isLost(err)
}
