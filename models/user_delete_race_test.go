package models_test

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// Nothing is written of an account that is gone, however late it comes.
func TestNothingIsWrittenOfADeletedAccount(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u, staff := addUser(t, s), addUser(t, s)
		link := models.OneTime{Hash: []byte("hash"), UserID: u.ID, Purpose: models.ResetLink, CreatedAt: noon, ExpiresAt: noon.Add(time.Hour)}
		mail := models.MailWithLinks{Mail: &models.OutgoingMail{ID: uuid.New(), UserID: u.ID, Recipient: u.Email, Sealed: []byte{}, CreatedAt: noon}, Links: []models.OneTime{link}}
		if err := s.AddMail(t.Context(), mail); err != nil {
			t.Fatal(err)
		}
		last := deletion(u, noon)
		last.Farewell = models.MailWithLinks{}
		if err := deleteWhole(t, s, last); err != nil {
			t.Fatal(err)
		}
		whole := func() string { return strings.Join(slices.Sorted(slices.Values(traces(t, s, ""))), "\n") } // the shards of Citus answer in any order
		before := whole()
		reset := models.PasswordReset{Purpose: models.ResetLink, Link: link.Hash, UserID: u.ID, PasswordHash: "x", At: noon, Event: event(models.EventPasswordReset, u.ID, noon)}
		for name, act := range map[string]func() error{
			"an event": func() error { return s.AddEvent(t.Context(), event(models.EventSignInFailed, u.ID, noon)) },
			"a look": func() error {
				return s.AddEvents(t.Context(), event(models.EventSupportLooked, staff.ID, noon), event(models.EventSeenBySupport, u.ID, noon))
			},
			"a mail":         func() error { return s.AddMail(t.Context(), mail) },
			"a new password": func() error { return second(s.ResetPassword(t.Context(), reset)) },
			"an alarm": func() error {
				return second(s.ReportNotMe(t.Context(), models.NotMeReport{Purpose: "alarm", Hash: link.Hash, At: noon}))
			},
			"a sign-in": func() error { return second(s.AddDevice(t.Context(), signIn(u.ID, models.KindApp, "phone", noon))) },
			"a rename": func() error {
				return second(s.RenameDevice(t.Context(), models.DeviceKey{UserID: u.ID, ID: u.ID}, live(noon), named("x"), event("", u.ID, noon)))
			},
			"another farewell": func() error { return s.DeleteUser(t.Context(), deletion(u, noon)) },
		} {
			if err := act(); !errors.Is(err, models.ErrNotFound) && !errors.Is(err, models.ErrChanged) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if diff := cmp.Diff(before, whole()); diff != "" {
			t.Error(diff)
		}
		again := u
		again.ID = models.NewID(noon)
		if err := s.AddUser(t.Context(), again, event(models.EventAccountCreated, again.ID, noon)); err != nil || kinds(t, s, again.ID) != "account_created" {
			t.Errorf("a new account with the address: %v, events %s", err, kinds(t, s, again.ID))
		}
	})
}

// Deletions of accounts that have looked at each other, and everything else that takes several rows, at once.
func TestDeletionsAtOnceDeadlockNobody(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		for round := range rounds(s, 10, 3) {
			users := make([]models.User, 6)
			for i := range users {
				users[i] = addUser(t, s)
				furnish(t, s, users[i], int64(1000+100*round+10*i))
			}
			for i := range 60 {
				look(t, s, users[i%6], users[(i*i+1)%6], noon)
			}
			together(4*len(users), func(i int) {
				u := users[i%6]
				var err error
				switch i / 6 {
				case 0, 1:
					err = deleteWhole(t, s, deletion(u, noon))
				case 2:
					if _, err = s.ClaimMail(t.Context(), models.MailRest, noon.Add(lifetime), noon); errors.Is(err, models.ErrNotFound) {
						err = nil
					}
				case 3:
					_, err = s.Sweep(t.Context(), models.Retention{EventsBefore: noon, DevicesBefore: noon.Add(time.Minute)})
				}
				if err != nil && !errors.Is(err, models.ErrChanged) {
					t.Error(err)
				}
			})
			exec(t, s, "DELETE FROM mails WHERE kind = 'farewell'")
			for _, u := range users {
				if left := traces(t, s, u.ID.String()); len(left) > 0 {
					t.Fatalf("left: %q", left)
				}
			}
		}
	})
}

// manyEvents writes events of one account round the store, a minute apart.
func manyEvents(t testing.TB, s *models.Store, user uuid.UUID, n int) {
	t.Helper()
	if s.Dialect() == "postgres" {
		exec(t, s, `INSERT INTO events (user_id, id, at, kind, actor, ip, user_agent, device_name) SELECT ?::uuid, gen_random_uuid(), timestamptz '2026-03-01 12:00:00+00' - n * interval '1 minute',
			'sign_in', 'owner', '192.0.2.1', 'agent', 'phone' FROM generate_series(1, ?::int) n`, user.String(), n)
		return
	}
	exec(t, s, `WITH RECURSIVE c(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM c WHERE n < ?)
		INSERT INTO events (user_id, id, at, kind, actor, ip, user_agent, device_name) SELECT ?, printf('00000000-0000-7000-8000-%012d', n), ? - n * 60000000,
			'sign_in', 'owner', '192.0.2.1', 'agent', 'phone' FROM c`, n, user.String(), noon.UnixMicro())
}

// A deletion reads no whole table, but for the short ones of mails and of webhooks.
func TestPostgresDeletesAnAccountByIndexes(t *testing.T) {
	var mu sync.Mutex
	var sent []string
	s := migrated(t, models.Config{URL: modelstest.Postgres(t), OnStatement: func(sql string) {
		mu.Lock()
		defer mu.Unlock()
		sent = append(sent, sql)
	}})
	crowd(t, s)
	exec(t, s, `INSERT INTO mails SELECT gen_random_uuid(), gen_random_uuid(), 'k', 'r', '', now(), now(), 0 FROM generate_series(1, 3000)`)
	exec(t, s, `INSERT INTO one_time_tokens SELECT convert_to('k' || n, 'UTF8'), gen_random_uuid(), 'p', '', '', now(), now() FROM generate_series(1, 3000) n`)
	exec(t, s, `INSERT INTO former_addresses SELECT convert_to(id::text, 'UTF8'), id, 'e', 'e', 1, now(), now() FROM users`)
	exec(t, s, `UPDATE events SET kind = (ARRAY['support_searched', 'support_looked', 'seen_by_support', 'sign_in'])[1 + floor(random() * 4)], detail = id::text`)
	exec(t, s, `INSERT INTO sign_in_mails (user_id, last_at) SELECT id, now() FROM users`)
	exec(t, s, `INSERT INTO incident_notices (incident_id, user_id, queued_at) SELECT gen_random_uuid(), id, now() FROM users`)
	exec(t, s, `INSERT INTO consents SELECT id, 'app', '', now() FROM users`)
	exec(t, s, `INSERT INTO deleted_accounts SELECT gen_random_uuid(), '', now() FROM generate_series(1, 3000)`)
	exec(t, s, `INSERT INTO creations SELECT 'shop', convert_to('k' || n, 'UTF8'), '', gen_random_uuid(), now() FROM generate_series(1, 3000) n`)
	exec(t, s, `VACUUM ANALYZE`)
	u, staff := addUser(t, s), addUser(t, s)
	look(t, s, staff, u, noon)
	look(t, s, u, staff, noon)
	add(t, s, inPlace(signIn(u.ID, models.KindApp, "phone", noon), 9000))
	sent = nil
	if err := deleteWhole(t, s, deletion(u, noon)); err != nil {
		t.Fatal(err)
	}
	if len(sent) < 15 {
		t.Errorf("only %d statements", len(sent))
	}
	used := map[string]bool{}
	for _, statement := range sent {
		got := plan(t, s, statement)
		if strings.Contains(strings.ReplaceAll(got, "Seq Scan on webhooks ", ""), "Seq Scan") {
			t.Errorf("%s\n%s", statement, got)
		}
		for _, index := range regexp.MustCompile(`using (\w+)|on (\w+_\w+)  `).FindAllStringSubmatch(got, -1) {
			used[index[1]+index[2]] = true
		}
	}
	for _, index := range []string{"events_searched", "mails_of_user", "status_indexes_pkey", "one_time_tokens_of_user", "known_places_pkey"} {
		if !used[index] {
			t.Errorf("%s is not used; used are %v", index, used)
		}
	}
}
