package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"latchkey/auth/mail"
	"latchkey/auth/mail/mailtest"
	"latchkey/auth/services"
	"latchkey/models/modelstest"
)

// tellOfIncident makes n verified accounts, and notices that an incident ended three devices of each. The incident is of this moment.
func tellOfIncident(t *testing.T, database string, n int) {
	t.Helper()
	id, one := "printf('00000000-0000-7000-8000-%012d', n)", "TRUE"
	if !strings.HasPrefix(database, "sqlite:") {
		id = "('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid"
	}
	execAt(t, database, fmt.Sprintf(`INSERT INTO users (id, email, email_key, password_hash, password_changed_at, role, created_at, updated_at, email_verified)
		WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < %d)
		SELECT %s, 'told' || n || '@example.org', 'told' || n || '@example.org', 'hash', $1, 'user', $1, $1, %s FROM c`, n, id, one), time.Now().UTC())
	execAt(t, database, "INSERT INTO incident_texts (incident_id, words, at) VALUES ('0190a000-0000-7000-8000-000000000001', 'We have closed the gap', $1)", time.Now().UTC())
	execAt(t, database, `INSERT INTO incident_notices (incident_id, user_id, devices, queued_at, next_at)
		SELECT incident_id, users.id, 3, at, at FROM incident_texts, users WHERE users.email LIKE 'told%'`)
}

// The program is killed in the middle of the slices that it writes, and again while it sends. In the end each account has its mail: one
// message, however often a mail server whose yes was lost got it.
func TestCrashesWhileAnIncidentIsTold(t *testing.T) {
	t.Parallel()
	modelstest.EachURL(t, func(t *testing.T, database string) {
		server := mailtest.Start(t, false)
		settings := on(database, "LATCHKEY_SMTP_URL="+smtpURL(server), "LATCHKEY_MAIL_FROM=no-reply@id.example.com", "LATCHKEY_INCIDENT_MAIL_RATE=60000")
		launch(t, on(database), "migrate").end(t, time.Minute)
		const accounts = 250
		tellOfIncident(t, database, accounts)
		db := openAt(t, database).Pools()[0]
		killWhen := func(what string, ready func() bool) {
			t.Helper()
			child := launch(t, settings, "serve")
			child.url(t)
			eventually(t, time.Minute, what, ready)
			if err := child.cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			child.end(t, time.Minute)
		}
		killWhen("the first slice is written", func() bool { return crashNumber(t, db, "SELECT count(*) FROM mails") > 0 })
		written, listed := crashNumber(t, db, "SELECT count(*) FROM mails"), crashNumber(t, db, "SELECT count(*) FROM incident_notices WHERE next_at IS NULL")
		t.Logf("killed with %d mails written, %d sent", written, len(server.Mails()))
		if taken := int64(len(server.Mails())); written > listed || written+taken < listed {
			t.Errorf("%d mails in the outbox, %d sent, and %d accounts that are noted as told", written, taken, listed)
		}
		killWhen("some are sent", func() bool { return len(server.Mails()) >= 40 })
		next := defaults(t, database)
		next.SMTPURL, next.MailFrom, next.IncidentRate = smtpURL(server), "no-reply@id.example.com", 60_000
		later := func(c *services.Config) { c.Now = func() time.Time { return time.Now().Add(3 * time.Minute) } } // claims of the dead are over
		p := serveWith(t, next, later)
		to, ids := map[string]bool{}, map[string]bool{}
		eventually(t, 2*time.Minute, "all are told", func() bool {
			return crashNumber(t, db, "SELECT count(*) FROM mails") == 0 && crashNumber(t, db, "SELECT count(*) FROM incident_notices WHERE next_at IS NOT NULL") == 0
		})
		mails := server.Mails()
		for _, m := range mails {
			parsed, err := mail.Parse(m.Data)
			if err != nil {
				t.Fatal(err)
			}
			to[m.To], ids[parsed.ID] = true, true
		}
		t.Logf("%d mails to %d accounts under %d ids, with two crashes", len(mails), len(to), len(ids))
		if len(to) != accounts || len(ids) != accounts || len(mails) > accounts+2 {
			t.Errorf("%d mails to %d accounts under %d ids", len(mails), len(to), len(ids))
		}
		m, err := mail.Parse(mails[0].Data)
		host := strings.TrimPrefix(p.URL(), "http://")
		if err != nil || !strings.Contains(m.Text, "We have closed the gap") || !strings.Contains(m.Text, "3 of your devices") || strings.Contains(m.Text+m.HTML, "http") {
			t.Errorf("%v: %+v", err, m)
		}
		if last, err := mail.Parse(mails[len(mails)-1].Data); err != nil || !strings.Contains(last.Text, host) {
			t.Errorf("it does not say which service: %+v, %v", last, err)
		}
	})
}

func TestDoctorKnowsMailsAboutIncidents(t *testing.T) {
	t.Setenv("LATCHKEY_ADDR", "127.0.0.1:1")
	modelstest.EachMigrated(t, func(t *testing.T, url string) {
		tellOfIncident(t, url, 2)
		execAt(t, url, `INSERT INTO mails (id, user_id, kind, recipient, box, created_at, next_at, tries, priority)
			SELECT user_id, user_id, 'incident', 'a@example.org', $1, $2, $2, 0, 3 FROM incident_notices`, []byte{1}, time.Now().UTC().Add(-time.Hour))
		askDoctor(t, url).want(t, "outbox", levelOK)
		t.Setenv("LATCHKEY_INCIDENT_MAIL_RATE", "0")
		askDoctor(t, url).want(t, "outbox", levelWarning, "2 accounts not told", "LATCHKEY_INCIDENT_MAIL_RATE")
	})
}
