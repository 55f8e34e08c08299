package models_test

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// crowd fills the tables directly, so that a plan without an index would cost more.
func crowd(t *testing.T, s *models.Store) {
	t.Helper()
	for _, statement := range []string{
		`INSERT INTO users SELECT gen_random_uuid(), 'u' || n, 'u' || n, 'hash', now(), 'user', now(), now() FROM generate_series(1, 3000) n`,
		`INSERT INTO devices (user_id, id, kind, name, created_at, last_seen_at, expires_at, secret_hash, generation, base, floor, rotated_at)
			SELECT id, gen_random_uuid(), CASE n % 2 WHEN 0 THEN 'app' ELSE 'browser' END, 'd' || n, now(), now(), now() + interval '1 day', '', 1, 0, 1, now() FROM users, generate_series(1, 4) n`,
		`INSERT INTO events (user_id, id, at, kind, actor) SELECT id, gen_random_uuid(), now() - n * interval '1 minute', 'sign_in', 'owner' FROM users, generate_series(1, 6) n`,
		`INSERT INTO events (user_id, id, at, kind, actor, device_id) SELECT user_id, gen_random_uuid(), now(), 'confirmed', 'owner', id FROM devices`,
		`INSERT INTO attempts SELECT convert_to('k' || n, 'UTF8'), now(), 1 FROM generate_series(1, 5000) n`,
		`INSERT INTO known_places SELECT id, convert_to('p' || n, 'UTF8'), now() FROM users, generate_series(1, 4) n`,
		`INSERT INTO consents SELECT id, 'c' || n, '', now() FROM users, generate_series(1, 4) n`,
		`INSERT INTO status_indexes SELECT n, now() FROM generate_series(1, 5000) n`,
		`INSERT INTO clients SELECT 'c' || n, 'client ' || n, now() FROM generate_series(1, 3000) n`,
		`INSERT INTO factors (user_id, id, kind, credential, data, created_at, since)
			SELECT id, gen_random_uuid(), 'recovery_code', convert_to('c' || n, 'UTF8'), '', now(), now() FROM users, generate_series(1, 3) n`,
		`INSERT INTO challenges (hash, user_id, purpose, data, answer, created_at, expires_at)
			SELECT convert_to('h' || id, 'UTF8'), id, 'p', '', '', now(), now() FROM users`,
		`INSERT INTO trusted_browsers (user_id, id, hash, created_at, expires_at) SELECT id, gen_random_uuid(), '', now(), now() FROM users`,
		`INSERT INTO logout_notices SELECT id, gen_random_uuid(), 'c' || (random() * 100)::int, now(), now() FROM users`,
		`ANALYZE`,
	} {
		exec(t, s, statement)
	}
}

var placeholder = regexp.MustCompile(`\$(\d+)\$?`)

// plan returns PostgreSQL's generic plan for a statement.
func plan(t *testing.T, s *models.Store, statement string) string {
	t.Helper()
	conn, err := s.Pools()[0].Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	values := map[string]bool{}
	statement = placeholder.ReplaceAllStringFunc(statement, func(p string) string {
		p = "$" + strings.Trim(p, "$")
		values[p] = true
		return p
	})
	defer conn.ExecContext(t.Context(), "DEALLOCATE q") //nolint:errcheck // the next PREPARE would tell
	for _, set := range []string{"SET plan_cache_mode = force_generic_plan", "PREPARE q AS " + statement} {
		if _, err := conn.ExecContext(t.Context(), set); err != nil {
			t.Fatalf("%s: %v", set, err)
		}
	}
	explain := "EXPLAIN EXECUTE q"
	if len(values) > 0 {
		explain += "(" + strings.TrimSuffix(strings.Repeat("NULL, ", len(values)), ", ") + ")"
	}
	rows, err := conn.QueryContext(t.Context(), explain)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var lines []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func TestPostgresFindsEveryRowOfTheHotPathByAnIndex(t *testing.T) {
	var mu sync.Mutex
	var sent []string
	s := migrated(t, models.Config{URL: modelstest.Postgres(t), OnStatement: func(sql string) {
		mu.Lock()
		defer mu.Unlock()
		sent = append(sent, sql)
	}})
	crowd(t, s)
	u := addUser(t, s)
	d := addApp(t, s, u.ID, "phone")
	ctx, pages := t.Context(), pageQueries(s, u.ID)
	for _, c := range []struct {
		name, index string
		call        func() error
	}{
		{"LiveDevices", "devices_pkey|devices_name", func() error { return second(s.LiveDevices(ctx, u.ID, live(noon))) }},
		{"Device", "devices_pkey|devices_id", func() error { return second(s.Device(ctx, u.ID, d.ID)) }},
		{"Events", "events_of_user", func() error { return second(s.Events(ctx, u.ID, models.EventCursor{}, 20)) }},
		{"Events from a cursor on", "events_of_user", func() error { return second(s.Events(ctx, u.ID, models.EventCursor{At: noon, ID: u.ID}, 20)) }},
		{"DeviceOverview", "devices_pkey|devices_name", pages["the overview"]},
		{"EventsOfKinds", "events_of_kind", pages["events of kinds"]},
		{"EventsOfKinds from a cursor on", "events_of_kind", pages["events of kinds, further"]},
		{"EventsSince", "events_of_kind", pages["events of kinds since"]},
		{"EventsOfDevice", "events_of_device", pages["events of a device"]},
		{"EventsOfDevice from a cursor on", "events_of_device", pages["events of a device, further"]},
		{"KeptDevices", "devices_pkey|devices_id", pages["devices that are kept"]},
		{"NamedDevices", "devices_pkey|devices_id", func() error { return second(s.NamedDevices(ctx, u.ID, d.ID, u.ID)) }},
		{"DismissAlerts", "users_pkey", func() error { return s.DismissAlerts(ctx, u.ID, noon) }},
		{"BrowserSession", "devices_pkey|devices_id", func() error {
			if _, _, err := s.BrowserSession(ctx, u.ID, d.ID, secretOf(d.ID), live(noon)); err == nil {
				return fmt.Errorf("an app is no browser")
			}
			return nil
		}},
		{"RotateDevice", "devices_pkey|devices_id", func() error { return second(s.RotateDevice(ctx, present(d, 1, noon))) }},
		{"TouchDevice", "devices_pkey|devices_id", func() error { return s.TouchDevice(ctx, u.ID, d.ID, noon, noon, home) }},
		{"RevokedPlaces", "(?s)devices_revoked_at.*status_indexes_revoked_at", func() error { return s.RevokedPlaces(ctx, noon, func(models.RevokedPlace) {}) }},
		{"LastStatusIndex", "status_indexes_pkey", func() error { return second(s.LastStatusIndex(ctx)) }},
		{"UserByEmail", "users_email_key_key", func() error { return second(s.UserByEmail(ctx, u.EmailKey)) }},
		{"SignInFacts", "(?s)users_email_key_key.*known_places_pkey.*attempts_pkey", func() error {
			return second(s.SignInFacts(ctx, models.SignInQuestion{EmailKey: u.EmailKey, ClientID: "app", Keys: [][]byte{{1}, {2}, {3}}, At: noon, Browser: []byte{1}, Network: []byte{2}, JKT: "k", KnownSince: noon}))
		}},
		{"Counters", "attempts_pkey", func() error { return second(s.Counters(ctx, [][]byte{{1}, {2}, {3}}, noon)) }},
		{"KnownOrigin", "known_places_pkey", func() error { return second(s.KnownOrigin(ctx, u.ID, [][]byte{{1}, {2}}, noon)) }},
		{"Devices", "devices_pkey|devices_id", func() error { return second(s.Devices(ctx, u.ID, d.ID, 20)) }},
		{"AddEvent", "users_pkey", func() error { return s.AddEvent(ctx, event(models.EventSignInFailed, u.ID, noon)) }},
		{"Factors", "factors_pkey|factors_user_id", func() error { return second(s.Factors(ctx, u.ID)) }},
		{"CountWrongCode", "factors_pkey|factors_user_id", func() error {
			if err := second(s.CountWrongCode(ctx, u.ID, noon)); !errors.Is(err, models.ErrNotFound) {
				return fmt.Errorf("without an app: %w", err)
			}
			return nil
		}},
		{"AddChallenge", "users_pkey", func() error { return s.AddChallenge(ctx, challenge(u, "plan", noon), password, 0, nil, nil) }},
		{"FindChallenge", "challenges_pkey", func() error { return second(s.FindChallenge(ctx, secondStep, challenge(u, "plan", noon).Hash, noon)) }},
		{"TryChallenge", "challenges_pkey", func() error { return second(s.TryChallenge(ctx, secondStep, challenge(u, "plan", noon).Hash, noon, 5)) }},
		{"EndChallenge", "challenges_pkey", func() error { return s.EndChallenge(ctx, challenge(u, "plan", noon).Hash) }},
		{"TrustedBrowsers", "trusted_browsers_pkey|trusted_browsers_user_id", func() error { return second(s.TrustedBrowsers(ctx, u.ID, noon)) }},
		{"FindTrustedBrowser", "trusted_browsers_pkey|trusted_browsers_user_id", func() error {
			if err := second(s.FindTrustedBrowser(ctx, u.ID, [][]byte{{1}, {2}}, noon)); !errors.Is(err, models.ErrNotFound) {
				return fmt.Errorf("without any: %w", err)
			}
			return nil
		}},
		{"DueLogoutNotices", "logout_notices_due", func() error { return second(s.DueLogoutNotices(ctx, "c1", noon, 10)) }},
		{"ClaimLogoutNotice", "logout_notices_pkey", func() error {
			if err := second(s.ClaimLogoutNotice(ctx, models.LogoutNotice{UserID: u.ID, DeviceID: d.ID}, noon, noon)); !errors.Is(err, models.ErrNotFound) {
				return fmt.Errorf("without any: %w", err)
			}
			return nil
		}},
		{"AddFactors", "users_pkey", func() error { return second(s.AddFactors(ctx, addition(t, s, u, noon, authenticatorApp()))) }},
		{"RemoveFactors", "users_pkey", func() error { return second(s.RemoveFactors(ctx, removal(t, s, u, noon))) }},
		{"RaiseProof", "devices_pkey|devices_id", func() error {
			return s.RaiseProof(ctx, models.DeviceKey{UserID: u.ID, ID: d.ID}, models.ByPasskey, noon)
		}},
		{"RevokeSelected", "users_pkey", func() error {
			return second(s.RevokeSelected(ctx, u.ID, []uuid.UUID{d.ID}, event(models.EventDeviceRevoked, u.ID, noon)))
		}},
		{"RevokeOthers", "users_pkey", func() error {
			return second(s.RevokeOthers(ctx, u.ID, uuid.Nil, event(models.EventDevicesRevoked, u.ID, noon)))
		}},
	} {
		sent = nil
		if err := c.call(); err != nil || len(sent) == 0 {
			t.Errorf("%s: %v, %d statements", c.name, err, len(sent))
			continue
		}
		for i, statement := range sent {
			got := plan(t, s, statement)
			rest := strings.ReplaceAll(got, "Seq Scan on clients  ", "") // whether there is one: it ends at the first row
			if strings.Contains(rest, "Seq Scan") || i == 0 && !regexp.MustCompile(c.index).MatchString(got) {
				t.Errorf("%s: %s\n%s", c.name, statement, got)
			}
		}
	}
}

// A refresh must be a HOT update. Otherwise it writes every index of the row and leaves more work for vacuum.
func TestARefreshIsAHOTUpdate(t *testing.T) {
	s := migrated(t, models.Config{URL: modelstest.Postgres(t), Conns: 1})
	crowd(t, s)
	u := addUser(t, s)
	d := addApp(t, s, u.ID, "phone")
	updates := func(column string) int64 {
		exec(t, s, "SELECT pg_stat_force_next_flush()")
		return count(t, s, "SELECT "+column+" FROM pg_stat_user_tables WHERE relname = 'devices'")
	}
	all, hot := updates("n_tup_upd"), updates("n_tup_hot_upd")
	const n = 200
	for g := range int64(n) {
		rotate(t, s, present(d, g+1, noon.Add(time.Duration(g)*time.Minute)))
	}
	all, hot = updates("n_tup_upd")-all, updates("n_tup_hot_upd")-hot
	if all != n || hot < n*95/100 {
		t.Errorf("%d refreshes: %d updates, %d of them HOT", n, all, hot)
	}
}
