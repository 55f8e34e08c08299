package models_test

import (
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// deskCalls are the queries of support, each with the indexes that it must use on PostgreSQL and on SQLite.
func deskCalls(t *testing.T, s *models.Store) []deskCall {
	ctx, id, q := t.Context(), uuid.New(), deskSearch(noon, 21)
	narrow := q
	narrow.Filter = models.DeviceFilter{Kind: models.KindApp, Live: models.OnlyLive, SeenSince: noon}
	kinds := []models.EventFilter{{Kind: models.EventSeenBySupport}, {Kind: models.EventSignIn}, {Kind: models.EventDeviceForked, Detail: "third child"}}
	prefix, whole := models.KeyPrefix{Text: "d4"}, models.KeyPrefix{Text: "d4", Whole: true}
	return []deskCall{
		{"by name", "devices_by_name", func() error { return second(s.DevicesByName(ctx, prefix, models.NameCursor{}, q)) }},
		{"by name, further", "devices_by_name", func() error { return second(s.DevicesByName(ctx, prefix, models.NameCursor{Key: "d4", ID: id}, q)) }},
		{"by name, narrowed", "devices_by_name", func() error { return second(s.DevicesByName(ctx, prefix, models.NameCursor{}, narrow)) }},
		{"by the whole name", "devices_by_name", func() error { return second(s.DevicesByName(ctx, whole, models.NameCursor{}, q)) }},
		{"by address", "devices_by_created_ip", func() error { return second(s.DevicesByAddress(ctx, home, uuid.Nil, q)) }},
		{"by address, further", "devices_by_created_ip", func() error { return second(s.DevicesByAddress(ctx, home, id, narrow)) }},
		{"by id", "devices_id", func() error { return second(s.DevicesByID(ctx, id, q)) }},
		{"people", "users_email_key|autoindex_users", func() error { return second(s.PeopleByEmail(ctx, prefix, "", q)) }},
		{"people, further and narrowed", "users_email_key|autoindex_users", func() error { return second(s.PeopleByEmail(ctx, prefix, "d5", narrow)) }},
		{"a person", "users_pkey|autoindex_users", func() error {
			if _, err := s.PersonByID(ctx, id, q.Live); err == nil {
				t.Error("there is no such person")
			}
			return nil
		}},
		{"ended devices", "devices_pkey|devices_name|autoindex_devices", func() error { return second(s.EndedDevices(ctx, id, q.Live, 21)) }},
		{"live devices", "devices_pkey|devices_name|autoindex_devices", func() error { return second(s.RecentDevices(ctx, id, q.Live, 21)) }},
		{"factors", "factors_user_id|factors_pkey|autoindex_factors", func() error { return second(s.FactorCounts(ctx, id)) }},
		{"latest events", "events_of_kind", func() error { return second(s.LatestEvents(ctx, id, kinds, 3)) }},
		{"warnings", "events_of_kind", func() error { return second(s.CountEvents(ctx, id, kinds, noon, 100)) }},
		{"activity of some kinds", "events_of_kind", func() error { return second(s.EventsOfKinds(ctx, id, kinds, models.EventCursor{}, 51)) }},
		{"activity of some kinds, further", "events_of_kind", func() error {
			return second(s.EventsOfKinds(ctx, id, kinds, models.EventCursor{At: noon, ID: id}, 51))
		}},
		{"numbers", "events_kind_at", func() error {
			return second(s.DailyCounts(ctx, []models.EventKind{models.EventDeviceReused, "b", "c"}, noon, noon))
		}},
	}
}

type deskCall struct {
	name, index string
	call        func() error
}

// deskPlans checks the plan of every query. A query that reads a whole table fails.
func deskPlans(t *testing.T, config models.Config, fill func(*models.Store), plan func(s *models.Store, statement string) string, reading *regexp.Regexp) {
	t.Helper()
	var mu sync.Mutex
	var sent []string
	config.OnStatement = func(sql string) {
		mu.Lock()
		defer mu.Unlock()
		sent = append(sent, sql)
	}
	s := migrated(t, config)
	fill(s)
	for _, c := range deskCalls(t, s) {
		sent = nil
		if err := c.call(); err != nil || len(sent) != 1 {
			t.Errorf("%s: %v, %d statements", c.name, err, len(sent))
			continue
		}
		if got := plan(s, sent[0]); reading.MatchString(got) || !regexp.MustCompile(c.index).MatchString(got) {
			t.Errorf("%s: %s\n%s", c.name, sent[0], got)
		}
	}
}

func TestPostgresAnswersTheSupportDeskByIndexes(t *testing.T) {
	deskPlans(t, models.Config{URL: modelstest.Postgres(t)}, func(s *models.Store) {
		crowd(t, s)
		exec(t, s, `UPDATE devices SET name_key = name || left(id::text, 8), created_ip = '192.0.2.' || left(id::text, 2)`)
		exec(t, s, `VACUUM ANALYZE`)
	}, func(s *models.Store, statement string) string { return plan(t, s, statement) }, regexp.MustCompile(`Seq Scan`))
}

// A prefix is a range only in byte order, which is not the collation of every database.
func TestPostgresComparesSearchedKeysByteByByte(t *testing.T) {
	s := migrated(t, models.Config{URL: modelstest.Postgres(t)})
	n := count(t, s, `SELECT count(*) FROM information_schema.columns WHERE table_name || '.' || column_name IN ('users.email_key', 'devices.name_key') AND collation_name = 'C'`)
	if n != 2 {
		t.Errorf("%d columns, want 2", n)
	}
}

func TestSQLiteAnswersTheSupportDeskByIndexes(t *testing.T) {
	deskPlans(t, models.Config{URL: modelstest.SQLite(t)}, func(s *models.Store) {
		exec(t, s, `WITH RECURSIVE c(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM c WHERE n < 3000)
			INSERT INTO users (id, email, email_key, password_hash, password_changed_at, role, created_at, updated_at, disabled_at) SELECT printf('00000000-0000-7000-8000-%012d', n), 'u' || n, 'u' || n, 'hash', 1, 'user', 1, 1, NULL FROM c`)
		exec(t, s, `WITH RECURSIVE c(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM c WHERE n < 4)
			INSERT INTO devices (user_id, id, kind, name, name_key, created_at, created_ip, last_seen_at, expires_at, secret_hash, generation, base, floor, rotated_at)
			SELECT id, printf('00000000-0000-7000-800%d-%s', n, substr(id, 25)), 'app', 'd' || n, 'd' || n || id, 1, '192.0.2.' || n, 1, 2, '', 1, 0, 1, 1 FROM users, c`)
		exec(t, s, `INSERT INTO events (user_id, id, at, kind, actor) SELECT user_id, id, 1, 'sign_in', 'owner' FROM devices`)
		exec(t, s, `ANALYZE`)
	}, func(s *models.Store, statement string) string {
		rows, err := s.Pools()[0].QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+statement, make([]any, strings.Count(statement, "?"))...)
		if err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
		defer rows.Close()
		var steps []string
		for rows.Next() {
			var id, parent, unused int
			var step string
			if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
				t.Fatal(err)
			}
			steps = append(steps, step)
		}
		return strings.Join(steps, "\n")
	}, regexp.MustCompile(`(?m)^SCAN (devices|users|u|events)\b`))
}
