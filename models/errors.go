package models

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"latchkey/models/groupcommit"

	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// The kinds of error that callers can test for with errors.Is. Every other error is internal.
var (
	// ErrNotFound: there is no row with the key, or the row is not in the required state.
	ErrNotFound = errors.New("not found")
	// ErrDuplicate: a unique key is taken.
	ErrDuplicate = errors.New("duplicate")
	// ErrExternalID: another account has the external id. It wraps ErrDuplicate.
	ErrExternalID = fmt.Errorf("external id: %w", ErrDuplicate)
	// ErrStaff: a client of the operator's cannot change an account of the support staff.
	ErrStaff = errors.New("an account of the support staff")
	// ErrChanged: the row has changed since the caller verified it: a new password, a disabled account.
	ErrChanged = errors.New("changed since it was verified")
	// ErrHeld: the address is held for an account that had it and may take it back. It wraps ErrDuplicate.
	ErrHeld = fmt.Errorf("held for an account that had it: %w", ErrDuplicate)
	// ErrWayBack: the account has a former address that its owner may still take back.
	ErrWayBack = errors.New("a former address can be taken back")
	// ErrTooManyWaysBack: the account has left as many addresses in the last week as it may.
	ErrTooManyWaysBack = errors.New("too many ways back")
	// ErrTooManyDevices: the account has as many live apps as it may.
	ErrTooManyDevices = errors.New("too many devices")
	// ErrSpent: the account has signed in as often as it may for now.
	ErrSpent = errors.New("too many sign-ins")
	// ErrUsed: the code, the challenge or another thing that works once was used before, or is gone.
	ErrUsed = errors.New("used before")
	// ErrAppGone: the app that an act was confirmed on is signed out. It wraps ErrUsed.
	ErrAppGone = fmt.Errorf("the app is signed out: %w", ErrUsed)
	// ErrProtected: the device is of a client that must authenticate.
	ErrProtected = errors.New("the client must authenticate")
	// ErrOtherClient: the device is of another client.
	ErrOtherClient = errors.New("of another client")
	// ErrUnavailable: the database cannot be reached or cannot run the statement now. The same call may succeed later.
	ErrUnavailable = errors.New("database unavailable")
	// ErrNoDatabase: there is no database at the path, or it has no tables yet.
	ErrNoDatabase = errors.New("there is no database")
	// ErrForeignDatabase: the database is another program's.
	ErrForeignDatabase = errors.New("the database is another program's")
	// ErrNewerSchema: the database was migrated by a newer version of this program.
	ErrNewerSchema = errors.New("the database schema is newer than this program")
)

// wrapErr wraps a driver's error with what was attempted and with its kind, and redacts it. A nil error stays nil.
func wrapErr(attempted string, err error) error {
	if err == nil {
		return nil
	}
	for _, known := range []error{ErrNotFound, ErrStaff, ErrDuplicate, ErrChanged, ErrWayBack, ErrTooManyWaysBack, ErrTooManyDevices, ErrSpent, ErrUsed, ErrLimit, ErrProtected, ErrOtherClient, ErrUnavailable} {
		if errors.Is(err, known) {
			return err
		}
	}
	switch {
	case errors.Is(err, gorm.ErrRecordNotFound):
		return fmt.Errorf("%s: %w", attempted, ErrNotFound)
	case isDuplicate(err) && strings.Contains(err.Error(), "external_id"): // the index and the column are named so
		return fmt.Errorf("%s: %w", attempted, ErrExternalID)
	case isDuplicate(err):
		return fmt.Errorf("%s: %w", attempted, ErrDuplicate)
	case isInternal(err):
		return fmt.Errorf("%s: %w", attempted, redact(err))
	}
	return fmt.Errorf("%s: %w: %w", attempted, ErrUnavailable, redact(err))
}

// errNoConnection says that there was no connection, or no transaction on it, so that nothing was sent.
var errNoConnection = errors.New("no connection")

// errTwoDevices would mean that the primary key of devices is not unique.
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

// isInternal reports whether an error is our own mistake: a wrong statement, an argument that cannot be sent. It is false when the
// database is down, full, busy, read-only after a failover or cut off; then another attempt may succeed.
func isInternal(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.As(err, new(*pgconn.ConnectError)) ||
		errors.Is(err, groupcommit.ErrPanicked) { // the mistake is in another caller's statement
		return false
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		code := pg.Code
		if code == "08P01" && pg.Routine != "" && !isStalePlan(err) { // PostgreSQL itself did not understand us; without a routine a pooler says that it lost the server
			return true
		}
		switch code[:min(2, len(code))] {
		case "08", "53", "57", "58", "40": // connection, resources, operator intervention, system, rollback (PostgreSQL, appendix A)
			return false
		}
		// 55P03: a lock timed out. withRetries handles the other two, unless the second attempt fails the same way.
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
