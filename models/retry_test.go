package models

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// What a second try can heal is tried again, what others were faster at a few times, and everything else once.
func TestHowOftenAStatementIsTried(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want int
	}{
		"nothing is wrong":                    {nil, 1},
		"the server was demoted":              {&pgconn.PgError{Code: "25006"}, 2},
		"a table changed":                     {&pgconn.PgError{Code: "0A000", Routine: "RevalidateCachedQuery"}, 2},
		"a table changed, without a routine":  {&pgconn.PgError{Code: "0A000", Message: "cached plan must not change result type"}, 2},
		"a described table changed":           {&pgconn.PgError{Code: "08P01", Routine: "PortalSetResultFormat"}, 2},
		"the server stops":                    {&pgconn.PgError{Code: "57P01"}, 2},
		"two transactions met":                {&pgconn.PgError{Code: "40001"}, manyTries},
		"a deadlock":                          {&pgconn.PgError{Code: "40P01"}, manyTries},
		"a pooler lost a statement":           {&pgconn.PgError{Code: "26000"}, manyTries},
		"a pooler has another's statement":    {&pgconn.PgError{Code: "42P05"}, manyTries},
		"an idle connection was ended":        {&pgconn.PgError{Code: "57P05"}, manyTries},
		"a connection was of no use":          {fmt.Errorf("wrapped: %w", driver.ErrBadConn), manyTries},
		"a feature that there is not":         {&pgconn.PgError{Code: "0A000", Routine: "transformSelectStmt", Message: "FOR UPDATE is not allowed"}, 1},
		"a protocol that was not understood":  {&pgconn.PgError{Code: "08P01", Routine: "exec_bind_message"}, 1},
		"a key that is taken":                 {&pgconn.PgError{Code: "23505"}, 1},
		"a lock that was not to be had":       {&pgconn.PgError{Code: "55P03"}, 1},
		"a caller that has left":              {context.Canceled, 1},
		"an error that is not the database's": {errors.New("x"), 1},
	} {
		tries := 0
		again := new(retrier)
		if err := again.withRetries(t.Context(), func() error { tries++; return c.err }); !errors.Is(err, c.err) || tries != c.want {
			t.Errorf("%s: %d tries, want %d (%v)", name, tries, c.want, err)
		}
		if n := again.read(); n.Conflicts+n.Connections+n.Failovers+n.Statements != int64(c.want-1) {
			t.Errorf("%s: %+v are counted, want %d", name, n, c.want-1)
		}
	}
	ctx, leave := context.WithCancel(t.Context())
	leave()
	tries := 0
	_ = new(retrier).withRetries(ctx, func() error { tries++; return &pgconn.PgError{Code: "40001"} })
	if tries != 1 {
		t.Errorf("for a caller that has left: %d tries", tries)
	}
	again := new(retrier)
	for _, code := range []string{"25006", "57P01", "57P05", "26000", "40P01"} {
		_ = again.withRetries(t.Context(), func() error { return &pgconn.PgError{Code: code} })
	}
	if got, want := again.read(), (Retries{Conflicts: 4, Connections: 4, Failovers: 2, Statements: 4}); got != want {
		t.Errorf("counted: %+v, want %+v", got, want)
	}
}
