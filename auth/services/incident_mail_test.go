package services_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"latchkey/auth/mail"
	"latchkey/auth/mail/mailtest"
	"latchkey/auth/notify"
	"latchkey/auth/services"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// incidentOf makes n verified accounts, each with two devices that an incident ended, and lets rate mails a minute tell them.
func (d *desk) incidentOf(t *testing.T, n, rate int) {
	t.Helper()
	if modelstest.OnCitus() {
		t.Skip("incidents are refused on Citus")
	}
	d.change(t, func(c *services.Config) { c.IncidentMailRate = rate })
	id := map[string]string{"sqlite": "printf('00000000-0000-7000-8000-%012d', n)", "postgres": "('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid"}[d.store.Dialect()]
	for _, statement := range []string{
		fmt.Sprintf(`INSERT INTO users (id, email, email_key, password_hash, password_changed_at, role, created_at, updated_at, email_verified)
			WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < %d)
			SELECT %s, 'told' || n || '@example.org', 'told' || n || '@example.org', password_hash, created_at, role, created_at, created_at, TRUE
			FROM users, c WHERE users.email = 'ada@example.com'`, n, id),
		`INSERT INTO incident_texts (incident_id, words, at) SELECT '0190a000-0000-7000-8000-000000000001', 'We are sorry', created_at FROM users WHERE email = 'ada@example.com'`,
		`INSERT INTO incident_notices (incident_id, user_id, devices, queued_at, next_at) SELECT incident_id, id, 2, at, at FROM incident_texts, users WHERE email LIKE 'told%'`,
	} {
		if _, err := d.store.Pools()[0].ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// tell writes and sends mails about the incident for some time, with what the rate allows.
func (d *desk) tell(t *testing.T, long time.Duration) {
	t.Helper()
	for end := d.now().Add(long); d.now().Before(end); d.advance(2 * time.Second) {
		if _, err := d.Notify.WriteIncidentMails(t.Context()); err != nil {
			t.Fatal(err)
		}
		for more := true; more; {
			var err error
			if more, err = d.Notify.SendNextIncident(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// aboutIncident counts the mails about the incident that the server took, and the accounts that got them.
func aboutIncident(t *testing.T, server *mailtest.Server) (mails, accounts, messages int) {
	t.Helper()
	to, ids := map[string]bool{}, map[string]bool{}
	for _, m := range server.Mails() {
		if strings.HasPrefix(m.To, "told") {
			parsed, err := mail.Parse(m.Data)
			if err != nil {
				t.Fatal(err)
			}
			mails++
			to[m.To], ids[parsed.ID] = true, true
		}
	}
	return mails, len(to), len(ids)
}

func TestAnIncidentsMailsKeepTheirRate(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		server := d.post(t)
		d.incidentOf(t, 120, 30)
		d.tell(t, time.Minute)
		if n, _, _ := aboutIncident(t, server); n < 30 || n > 33 { // and those of the burst of four seconds
			t.Errorf("%d mails in a minute, 30 are allowed", n)
		}
		d.tell(t, 10*time.Minute)
		if mails, accounts, _ := aboutIncident(t, server); mails != 120 || accounts != 120 {
			t.Errorf("%d mails to %d accounts", mails, accounts)
		}
		if sent := d.Notify.Incidents().Count(notify.IncidentSent); sent != 120 {
			t.Errorf("%d counted", sent)
		}
		// At the rate of 0 none is written or sent.
		if _, err := store.Pools()[0].ExecContext(t.Context(), "UPDATE incident_notices SET next_at = queued_at"); err != nil {
			t.Fatal(err)
		}
		d.change(t, func(c *services.Config) { c.IncidentMailRate = 0 })
		d.tell(t, 2*time.Second)
		if n := d.waiting(t, store); n != 0 {
			t.Errorf("%d mails wait at the rate of 0", n)
		}
	})
}

// The journey of a person who forgot the password while thousands are told of an incident, over SMTP: the reset does not wait, although the server
// takes the mails about the incident very slowly.
func TestAResetPassesAWallOfIncidentMails(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		never := make(chan struct{})
		var stuck atomic.Int32
		server := mailtest.Start(t, false)
		d.postTo(t, server)
		server.Fail(func(to string) error {
			if strings.HasPrefix(to, "told") && stuck.Add(1) > 3 {
				<-never
			}
			return nil
		}, nil, nil)
		d.incidentOf(t, 1200, 60_000)
		ctx, stop := context.WithCancel(t.Context())
		var replicas sync.WaitGroup
		for range 2 {
			replicas.Go(func() { d.Notify.Run(ctx) })
		}
		defer replicas.Wait()
		defer stop()
		defer close(never)
		soon(t, "both replicas send mails about the incident", func() bool { return stuck.Load() >= 5 })
		if n := d.waiting(t, store); n > models.MaxIncidentMails {
			t.Errorf("%d mails wait", n)
		}
		if err := d.Accounts.RequestPasswordReset(t.Context(), adaEmail, at("192.0.2.1")); err != nil {
			t.Fatal(err)
		}
		if err := d.signup(t, "stranger@example.org", 1); err != nil {
			t.Fatal(err)
		}
		d.Notify.Wake()
		arrived := func(to string) func() bool {
			return func() bool {
				return slices.ContainsFunc(server.Mails(), func(m mailtest.Mail) bool { return m.To == to })
			}
		}
		soon(t, "the reset arrives", arrived(adaEmail))
		soon(t, "a sign-up arrives", arrived("stranger@example.org"))
		if n, _, _ := aboutIncident(t, server); n != 3 {
			t.Errorf("%d mails about the incident arrived", n)
		}
	})
}

// A mail about an incident that is due again does not go before another one that is due.
func TestAnIncidentsMailWaitsForAllOthers(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		server := d.post(t)
		d.incidentOf(t, 3, 60_000)
		server.Fail(func(string) error { return &smtp.SMTPError{Code: 450, Message: "later"} }, nil, nil)
		d.tell(t, 2*time.Second)
		if n := d.Notify.Incidents().Count(notify.IncidentPutBack); n != 3 || d.waiting(t, store) != 0 {
			t.Errorf("%d mails were put back, %d wait in the outbox", n, d.waiting(t, store))
		}
		server.Fail(nil, nil, nil)
		d.advance(time.Hour)
		if _, err := d.Notify.WriteIncidentMails(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := d.signup(t, "stranger@example.org", 1); err != nil {
			t.Fatal(err)
		}
		if sent, err := d.Notify.SendNextIncident(t.Context()); sent || err != nil {
			t.Errorf("sent before a sign-up: %v, %v", sent, err)
		}
		d.sendAll(t)
		d.tell(t, 2*time.Second)
		if mails, accounts, _ := aboutIncident(t, server); mails != 3 || accounts != 3 || server.Mails()[0].To != "stranger@example.org" {
			t.Errorf("%d mails to %d accounts", mails, accounts)
		}
	})
}

func TestAnIncidentsMailIsSentForSevenDays(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		server := d.post(t)
		d.incidentOf(t, 4, 60_000)
		server.Fail(func(to string) error {
			if strings.HasPrefix(to, "told1@") {
				return &smtp.SMTPError{Code: 550, Message: "no such person"}
			}
			return &smtp.SMTPError{Code: 450, Message: "later"}
		}, nil, nil)
		for range 6 {
			d.tell(t, 2*time.Second)
			d.advance(24 * time.Hour)
		}
		if n := d.Notify.GivenUp(); n != 1 {
			t.Errorf("%d mails were given up: only the one that the server refused for good is", n)
		}
		server.Fail(nil, nil, nil)
		if _, err := d.Notify.WriteIncidentMails(t.Context()); err != nil {
			t.Fatal(err)
		}
		if sent, err := d.Notify.SendNextIncident(t.Context()); !sent || err != nil {
			t.Fatal(sent, err)
		}
		if n, _, _ := aboutIncident(t, server); n != 1 {
			t.Errorf("%d mails on the sixth day", n)
		}
		d.advance(24 * time.Hour)
		if sent, err := d.Notify.SendNextIncident(t.Context()); !sent || err != nil {
			t.Fatal(sent, err)
		}
		if n, _, _ := aboutIncident(t, server); n != 1 || d.Notify.Incidents().Count(notify.IncidentDropped) != 1 {
			t.Errorf("%d mails after seven days, %d dropped", n, d.Notify.Incidents().Count(notify.IncidentDropped))
		}
		if _, err := d.Operator.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		var left int
		if err := store.Pools()[0].QueryRowContext(t.Context(), "SELECT count(*) FROM incident_notices").Scan(&left); err != nil || left != 0 {
			t.Errorf("%d rows are left, %v", left, err)
		}
	})
}

// Two replicas tell each account once, or, where the server's yes was lost, once more under the same Message-ID.
func TestReplicasTellEachAccountOfAnIncidentOnce(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		server := d.post(t)
		var n atomic.Int32
		every := func(which int32) func() error {
			return func() error {
				if n.Add(1)%which == 0 {
					return mailtest.ErrHangUp
				}
				return nil
			}
		}
		server.Fail(nil, every(7), every(11))
		d.incidentOf(t, 60, 60_000)
		var replicas sync.WaitGroup
		for range 2 {
			replicas.Go(func() {
				for range 150 {
					if _, err := d.Notify.WriteIncidentMails(t.Context()); err != nil {
						t.Error(err)
						return
					}
					for more := true; more; {
						var err error
						if more, err = d.Notify.SendNextIncident(t.Context()); err != nil {
							t.Error(err)
							return
						}
					}
					d.advance(2 * time.Second)
				}
			})
		}
		replicas.Wait()
		mails, accounts, messages := aboutIncident(t, server)
		t.Logf("%d mails to %d accounts", mails, accounts)
		if accounts != 60 || messages != 60 || d.waiting(t, store) != 0 {
			t.Errorf("%d accounts, %d messages, %d wait", accounts, messages, d.waiting(t, store))
		}
	})
}
