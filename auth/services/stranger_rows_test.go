package services_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/account"
	"latchkey/auth/passwordcheck"
	"latchkey/auth/ratelimit"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// Wrong passwords for addresses without an account leave only a few rows in an hour, however many there are. The support staff's
// numbers count each of them.
func TestFailuresOfUnknownAccountsShareTheirEvents(t *testing.T) {
	const networks, each = 40, 10
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		_, sam := d.staff(t)
		for n := range networks {
			d.fail(t, each, fmt.Sprintf("invented%d@example.com", n), same(fmt.Sprintf("2001:db8:0:%x::1", n)))
			for i := range 3 {
				d.fail(t, 1, fmt.Sprintf("other%d-%d@example.com", n, i), same(fmt.Sprintf("2001:db8:0:%x::1", n)))
			}
		}
		events := d.eventsOfNoAccount(t)
		var times int64
		for _, e := range events {
			if times += 1 + e.More; e.IP != "" || e.UserAgent != "" || e.Kind != models.EventSignInFailed {
				t.Errorf("%+v", e)
			}
		}
		if len(events) > passwordcheck.UnknownSlots || times != networks*(each+3) {
			t.Errorf("%d failures left %d events that count %d", networks*(each+3), len(events), times)
		}
		numbers, err := d.Support.DailyStats(t.Context(), sam)
		if err != nil || numbers.Failed[len(numbers.Failed)-1] != networks*(each+3) {
			t.Errorf("the numbers: %v %v", numbers.Failed, err)
		}
		d.advance(time.Hour)
		d.fail(t, 1, "invented@example.com", same("192.0.2.1"))
		if after := d.eventsOfNoAccount(t); len(after) != len(events)+1 {
			t.Errorf("an hour later: %d events", len(after))
		}
		d.advance(time.Hour) // the counters have expired, and the next attempt removes them
		if _, err := store.SweepCounters(t.Context(), d.now()); err != nil {
			t.Fatal(err)
		}
		if left, err := store.Counters(t.Context(), d.Limits.SignInKeys("invented1@example.com", at("2001:db8:0:1::1")), d.now()); err != nil || len(left) != 0 {
			t.Errorf("counters are left: %v %v", left, err)
		}
		d.advance(passwordcheck.KeepFailures)
		if _, err := d.Operator.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if left := d.eventsOfNoAccount(t); len(left) != 0 {
			t.Errorf("%d events are left after 90 days", len(left))
		}
	})
}

// The first failures of an account have an event each, with its origin. A flood of failures does not fill the database.
func TestAFloodOfFailuresOfOneAccountSharesItsEvents(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		before := len(d.eventsOf(t, d.ada.ID))
		var want int64
		for range 4 { // a stranger with many networks, for an hour
			d.fail(t, ratelimit.MaxUserFailures, adaEmail, func(i int) auth.Caller { return at(fmt.Sprintf("198.51.100.%d", i/10)) })
			d.advance(ratelimit.AttemptWindow)
			want += ratelimit.MaxUserFailures
		}
		var alone, shared, times int64
		for _, e := range d.eventsOf(t, d.ada.ID)[:len(d.eventsOf(t, d.ada.ID))-before] {
			if times += 1 + e.More; e.More > 0 {
				shared++
			} else {
				alone++
			}
		}
		if alone != 4*passwordcheck.MaxFailureEvents || shared != 4 || times != want {
			t.Errorf("%d events alone and %d shared count %d of %d failures", alone, shared, times, want)
		}
		for range 15 {
			if err := d.Passwords.Confirm(t.Context(), d.ada, "not the password", with("", "192.0.2.1")); auth.AsError(err).Kind != auth.KindWrongPassword && auth.AsError(err).Kind != auth.KindRateLimited {
				t.Fatal(err)
			}
		}
	})
}

func TestAMailboxGetsThreeMailsHoweverItsAddressIsTagged(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		d.post(t)
		signup := func(email, ip string) auth.Kind {
			return raceKind(d.Accounts.Signup(t.Context(), account.SignupRequest{Email: email, Password: "nobody would guess it", From: at(ip)}))
		}
		ok := raceKind(nil)
		for i, c := range []struct {
			email, ip string
			want      auth.Kind
		}{
			{"bob+a@example.com", "192.0.2.1", ok}, {"BOB+b@example.com", "192.0.2.1", ok},
			{"bob@example.com", "192.0.2.1", auth.KindRateLimited}, // the third mail is left to others
			{"bob+a+b@example.com", "192.0.2.2", ok},
			{"bob+c@example.com", "192.0.2.3", auth.KindRateLimited},
			{"bob@example.org", "192.0.2.1", ok}, {"+bob@example.com", "192.0.2.1", ok}, {"bobby@example.com", "192.0.2.1", ok},
			{"eve@bücher.example", "192.0.2.4", ok}, {"eve@xn--bcher-kva.example", "192.0.2.5", ok}, {"eve+a@BÜCHER.example", "192.0.2.6", ok},
			{"eve@XN--BCHER-KVA.example", "192.0.2.7", auth.KindRateLimited}, // one domain, however it is written
		} {
			if kind := signup(c.email, c.ip); kind != c.want {
				t.Errorf("sign-up %d, %s from %s: %v, want %v", i+1, c.email, c.ip, kind, c.want)
			}
		}
	})
}

// eventsOfNoAccount lists the events of no account: on Citus they lie under many ids.
func (d *desk) eventsOfNoAccount(t *testing.T) (list []models.Event) {
	t.Helper()
	rows, err := d.store.Pools()[0].QueryContext(t.Context(), "SELECT DISTINCT user_id FROM events WHERE user_id <= '00000000-0000-0000-0000-00000000ffff'")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id uuid.UUID
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		list = append(list, d.eventsOf(t, id)...)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}
