package main

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"latchkey/models/modelstest"
)

// stolen selects the devices that addStolen adds. All signed in an hour ago.
var stolen = []string{"--client", "stolen", "--created-to", time.Now().Add(-30 * time.Minute).UTC().Format(time.RFC3339)}

// addStolen writes many devices directly, two for each of half as many accounts. Each has a place in the status lists. The accounts have the password
// of ada's.
func addStolen(t *testing.T, url string, devices int) *sql.DB {
	t.Helper()
	addUser(t, url, ada)
	db := openAt(t, url).Pools()[0]
	ago, ahead, id, series := "now() - interval '1 hour'", "now() + interval '30 days'", "gen_random_uuid()", fmt.Sprintf("generate_series(1, %d) AS s(n)", devices/2)
	two, secret := "generate_series(0, 1) AS k(n)", "'\\x00'"
	if strings.HasPrefix(url, "sqlite:") {
		ago, ahead = "(unixepoch() - 3600) * 1000000", "(unixepoch() + 2592000) * 1000000"
		id = "lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-8' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))"
		series = fmt.Sprintf("(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < %d) SELECT n FROM s) AS s", devices/2)
		two, secret = "(SELECT 0 AS n UNION ALL SELECT 1) AS k", "x'00'"
	}
	for _, statement := range []string{
		`INSERT INTO users (id, email, email_key, password_hash, password_changed_at, role, created_at, updated_at)
			SELECT ` + id + `, 'u' || n || '@example.org', 'u' || n || '@example.org', (SELECT password_hash FROM users), ` + ago + `, 'user', ` + ago + `, ` + ago + ` FROM ` + series,
		`INSERT INTO devices (user_id, id, kind, name, client_id, created_at, created_ip, last_seen_at, expires_at, secret_hash, generation, base, floor, rotated_at, status_index)
			SELECT u.id, ` + id + `, 'app', 'phone ' || k.n, 'stolen', ` + ago + `, '203.0.113.7', ` + ago + `, ` + ahead + `, ` + secret + `, 1, 0, 1, ` + ago + `,
				row_number() OVER () - 1 FROM users u, ` + two + ` WHERE u.email LIKE 'u%@example.org'`,
		`INSERT INTO status_indexes (idx, expires_at) SELECT status_index, expires_at FROM devices WHERE client_id = 'stolen'`,
		"ANALYZE",
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

// soundIncident checks what must be true after the incident, however often its processes died.
func soundIncident(t *testing.T, db *sql.DB, devices int64) {
	t.Helper()
	for query, want := range map[string]int64{
		"SELECT count(*) FROM devices WHERE client_id = 'stolen' AND revoke_reason = 'incident'": devices,
		"SELECT count(*) FROM devices WHERE client_id <> 'stolen' AND revoked_at IS NOT NULL":    0,
		"SELECT count(*) FROM events WHERE kind = 'devices_revoked_incident'":                    devices / 2,
		"SELECT coalesce(sum(more + 1), 0) FROM events WHERE kind = 'devices_revoked_incident'":  devices,
		"SELECT count(DISTINCT user_id) FROM events WHERE kind = 'devices_revoked_incident'":     devices / 2,
		"SELECT devices FROM incidents":  devices,
		"SELECT accounts FROM incidents": devices / 2,
		"SELECT count(*) FROM incidents WHERE state = 'done' AND seen >= devices AND worker = ''":    1,
		"SELECT count(*) FROM devices WHERE revoke_reason = 'incident' AND revoked_by <> 'operator'": 0,
	} {
		if got := crashNumber(t, db, query); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
}

// The command dies by kill -9 again and again, while no server runs. Each time the next one goes on where it died, and nothing is done twice.
func TestCrashOfTheCommandOfAnIncident(t *testing.T) {
	modelstest.EachURL(t, func(t *testing.T, url string) {
		many := crashCount(2000, 500, 10_000)
		db := addStolen(t, url, many)
		_, id := previewed(t, url, stolen...)
		args := []string{"incident", "revoke", "--confirm", id}
		var last int64
		for range crashCount(3, 2, 12) {
			c := launch(t, on(url), args...)
			from := last
			eventually(t, time.Minute, "devices are signed out", func() bool {
				last = crashNumber(t, db, "SELECT devices FROM incidents")
				return last > from || last == int64(many)
			})
			if err := c.cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			<-c.ended
			args = []string{"incident", "resume", id}
			if last < int64(many) && crashNumber(t, db, "SELECT count(*) FROM incidents WHERE state = 'running'") != 1 {
				t.Error("the incident does not run any more")
			}
			expireClaim(t, db)
		}
		if last == int64(many) {
			t.Error("all was done before the last kill")
		}
		o := launch(t, on(url), "incident", "resume", id).end(t, 2*time.Minute)
		if o.code != 0 || !strings.Contains(o.stdout, fmt.Sprintf("Signed out: %d devices of %d accounts", many, many/2)) {
			t.Errorf("exit %d: %s%s", o.code, o.stdout, o.stderr)
		}
		soundIncident(t, db, int64(many))
	})
}

// expireClaim does what 15 seconds do: the next process need not wait for the dead one.
func expireClaim(t *testing.T, db *sql.DB) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), "UPDATE incidents SET worked_until = started_at"); err != nil {
		t.Fatal(err)
	}
}
