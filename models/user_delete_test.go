package models_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// deletion is the wish of an account's owner, with a farewell.
func deletion(u models.User, at time.Time) models.Deletion {
	e := event(models.EventAccountDeleted, u.ID, at)
	e.UserAgent, e.IP = "the last browser", "198.51.100.7"
	return models.Deletion{
		UserID: u.ID, Proof: models.Proof{Verified: password}, Now: func() time.Time { return at }, Event: e,
		Farewell: models.MailWithLinks{Mail: &models.OutgoingMail{ID: models.NewID(at), Kind: "farewell", Sealed: []byte("sealed"), CreatedAt: at}},
		Seal:     func(emailKeys []string) []byte { return []byte("sealed") },
	}
}

// deleteWhole deletes an account and finishes the work after it.
func deleteWhole(t testing.TB, s *models.Store, d models.Deletion) error {
	t.Helper()
	var keys []string
	d.Seal = func(emailKeys []string) []byte {
		keys = emailKeys
		return []byte("sealed")
	}
	if err := s.DeleteUser(t.Context(), d); err != nil {
		return err
	}
	done, err := s.FinishDeletion(t.Context(), d.UserID, keys)
	if !done && err == nil {
		t.Error("the work after the deletion is not done")
	}
	return err
}

// look is one of the support staff's: in the activity of both, as auth records it.
func look(t testing.TB, s *models.Store, staff, person models.User, at time.Time) {
	t.Helper()
	own, theirs := event(models.EventSupportLooked, staff.ID, at), event(models.EventSeenBySupport, person.ID, at)
	own.Detail, own.ActorID = person.ID.String(), uuid.NullUUID{UUID: staff.ID, Valid: true}
	theirs.IP, theirs.ActorID = "", own.ActorID
	own.Reason, theirs.Reason = "asked about "+person.Email, "asked about "+person.Email
	if err := s.AddEvents(t.Context(), own, theirs); err != nil {
		t.Fatal(err)
	}
}

func search(t testing.TB, s *models.Store, staff models.User, text string) {
	t.Helper()
	e := event(models.EventSupportSearched, staff.ID, noon)
	e.Detail = text
	if err := s.AddEvent(t.Context(), e); err != nil {
		t.Fatal(err)
	}
}

// furnish gives an account one of everything: devices of every kind and end, places, links, mails and events.
func furnish(t testing.TB, s *models.Store, u models.User, place int64) (apps []models.Device) {
	t.Helper()
	for i, name := range []string{"secret phone", "secret tablet", "secret watch"} {
		n := inPlace(signIn(u.ID, models.KindApp, name, noon), place+int64(i))
		n.Device.UserAgent, n.KnownOrigins = "secret agent", [][]byte{fmt.Append(nil, "secret place of ", u.ID)}
		n.Alert = &models.SignInAlert{Single: func(d models.Device) models.MailWithLinks {
			return models.MailWithLinks{
				Mail:  &models.OutgoingMail{ID: models.NewID(noon), UserID: u.ID, Kind: "new_device", Sealed: []byte("box"), CreatedAt: noon},
				Links: []models.OneTime{{Hash: d.ID[:], UserID: u.ID, Purpose: "alarm", Subject: d.ID.String(), CreatedAt: noon, ExpiresAt: noon.Add(lifetime)}},
			}
		}}
		apps = append(apps, add(t, s, n))
	}
	if _, _, err := s.RevokeDevice(t.Context(), models.DeviceKey{UserID: u.ID, ID: apps[1].ID}, event(models.EventDeviceRevoked, u.ID, noon.Add(time.Second))); err != nil {
		t.Fatal(err)
	}
	exec(t, s, "UPDATE devices SET expires_at = created_at WHERE id = ?", apps[2].ID.String())
	add(t, s, signIn(u.ID, models.KindBrowser, "secret browser", noon))
	if err := s.AddEvent(t.Context(), event(models.EventDeviceForked, u.ID, noon.Add(-49*time.Hour))); err != nil {
		t.Fatal(err)
	}
	return apps
}

// rows are those of a table with a value, or all.
func rows(t testing.TB, s *models.Store, table, column string, value any) int64 {
	t.Helper()
	return count(t, s, "SELECT count(*) FROM "+table+" WHERE "+column+" = ?", value)
}

func TestADeletedAccountLeavesNothingThatLeadsToThePerson(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u, other, staff, former := addUser(t, s), addUser(t, s), addUser(t, s), addUser(t, s)
		apps, others := furnish(t, s, u, 100), furnish(t, s, other, 200)
		look(t, s, staff, u, noon)
		look(t, s, staff, other, noon)
		look(t, s, former, other, noon)
		keep := []string{u.Email + "munity", u.Email[:20], other.Email, "phone · apps"}
		for _, text := range append([]string{u.Email, strings.ToUpper(u.Email), u.Email + " · live · further", u.ID.String() + " · browsers"}, keep...) {
			search(t, s, staff, text)
		}
		kindsBefore := count(t, s, "SELECT count(*) FROM events")
		othersBefore, at := kinds(t, s, other.ID), noon.Add(5*time.Hour)
		for name, c := range map[string]func(d *models.Deletion){
			"a wrong password": func(d *models.Deletion) { d.Proof.Verified = "hash-2" },
			"nobody":           func(d *models.Deletion) { d.UserID = uuid.New() },
		} {
			d := deletion(u, at)
			if c(&d); !errors.Is(s.DeleteUser(t.Context(), d), models.ErrChanged) || count(t, s, "SELECT count(*) FROM events") != kindsBefore {
				t.Errorf("%s: something was changed", name)
			}
		}
		if err := deleteWhole(t, s, deletion(u, at)); err != nil {
			t.Fatal(err)
		}

		for _, table := range []string{"devices", "known_places", "one_time_tokens", "mails", "events"} {
			if n := rows(t, s, table, "user_id", u.ID.String()); n != 0 {
				t.Errorf("%s: %d rows stay", table, n)
			}
			if n := rows(t, s, table, "user_id", other.ID.String()); n == 0 {
				t.Errorf("%s: somebody else's rows are gone", table)
			}
		}
		if rows(t, s, "users", "id", u.ID.String()) != 0 || count(t, s, "SELECT count(*) FROM users") != 3 {
			t.Error("the account is there, or another is not")
		}
		if n := count(t, s, "SELECT count(*) FROM mails WHERE recipient = ? AND kind = 'farewell' AND user_id = ?", u.Email, uuid.Nil.String()); n != 1 {
			t.Errorf("%d farewells wait", n)
		}
		exec(t, s, "DELETE FROM mails WHERE kind = 'farewell'")
		for _, trace := range []string{u.ID.String(), u.Email, apps[0].ID.String(), "the last browser", "198.51.100.7"} {
			for _, found := range traces(t, s, trace) {
				if !strings.Contains(found, u.Email+"munity") {
					t.Errorf("a trace of %s: %s", trace, found)
				}
			}
		}

		var details, want []string
		for _, e := range events(t, s, staff.ID) {
			if e.Kind == models.EventSupportSearched && e.Detail != "" {
				details = append(details, e.Detail)
			}
		}
		want = append(want, keep...)
		slices.Sort(want)
		slices.Sort(details)
		if diff := cmp.Diff(want, details); diff != "" {
			t.Errorf("searches that stay: %s", diff)
		}
		if kinds(t, s, other.ID) != othersBefore || count(t, s, "SELECT count(*) FROM events") != kindsBefore+1 {
			t.Error("events are missing")
		}
		anonymous := eventsOfNoAccount(t, s)
		if got := count(t, s, "SELECT count(*) FROM events WHERE kind LIKE '%sign_in%' AND "+ofNoAccount); got != 4 || len(anonymous) != 9 {
			t.Errorf("%d anonymous events, %d of them sign-ins", len(anonymous), got)
		}
		bare := models.Event{Actor: models.ActorOwner}
		for _, e := range anonymous {
			if !e.At.Equal(e.At.Truncate(24*time.Hour)) || e.ID.Version() != 4 {
				t.Errorf("the time of day shows: %v, %v", e.At, e.ID)
			}
			bare.ID, bare.At, bare.Kind = e.ID, e.At, e.Kind
			if diff := cmp.Diff(bare, e); diff != "" {
				t.Errorf("an event of somebody: %s", diff)
			}
		}
		day, err := s.DailyCounts(t.Context(), []models.EventKind{models.EventSignIn, models.EventDeviceForked}, noon.Add(-72*time.Hour), noon.Add(24*time.Hour))
		slices.SortFunc(day, func(a, b models.DayCount) int { return strings.Compare(string(a.Kind), string(b.Kind)) })
		today := noon.Unix() / 86400
		if diff := cmp.Diff([]models.DayCount{{Day: today - 2, Kind: models.EventDeviceForked, N: 2}, {Day: today, Kind: models.EventSignIn, N: 8}}, day); diff != "" || err != nil {
			t.Errorf("the numbers of all accounts changed: %s %v", diff, err)
		}

		published, err := revokedPlaces(t, s, noon.Add(time.Minute))
		slices.Sort(published)
		if diff := cmp.Diff([]int64{100, 101}, published); diff != "" || err != nil {
			t.Errorf("published as revoked: %s %v", diff, err)
		}
		if later, err := revokedPlaces(t, s, at.Add(2*time.Minute)); len(later) != 0 || err != nil {
			t.Errorf("revoked long after the deletion: %v %v", later, err)
		}
		if got := rotate(t, s, present(others[0], 1, at)); got.Outcome != models.Rotated {
			t.Errorf("somebody else's device: %v", got.Outcome)
		}
		if got := rotate(t, s, present(apps[0], 1, at)); got.Outcome != models.Unknown {
			t.Errorf("a device of the deleted account: %v", got.Outcome)
		}
		theirs := events(t, s, other.ID)
		if err := deleteWhole(t, s, deletion(former, at)); err != nil {
			t.Fatal(err)
		}
		for _, e := range theirs {
			if e.Kind == models.EventSeenBySupport && e.ActorID.UUID == former.ID {
				e.ActorID = uuid.NullUUID{}
			}
			if got := one(t, s, other.ID, e.ID); cmp.Diff(e, got) != "" {
				t.Errorf("an event of somebody else: %s", cmp.Diff(e, got))
			}
		}
	})
}

func one(t testing.TB, s *models.Store, user, id uuid.UUID) models.Event {
	t.Helper()
	for _, e := range events(t, s, user) {
		if e.ID == id {
			return e
		}
	}
	t.Fatalf("the event %v is gone", id)
	return models.Event{}
}

// traces are the rows of any table in which a text stands.
func traces(t testing.TB, s *models.Store, text string) (found []string) {
	t.Helper()
	for _, table := range []string{"users", "devices", "events", "attempts", "known_places", "clients", "status_indexes", "one_time_tokens", "mails", "former_addresses", "sign_in_mails", "deleted_accounts"} {
		list, err := s.Pools()[0].QueryContext(t.Context(), "SELECT * FROM "+table)
		if err != nil {
			t.Fatal(err)
		}
		columns, err := list.Columns()
		if err != nil {
			t.Fatal(err)
		}
		for list.Next() {
			values, to := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				to[i] = &values[i]
			}
			if err := list.Scan(to...); err != nil {
				t.Fatal(err)
			}
			line := table
			for i, v := range values {
				if b, ok := v.([]byte); ok {
					v = string(b)
				}
				line += fmt.Sprintf(" %s=%v", columns[i], v)
			}
			if strings.Contains(strings.ToLower(line), strings.ToLower(text)) {
				found = append(found, line)
			}
		}
		if err := list.Err(); err != nil {
			t.Fatal(err)
		}
	}
	return found
}

func TestAnAccountThatMayNotGoStaysAsItIs(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		for name, state := range map[string]string{
			"disabled": "disabled_at = updated_at", "locked": "locked_at = updated_at", "of the staff": "role = 'support'",
		} {
			u := addUser(t, s)
			d := addApp(t, s, u.ID, "phone")
			exec(t, s, "UPDATE users SET "+state+" WHERE id = ?", u.ID.String())
			if err := s.DeleteUser(t.Context(), deletion(u, noon)); !errors.Is(err, models.ErrChanged) || kinds(t, s, u.ID) != "sign_in account_created" {
				t.Errorf("%s: %v, events %s", name, err, kinds(t, s, u.ID))
			}
			device(t, s, d)
		}
	})
}
