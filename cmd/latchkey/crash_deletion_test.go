package main

import (
	"database/sql"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"latchkey/models/modelstest"
)

// The program dies, again and again, while it takes the person out of the events of a deleted account. It goes on where it stopped.
func TestCrashBetweenTheBatchesOfADeletion(t *testing.T) {
	modelstest.EachURL(t, func(t *testing.T, database string) {
		s := newCrashSite(t, database, database)
		db := crashLook(t, database)
		s.crashPortal(nil)
		many := crashCount(20_000, 20_000, 100_000)
		crashEvents(t, database, db, many)
		form := url.Values{"account": {s.account()}, "email": {crashEmail}, "current_password": {crashPassword}}.Encode()
		if r := s.mustAsk(s.browser, http.MethodPost, "/security/delete", form, []int{http.StatusSeeOther}); r.header.Get("Location") != "/login" {
			t.Fatalf("the deletion leads to %q", r.header.Get("Location"))
		}
		left := func() int64 { return crashNumber(t, db, "SELECT count(*) FROM events WHERE ip = '192.0.2.77'") }
		for range 3 {
			s.kill()
			now := left()
			if crashNumber(t, db, "SELECT count(*) FROM users") != 0 || now > 0 && crashNumber(t, db, "SELECT count(*) FROM deleted_accounts") != 1 {
				t.Fatalf("%d events are left, and the account is there or the work forgotten", now)
			}
			if s.tally.crashes.Load() == 1 && now == 0 {
				t.Fatal("the first crash came too late to be one between batches")
			}
			s.start()
			eventually(t, time.Minute, "the work goes on", func() bool { return left() < now || now == 0 })
		}
		eventually(t, time.Hour, "the work is done", func() bool { return crashNumber(t, db, "SELECT count(*) FROM deleted_accounts") == 0 })
		anonymous := crashNumber(t, db, "SELECT count(*) FROM events WHERE kind = 'device_renamed' AND user_id = '00000000-0000-0000-0000-000000000000'")
		if left() != 0 || anonymous != int64(many) {
			t.Errorf("%d events are left, %d are anonymous", left(), anonymous)
		}
		s.stop()
	})
}

// crashEvents writes many events of the only account.
func crashEvents(t *testing.T, database string, db *sql.DB, n int) {
	t.Helper()
	const columns = "INSERT INTO events (user_id, id, at, kind, actor, ip) SELECT users.id, "
	if database[:len("sqlite:")] != "sqlite:" {
		crashExec(t, database, fmt.Sprintf(columns+"gen_random_uuid(), now(), 'device_renamed', 'owner', '192.0.2.77' FROM users, generate_series(1, %d)", n))
		return
	}
	_, err := db.ExecContext(t.Context(), fmt.Sprintf("WITH RECURSIVE c(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM c WHERE n < %d) ", n)+columns+
		"printf('00000000-0000-7000-8000-%012d', n), ?, 'device_renamed', 'owner', '192.0.2.77' FROM users, c", time.Now().UnixMicro())
	if err != nil {
		t.Fatal(err)
	}
}
