package services_test

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/services"
	"latchkey/auth/stats"
	"latchkey/auth/support"
	"latchkey/models"
	"latchkey/models/modelstest"
)

const (
	samEmail    = "sam@example.com"
	samPassword = "somebody has to help them"
)

// browser signs in on the portal and returns the cookie's key and the session.
func (d *desk) browser(t *testing.T, email, password string) (browser.Key, *browser.Session) {
	t.Helper()
	key, err := d.SignIn.LoginBrowser(t.Context(), browser.Login{Email: email, Password: password, From: at("192.0.2.1")})
	if err != nil {
		t.Fatal(err)
	}
	session, err := d.Browsers.Authenticate(t.Context(), key, at("192.0.2.1"))
	if err != nil {
		t.Fatal(err)
	}
	return key, session
}

// staff signs in sam of the support staff.
func (d *desk) staff(t *testing.T) (browser.Key, *browser.Session) {
	t.Helper()
	if _, err := d.Operator.AddUser(t.Context(), samEmail, samPassword, models.RoleSupport); err != nil {
		t.Fatal(err)
	}
	return d.browser(t, samEmail, samPassword)
}

func kindOf(err error) auth.Kind {
	if err == nil {
		return -1
	}
	return auth.AsError(err).Kind
}

func (d *desk) eventsOf(t *testing.T, user uuid.UUID) []models.Event {
	t.Helper()
	list, err := d.store.Events(t.Context(), user, models.EventCursor{}, 100)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestTheStaffsBrowsersIdleOutByTheShorterLimit(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		if _, err := d.Operator.AddUser(t.Context(), samEmail, samPassword, models.RoleSupport); err != nil {
			t.Fatal(err)
		}
		for _, who := range []struct {
			name            string
			configured      time.Duration
			email, password string
			want            time.Duration
		}{
			{"staff", 24 * time.Hour, samEmail, samPassword, 30 * time.Minute},
			{"staff under a shorter limit", 10 * time.Minute, samEmail, samPassword, 10 * time.Minute},
			{"a user", 24 * time.Hour, adaEmail, adaPassword, 24 * time.Hour},
			{"a user under a shorter limit", 10 * time.Minute, adaEmail, adaPassword, 10 * time.Minute},
		} {
			d.change(t, func(c *services.Config) { c.BrowserIdle = who.configured })
			for after, want := range map[time.Duration]auth.Kind{who.want - time.Second: -1, who.want: auth.KindSignedOut} {
				key, by := d.browser(t, who.email, who.password)
				d.advance(after)
				list, err := d.Devices.List(t.Context(), by)
				listed := false
				for _, l := range list {
					listed = listed || l.ID == key.DeviceID
				}
				if err != nil || listed != (want == -1) {
					t.Errorf("%s, unseen for %v: in the list of devices: %v, %v", who.name, after, listed, err)
				}
				if _, err := d.Browsers.Authenticate(t.Context(), key, at("192.0.2.1")); kindOf(err) != want {
					t.Errorf("%s, unseen for %v: kind %d, want %d", who.name, after, kindOf(err), want)
				}
			}
		}
	})
}

func TestAnIdleBrowserOfTheStaffGivesItsNameBack(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		_, sams := d.staff(t)
		_, adas := d.browser(t, adaEmail, adaPassword)
		d.advance(30 * time.Minute)
		_, again := d.browser(t, samEmail, samPassword)
		if again.Device.Name != sams.Device.Name {
			t.Errorf("sam's new browser is %q, the idle one was %q", again.Device.Name, sams.Device.Name)
		}
		if _, again = d.browser(t, adaEmail, adaPassword); again.Device.Name == adas.Device.Name {
			t.Errorf("ada's new browser is %q like the one that is live", again.Device.Name)
		}
	})
}

// The time when a browser was last seen is written once a minute at most. A person who clicks all day must not be signed out.
func TestStaffAtWorkAreNotSignedOut(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		key, _ := d.staff(t)
		for _, pause := range []time.Duration{59 * time.Second, time.Second, 29 * time.Minute, 59 * time.Second, 29 * time.Minute, time.Minute, 28 * time.Minute} {
			d.advance(pause)
			if _, err := d.Browsers.Authenticate(t.Context(), key, at("192.0.2.1")); err != nil {
				t.Fatalf("after a pause of %v: %v", pause, err)
			}
		}
	})
}

func TestTheRoleDecidesAtEachLook(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		key, by := d.staff(t)
		calls := map[string]func() error{
			"a search": func() error { _, err := d.Support.Search(t.Context(), by, support.Query{Text: "ada"}); return err },
			"a look": func() error {
				_, err := d.Support.ViewAccount(t.Context(), by, support.View{ID: d.ada.ID.String()})
				return err
			},
			"numbers": func() error { _, err := d.Support.DailyStats(t.Context(), by); return err },
		}
		for _, role := range []string{models.RoleSupport, models.RoleUser, models.RoleSupport} {
			if err := d.Operator.SetRole(t.Context(), samEmail, role); err != nil {
				t.Fatal(err)
			}
			var err error
			if by, err = d.Browsers.Authenticate(t.Context(), key, at("192.0.2.1")); err != nil {
				t.Fatal(err)
			}
			for name, call := range calls {
				want := map[string]auth.Kind{models.RoleSupport: -1, models.RoleUser: auth.KindNotFound}[role]
				if got := kindOf(call()); got != want || by.Support() != (want == -1) {
					t.Errorf("%s as %s: kind %d, want %d", name, role, got, want)
				}
			}
		}
	})
}

func TestASearchThatTakesTooLongIsRecordedAndGivenUp(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		_, by := d.staff(t)
		d.Support.Patience = time.Nanosecond
		found, err := d.Support.Search(t.Context(), by, support.Query{Text: "ada"})
		if err != nil || !found.TooSlow || len(found.People) > 0 {
			t.Errorf("%+v %v", found, err)
		}
		d.advance(time.Second)
		if _, err := d.Support.ViewAccount(t.Context(), by, support.View{ID: d.ada.ID.String()}); kindOf(err) != auth.KindUnavailable {
			t.Errorf("a look: %v", err)
		}
		if _, err := d.Support.DailyStats(t.Context(), by); kindOf(err) != auth.KindUnavailable {
			t.Errorf("numbers: %v", err)
		}
		if e := d.eventsOf(t, d.ada.ID)[0]; e.Kind != models.EventSeenBySupport {
			t.Errorf("the look was not recorded: %+v", e)
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		d.Support.Patience = time.Minute
		if found, err := d.Support.Search(gone, by, support.Query{Text: "ada"}); kindOf(err) != auth.KindUnavailable || found.TooSlow {
			t.Errorf("whoever hung up: %+v %v", found, err)
		}
	})
}

func TestWhatIsSearchedForIsRecordedWithinBounds(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		_, by := d.staff(t)
		for _, c := range []struct {
			q    support.Query
			want string // "": refused
		}{
			{support.Query{Text: "  Ada "}, "Ada"},
			{support.Query{Text: "ada", Kind: models.KindApp, Live: models.OnlyEnded, Seen: "week", After: "x"}, "ada · apps · ended · seen within a week · further"},
			{support.Query{Text: "ada", Kind: "apps", Live: "x", Seen: "year"}, "ada"},
			{support.Query{Text: strings.Repeat("ä", 254)}, strings.Repeat("ä", 254)},
			{support.Query{Text: strings.Repeat("ä", 255)}, ""},
			{support.Query{Text: " "}, ""}, {support.Query{Text: "a\x7f"}, ""}, {support.Query{Text: "\xff"}, ""},
			{support.Query{Text: "lk1.AAAA"}, ""}, {support.Query{Text: "eyJh.eyJ.x"}, ""},
		} {
			d.advance(time.Second)
			before := len(d.eventsOf(t, by.User.ID))
			_, err := d.Support.Search(t.Context(), by, c.q)
			list := d.eventsOf(t, by.User.ID)
			if c.want == "" {
				if kindOf(err) != auth.KindInvalidRequest || len(list) != before {
					t.Errorf("%q: %v, %d events", c.q.Text, err, len(list)-before)
				}
			} else if err != nil || list[0].Kind != models.EventSupportSearched || list[0].Detail != c.want || list[0].Actor != models.ActorSupport {
				t.Errorf("%q: %v %+v", c.q.Text, err, list[0])
			}
		}
	})
}

// waitForCounts waits until so many days were counted, and until all are kept that were begun.
func waitForCounts(t *testing.T, store *models.Store, look func(), counted func() int64, want int64) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		look() // the count of the step before may just have been ending when this step looked
		days, _, err := store.CountedDays(t.Context(), 0, 1<<40)
		if err != nil {
			t.Fatal(err)
		}
		begun := func(d models.CountedDay) bool { return d.CountedAt == nil || !d.CountedAt.Equal(d.BegunAt) }
		if counted() >= want && !slices.ContainsFunc(days, begun) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d days were counted, want %d: %+v", counted(), want, days)
		}
	}
}

func TestTheNumbersAreCountedOnceAMinute(t *testing.T) {
	modelstest.EachMigrated(t, func(t *testing.T, url string) {
		var counts atomic.Int64
		store, err := models.Open(t.Context(), models.Config{URL: url, OnStatement: func(sql string) {
			if strings.Contains(sql, "count(*) AS n FROM events") {
				counts.Add(1)
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = store.Close() })
		if _, err := store.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		d := newDesk(t, store)
		_, by := d.staff(t)
		// Each step says how many days are counted: those that never were before the answer, and others behind it.
		for i, step := range []struct {
			after time.Duration
			want  int64
		}{{0, stats.Days}, {59 * time.Second, 0}, {time.Second, 1}, {-time.Hour, stats.Days}, {time.Second, 0}, {24 * time.Hour, 2}} {
			d.advance(step.after)
			before := counts.Load()
			look := func() {
				n, err := d.Support.DailyStats(t.Context(), by)
				if err != nil || len(n.Days) != stats.Days || !n.Days[stats.Days-1].Equal(d.now().Truncate(24*time.Hour)) {
					t.Errorf("step %d: %v, %v", i, err, n.Days)
				}
			}
			look()
			waitForCounts(t, store, look, counts.Load, before+step.want)
			if n := counts.Load() - before; n != step.want {
				t.Errorf("step %d: %d days were counted, want %d", i, n, step.want)
			}
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		d.advance(time.Hour)
		if n, err := d.Support.DailyStats(gone, by); err != nil || len(n.Days) == 0 {
			t.Errorf("whoever hung up failed the others: %v", err)
		}
	})
}

func TestTheNumbersAddUp(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		_, by := d.staff(t)
		midnight := d.now().Truncate(24 * time.Hour)
		for _, e := range []struct {
			kind models.EventKind
			at   time.Time
		}{
			{models.EventSignInFailed, midnight}, {models.EventSignInFailed, midnight.Add(-time.Microsecond)}, {models.EventDeviceReused, midnight.Add(-29 * 24 * time.Hour)},
			{models.EventDeviceReused, midnight.Add(-29*24*time.Hour - time.Microsecond)}, {models.EventDeviceRevoked, midnight}, {models.EventDevicesRevoked, midnight},
		} {
			if err := store.AddEvent(t.Context(), models.Event{At: e.at, Kind: e.kind, Actor: models.ActorSystem}); err != nil {
				t.Fatal(err)
			}
		}
		n, err := d.Support.DailyStats(t.Context(), by)
		const last = stats.Days - 1
		if err != nil || n.SignIns[last] != 1 || n.Failed[last] != 1 || n.Failed[last-1] != 1 || n.Reuse[0] != 1 || n.Revocations[last] != 2 {
			t.Errorf("%v %+v", err, n)
		}
		var sum int64
		for i := range n.Days {
			sum += n.SignIns[i] + n.Failed[i] + n.Reuse[i] + n.Revocations[i]
		}
		if sum != 6 {
			t.Errorf("%d events are counted", sum)
		}
	})
}
