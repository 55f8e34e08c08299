package models_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// leak is the incident of these tests.
var leak = models.IncidentText{IncidentID: uuid.MustParse("0190a000-0000-7000-8000-000000000001"), Words: "We are sorry", At: noon}

// crowdOfIncident makes n verified accounts that are to be told of the leak, each about two devices.
func crowdOfIncident(t *testing.T, s *models.Store, n int) {
	t.Helper()
	if err := s.TellOfIncident(t.Context(), leak); err != nil {
		t.Fatal(err)
	}
	u := addUser(t, s)
	id := map[string]string{"sqlite": "printf('00000000-0000-7000-8000-%012d', n)", "postgres": "('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid"}[s.Dialect()]
	exec(t, s, fmt.Sprintf(`INSERT INTO users (id, email, email_key, password_hash, password_changed_at, role, created_at, updated_at, email_verified)
		WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < %d)
		SELECT %s, n || '@example.org', n || '@example.org', 'hash', created_at, role, created_at, created_at, TRUE FROM users, c WHERE users.id = ?`, n, id), u.ID.String())
	exec(t, s, `INSERT INTO incident_notices (incident_id, user_id, devices, queued_at, next_at) SELECT incident_id, users.id, 2, at, at FROM incident_texts, users WHERE email_verified`)
}

// memberOf is an account of crowdOfIncident.
func memberOf(n int) uuid.UUID {
	return uuid.MustParse(fmt.Sprintf("00000000-0000-7000-8000-%012d", n))
}

func composed(a models.IncidentAccount) models.OutgoingMail {
	return models.OutgoingMail{ID: uuid.NewSHA1(a.Notice.IncidentID, a.Notice.UserID[:]), Kind: "incident", Sealed: []byte{1}}
}

// write moves slices until nothing is moved any more, and returns how many mails it wrote.
func write(t *testing.T, s *models.Store, at time.Time) (all models.IncidentSlice) {
	t.Helper()
	for {
		done, err := s.WriteIncidentMails(t.Context(), at, composed)
		if err != nil {
			t.Fatal(err)
		}
		if done == (models.IncidentSlice{}) {
			return all
		}
		all.Written, all.Skipped, all.Dropped = all.Written+done.Written, all.Skipped+done.Skipped, all.Dropped+done.Dropped
	}
}

const (
	incidentMails   = "SELECT count(*) FROM mails WHERE priority = 3"
	waitingAccounts = "SELECT count(*) FROM incident_notices WHERE next_at IS NOT NULL"
)

// fast lets every claim have a mail.
var fast = models.Pace{Every: time.Microsecond, Burst: time.Second}

func TestAtMostAThousandIncidentMailsWait(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		crowdOfIncident(t, s, 1250)
		if got := write(t, s, noon); got.Written != models.MaxIncidentMails {
			t.Errorf("%+v", got)
		}
		exec(t, s, "DELETE FROM mails WHERE id IN (SELECT id FROM mails LIMIT 99)")
		if got := write(t, s, noon); got.Written != 0 {
			t.Errorf("with room for less than a slice: %+v", got)
		}
		exec(t, s, "DELETE FROM mails WHERE id IN (SELECT id FROM mails LIMIT 1)")
		if got, n := write(t, s, noon), count(t, s, incidentMails); got.Written != 100 || n != models.MaxIncidentMails {
			t.Errorf("with room for a slice: %+v, %d wait", got, n)
		}
		exec(t, s, "DELETE FROM mails")
		if got, n := write(t, s, noon), count(t, s, waitingAccounts); got.Written != 150 || n != 0 {
			t.Errorf("the rest: %+v, %d accounts wait", got, n)
		}
		exec(t, s, "DELETE FROM mails")
		if got := write(t, s, noon.Add(time.Hour)); got.Written != 0 {
			t.Errorf("a second mail to an account: %+v", got)
		}
	})
}

// Several replicas fill the outbox at once, and each process may die in the middle of a slice.
func TestReplicasWriteOneMailToEachAccount(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		crowdOfIncident(t, s, 1150)
		func() { // a process that dies in the middle of a slice
			defer func() { _ = recover() }()
			n := 0
			_, _ = s.WriteIncidentMails(t.Context(), noon, func(a models.IncidentAccount) models.OutgoingMail {
				if n++; n == 50 {
					panic("killed")
				}
				return composed(a)
			})
			t.Error("it lives")
		}()
		if n := count(t, s, incidentMails); n != 0 {
			t.Errorf("%d mails of half a slice", n)
		}
		if n := count(t, s, waitingAccounts); n != 1150 {
			t.Errorf("%d accounts wait after half a slice", n)
		}
		var replicas sync.WaitGroup
		for range 4 {
			replicas.Go(func() {
				for {
					done, err := s.WriteIncidentMails(t.Context(), noon, composed)
					if err != nil {
						t.Error(err)
					}
					if err != nil || done == (models.IncidentSlice{}) {
						return
					}
				}
			})
		}
		replicas.Wait()
		if n := count(t, s, incidentMails); n != models.MaxIncidentMails {
			t.Errorf("%d mails wait", n)
		}
		if n := count(t, s, "SELECT count(DISTINCT user_id) FROM mails"); n != models.MaxIncidentMails {
			t.Errorf("they are for %d accounts", n)
		}
		if n := count(t, s, waitingAccounts); n != 150 {
			t.Errorf("%d accounts wait", n)
		}
	})
}

func TestAnAccountThatMustNotBeToldIsSkipped(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		crowdOfIncident(t, s, 5)
		exec(t, s, "UPDATE users SET email_verified = FALSE WHERE email = '1@example.org'")
		exec(t, s, "UPDATE users SET disabled_at = created_at WHERE email = '2@example.org'")
		exec(t, s, "DELETE FROM users WHERE email = '3@example.org'")
		exec(t, s, "UPDATE users SET email_verified = FALSE, email_since = created_at WHERE email = '4@example.org'") // by an earlier release
		if got, n := write(t, s, noon), count(t, s, "SELECT count(*) FROM incident_notices"); got != (models.IncidentSlice{Written: 2, Skipped: 3}) || n != 2 {
			t.Errorf("%+v, %d notices are left", got, n)
		}
		if n := count(t, s, "SELECT count(*) FROM mails WHERE recipient IN ('4@example.org', '5@example.org') AND kind = 'incident'"); n != 2 {
			t.Errorf("%d mails have their recipient", n)
		}
	})
}

func TestADeletedAccountLeavesNoMailAboutAnIncident(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		told, waiting := addUser(t, s), addUser(t, s)
		exec(t, s, "UPDATE users SET email_verified = TRUE")
		notice := func(u models.User) models.IncidentNotice {
			return models.IncidentNotice{IncidentID: leak.IncidentID, UserID: u.ID, Devices: 1, QueuedAt: noon}
		}
		if err := s.TellOfIncident(t.Context(), leak, notice(told)); err != nil {
			t.Fatal(err)
		}
		if got := write(t, s, noon); got.Written != 1 {
			t.Fatalf("%+v", got)
		}
		if err := s.TellOfIncident(t.Context(), leak, notice(waiting)); err != nil {
			t.Fatal(err)
		}
		for _, u := range []models.User{told, waiting} {
			if err := deleteWhole(t, s, deletion(u, noon)); err != nil {
				t.Fatal(err)
			}
		}
		if n := count(t, s, "SELECT (SELECT count(*) FROM mails WHERE kind = 'incident') + (SELECT count(*) FROM incident_notices)"); n != 0 {
			t.Errorf("%d rows are left", n)
		}
	})
}

func TestANoticeCountsTheDevicesOfAllItsTransactions(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		exec(t, s, "UPDATE users SET email_verified = TRUE")
		n := models.IncidentNotice{IncidentID: leak.IncidentID, UserID: u.ID, Devices: 2, QueuedAt: noon}
		if err := s.TellOfIncident(t.Context(), leak, n, n); err != nil {
			t.Fatal(err)
		}
		n.Devices, n.QueuedAt = 3, noon.Add(time.Minute)
		if err := s.TellOfIncident(t.Context(), models.IncidentText{IncidentID: leak.IncidentID, Words: "other words", At: noon.Add(time.Hour)}, n); err != nil {
			t.Fatal(err)
		}
		write(t, s, noon)
		a, err := s.IncidentAccount(t.Context(), leak.IncidentID, u.ID, noon)
		if err != nil || a.Notice.Devices != 7 || a.Text.Words != leak.Words || !a.Text.At.Equal(noon) || !a.Notice.QueuedAt.Equal(noon) || a.Notice.NextAt != nil {
			t.Errorf("%+v, %v", a, err)
		}
		if err := s.TellOfIncident(t.Context(), leak, n); err != nil { // after its mail
			t.Fatal(err)
		}
		if got := write(t, s, noon); got.Written != 0 {
			t.Errorf("a second mail: %+v", got)
		}
	})
}

func TestAfterSevenDaysAnIncidentIsDropped(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		crowdOfIncident(t, s, 130)
		if done, err := s.WriteIncidentMails(t.Context(), noon, composed); err != nil || done.Written != 100 {
			t.Fatal(done, err)
		}
		exec(t, s, "DELETE FROM mails WHERE id IN (SELECT id FROM mails LIMIT 60)") // sent
		end := noon.Add(models.IncidentLife)
		if dropped, deleted, err := s.DropIncidents(t.Context(), end.Add(-time.Second)); dropped != 0 || deleted != 0 || err != nil {
			t.Error(dropped, deleted, err)
		}
		if _, err := s.IncidentAccount(t.Context(), leak.IncidentID, memberOf(1), end.Add(-time.Second)); err != nil {
			t.Error(err)
		}
		if _, err := s.IncidentAccount(t.Context(), leak.IncidentID, memberOf(1), end); !errors.Is(err, models.ErrNotFound) {
			t.Error(err)
		}
		// Where the sweep is late, nothing is written any more.
		exec(t, s, "UPDATE incident_notices SET next_at = queued_at WHERE user_id = ?", memberOf(1).String())
		got := write(t, s, end)
		if got.Written != 0 || got.Dropped < 30 {
			t.Errorf("%+v", got)
		}
		dropped, deleted, err := s.DropIncidents(t.Context(), end.Add(time.Second))
		if err != nil || dropped != 40 || int(deleted) != 40+130-got.Dropped {
			t.Errorf("%d dropped, %d deleted, %v", dropped, deleted, err)
		}
		if n := count(t, s, "SELECT (SELECT count(*) FROM mails) + (SELECT count(*) FROM incident_notices) + (SELECT count(*) FROM incident_texts)"); n != 1 {
			t.Errorf("%d rows are left, the text stays", n)
		}
	})
}

// Notices without a text cannot be; if there are some, they must not keep others waiting.
func TestANoticeWithoutATextIsDropped(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		crowdOfIncident(t, s, 3)
		exec(t, s, "DELETE FROM incident_texts")
		if got := write(t, s, noon); got != (models.IncidentSlice{Dropped: 3}) {
			t.Errorf("%+v", got)
		}
	})
}
