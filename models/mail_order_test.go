package models_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// wall is a long outbox: 10,000 mails about an incident that are due, and 2,000 of each other priority that wait for a later attempt.
func wall(t *testing.T, s *models.Store) {
	t.Helper()
	u := addUser(t, s)
	first := models.OutgoingMail{ID: models.NewID(noon.Add(-time.Hour)), UserID: u.ID, Kind: "incident", Recipient: "a@example.com", Sealed: []byte{1}, CreatedAt: noon.Add(-time.Hour), Priority: models.MailIncident}
	later := models.OutgoingMail{ID: models.NewID(noon), UserID: u.ID, Kind: "later", Recipient: "a@example.com", Sealed: []byte{1}, CreatedAt: noon.Add(-time.Hour), NextAt: noon.Add(time.Hour), Priority: models.MailRest}
	for _, m := range []models.OutgoingMail{first, later} {
		if err := s.AddMail(t.Context(), models.MailWithLinks{Mail: &m}); err != nil {
			t.Fatal(err)
		}
	}
	newID := map[string]string{
		"sqlite": "printf('00000000-0000-7000-8%%03d-%%012d', %[1]s, n)", "postgres": "('00000000-0000-7000-8' || lpad('%[1]s', 3, '0') || '-' || lpad(n::text, 12, '0'))::uuid",
	}[s.Dialect()]
	copies := func(kind, priority string, n int) {
		exec(t, s, fmt.Sprintf(`INSERT INTO mails (id, user_id, kind, recipient, box, created_at, next_at, tries, priority)
			WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < %d)
			SELECT %s, user_id, kind, recipient, box, created_at, next_at, 1, %s FROM mails, c WHERE kind = '%s' AND tries = 0`, n, fmt.Sprintf(newID, priority), priority, kind))
	}
	copies("incident", "3", 9_999)
	for _, priority := range []string{"0", "1", "2"} {
		copies("later", priority, 2_000)
	}
	exec(t, s, "ANALYZE")
}

func TestUrgentMailPassesAWallOfIncidentMails(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		wall(t, s)
		for i, priority := range []int64{models.MailRest, models.MailAsked, models.MailSecurity, models.MailRest} {
			m := models.OutgoingMail{ID: models.NewID(noon), Kind: fmt.Sprint(priority, i), Recipient: "b@example.com", Sealed: []byte{1}, CreatedAt: noon.Add(time.Duration(i) * time.Second), Priority: priority}
			if err := s.AddMail(t.Context(), models.MailWithLinks{Mail: &m}); err != nil {
				t.Fatal(err)
			}
		}
		now := noon.Add(time.Minute)
		var order []string
		for {
			if _, err := s.ClaimIncidentMail(t.Context(), fast, now, now.Add(time.Hour)); !errors.Is(err, models.ErrNotFound) {
				t.Fatalf("a mail about an incident goes while others are due: %v", err)
			}
			m, err := s.ClaimMail(t.Context(), models.MailRest, now, now.Add(time.Hour))
			if err != nil {
				t.Fatal(err)
			}
			if order = append(order, m.Kind); len(order) == 4 {
				break
			}
		}
		if got := strings.Join(order, ", "); got != "0 2, 1 1, 2 0, 2 3" {
			t.Errorf("in this order: %s", got)
		}
		if _, err := s.ClaimMail(t.Context(), models.MailRest, now, now.Add(time.Hour)); !errors.Is(err, models.ErrNotFound) {
			t.Errorf("another claim: %v", err)
		}
		m, err := s.ClaimIncidentMail(t.Context(), fast, now, now.Add(time.Hour))
		if err != nil || m.Kind != "incident" || m.Tries < 1 {
			t.Errorf("once nothing else is due: %+v, %v", m, err)
		}
		if n := count(t, s, "SELECT count(*) FROM (SELECT id FROM mails WHERE priority <= 2 AND kind = 'incident' LIMIT 1) AS m"); n != 0 {
			t.Error("the previous release, which claims up to priority 2, would send a mail about an incident")
		}
		classes, err := s.WaitingByClass(t.Context(), 9_000)
		if err != nil || classes[models.ClassIncident] != 9_000 || classes[models.ClassUrgent] != 4_002 || classes[models.ClassNormal] != 2_003 {
			t.Errorf("%v, %v", classes, err)
		}
		if box, err := s.Outbox(t.Context(), 10_000); err != nil || box.Waiting != 6_005 {
			t.Errorf("%+v, %v", box, err)
		}
	})
}

// A claim reads few rows, however long the outbox is.
func TestClaimsOfMailGoByIndexes(t *testing.T) {
	t.Parallel()
	modelstest.EachURL(t, func(t *testing.T, url string) {
		var mu sync.Mutex
		var sent []string
		s := migrated(t, models.Config{URL: url, OnStatement: func(sql string) {
			mu.Lock()
			defer mu.Unlock()
			sent = append(sent, sql)
		}})
		wall(t, s)
		crowdOfIncident(t, s, 500)
		exec(t, s, "ANALYZE")
		now := noon.Add(time.Minute)
		sent = nil
		if _, err := s.ClaimMail(t.Context(), models.MailRest, now, now); !errors.Is(err, models.ErrNotFound) {
			t.Fatal(err)
		}
		if _, err := s.ClaimIncidentMail(t.Context(), fast, now, now.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if _, err := s.WriteIncidentMails(t.Context(), now, composed); err != nil { // there is no room
			t.Fatal(err)
		}
		if len(sent) < 6 {
			t.Fatalf("only %d statements", len(sent))
		}
		for _, statement := range sent {
			if strings.HasPrefix(statement, "INSERT") {
				continue // by the primary key
			}
			var got string
			if s.Dialect() == "postgres" {
				got = plan(t, s, statement)
			} else {
				got = sqlitePlan(t, s, statement)
			}
			if strings.Contains(got, "Seq Scan") || strings.Contains(got, "SCAN mails") || strings.Contains(got, "SCAN incident") || strings.Contains(got, "Sort") && !strings.Contains(got, "Append") {
				t.Errorf("%s\n%s", statement, got)
			}
		}
	})
}

// Metrics ask for the oldest mail every few seconds, also while a mail server is down and very many mails wait.
func TestTheOldestMailIsFoundWithoutSorting(t *testing.T) {
	t.Parallel()
	modelstest.EachURL(t, func(t *testing.T, url string) {
		var mu sync.Mutex
		var sent []string
		s := migrated(t, models.Config{URL: url, OnStatement: func(sql string) {
			mu.Lock()
			defer mu.Unlock()
			sent = append(sent, sql)
		}})
		wall(t, s)
		sent = nil
		box, err := s.Outbox(t.Context(), 10_000)
		if err != nil || box.Waiting != 6_001 || !box.Oldest.Equal(noon.Add(-time.Hour)) {
			t.Fatalf("%+v, %v", box, err)
		}
		if late, err := s.LateMails(t.Context(), noon, 10_000); err != nil || late.Waiting != 6_000 || !late.Oldest.Equal(noon.Add(-time.Hour)) {
			t.Fatalf("%+v, %v", late, err)
		}
		sorted := 0
		for _, statement := range sent {
			if !strings.Contains(statement, "ORDER BY") {
				continue
			}
			got := ""
			if sorted++; s.Dialect() == "postgres" {
				got = plan(t, s, statement)
			} else {
				got = sqlitePlan(t, s, statement)
			}
			if strings.Contains(got, "Sort") || strings.Contains(got, "TEMP B-TREE") {
				t.Errorf("%s\n%s", statement, got)
			}
		}
		if sorted != 2 {
			t.Errorf("%d statements look for the oldest mail", sorted)
		}
	})
}

func sqlitePlan(t *testing.T, s *models.Store, statement string) string {
	t.Helper()
	rows, err := s.Pools()[0].QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+statement, make([]any, strings.Count(statement, "?"))...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var lines []string
	for rows.Next() {
		var id, parent, unused int
		var line string
		if err := rows.Scan(&id, &parent, &unused, &line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// Two replicas ask all the time for ten minutes. They get as many mails as the pace allows, and after a pause no more than the burst at once.
func TestReplicasKeepThePaceTogether(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		wall(t, s)
		pace := models.Pace{Every: 6 * time.Second, Burst: 4 * time.Second} // ten in a minute
		claims := func(from time.Time, every, long time.Duration) (n int) {
			t.Helper()
			for at := from; at.Before(from.Add(long)); at = at.Add(every) {
				for range 2 {
					_, err := s.ClaimIncidentMail(t.Context(), pace, at, at.Add(24*time.Hour))
					if err != nil && !errors.Is(err, models.ErrNotFound) {
						t.Fatal(err)
					}
					if err == nil {
						n++
					}
				}
			}
			return n
		}
		if n := claims(noon, 2*time.Second, 2*time.Minute); n != 20 && n != 21 {
			t.Errorf("%d mails in two minutes, ten in a minute allowed", n)
		}
		pace.Every = 200 * time.Millisecond // three hundred in a minute
		if n := claims(noon.Add(20*time.Minute), 4*time.Millisecond, 100*time.Millisecond); n != 21 {
			t.Errorf("%d mails at once after a pause, the burst has %d", n, pace.Burst/pace.Every)
		}
		if n := claims(noon.Add(20*time.Minute+time.Second), time.Second, 3*time.Second); n != 6 {
			t.Errorf("%d mails of two calls each in three seconds", n)
		}
		// A clock that was ahead by a day does not stop mail for a day.
		exec(t, s, "UPDATE mail_pace SET free_at = free_at + 86400000000")
		if n := claims(noon.Add(21*time.Minute), time.Second, time.Second); n == 0 {
			t.Error("no mail after a clock was wrong")
		}
	})
}

// A mail that the server put off leaves the outbox: those that cannot be sent do not fill it.
func TestAMailThatIsPutBackWaitsInTheList(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		crowdOfIncident(t, s, 2)
		write(t, s, noon)
		m, err := s.ClaimIncidentMail(t.Context(), fast, noon, noon.Add(time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		n := models.IncidentNotice{IncidentID: leak.IncidentID, UserID: m.UserID}
		for range 2 { // the second finds nothing
			if err := s.PutBackIncidentMail(t.Context(), m.ID, n, noon.Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		if got, mails := write(t, s, noon.Add(59*time.Minute)), count(t, s, incidentMails); got.Written != 0 || mails != 1 {
			t.Errorf("too early: %+v, %d mails", got, mails)
		}
		got := write(t, s, noon.Add(time.Hour))
		a, err := s.IncidentAccount(t.Context(), leak.IncidentID, m.UserID, noon)
		if got.Written != 1 || err != nil || a.Notice.Tries != 1 || count(t, s, "SELECT count(*) FROM mails WHERE id = ?", m.ID.String()) != 1 {
			t.Errorf("%+v, %+v, %v", got, a.Notice, err)
		}
	})
}
