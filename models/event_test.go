package models_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"latchkey/models"
	"latchkey/models/modelstest"
)

func TestPagesOfEventsHoldEachExactlyOnce(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u, stranger := addUser(t, s).ID, addUser(t, s).ID
		exec(t, s, "DELETE FROM events")
		zone := time.FixedZone("", 4*3600)
		const n = 60
		for i := range n { // twenty to a moment, their ids in no order of time
			at := noon.Add(time.Duration(i/20) * time.Microsecond).In(zone)
			for _, user := range []uuid.UUID{u, stranger} {
				e := event(models.EventSignInFailed, user, at)
				e.ID, e.Detail = uuid.New(), fmt.Sprint(i)
				if err := s.AddEvent(t.Context(), e); err != nil {
					t.Fatal(err)
				}
			}
		}
		all, err := s.Events(t.Context(), u, models.EventCursor{}, n+1)
		if err != nil || len(all) != n {
			t.Fatalf("%d events, %v", len(all), err)
		}
		newestFirst := func(a, b models.Event) int {
			if d := b.At.Compare(a.At); d != 0 {
				return d
			}
			return -slices.Compare(a.ID[:], b.ID[:])
		}
		if !slices.IsSortedFunc(all, newestFirst) {
			t.Error("not in order")
		}
		for _, size := range []int{1, 7, 20, n} {
			var paged []models.Event
			var cursor models.EventCursor
			for {
				page, err := s.Events(t.Context(), u, cursor, size)
				if err != nil {
					t.Fatal(err)
				}
				if len(page) == 0 {
					break
				}
				paged = append(paged, page...)
				last := page[len(page)-1]
				cursor = models.EventCursor{At: last.At.In(zone), ID: last.ID}
			}
			if diff := cmp.Diff(all, paged); diff != "" {
				t.Errorf("pages of %d:\n%s", size, diff)
			}
		}
	})
}

func TestAnEventComesBackAsItWasWritten(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		for _, e := range []models.Event{
			{UserID: addUser(t, s).ID, ID: uuid.New(), At: noon, Kind: models.EventSignIn, DeviceID: uuid.NullUUID{UUID: uuid.New(), Valid: true}, DeviceName: "it's; -- ?", Actor: models.ActorOperator, ActorID: uuid.NullUUID{UUID: uuid.New(), Valid: true}, IP: "2001:db8::1", UserAgent: `"\ $1 📱`, Detail: "x", Reason: "ticket 4711"},
			{ID: uuid.New(), At: noon, Kind: models.EventSignInFailed, Actor: models.ActorOwner}, // no account's
		} {
			exec(t, s, "DELETE FROM events")
			if err := s.AddEvent(t.Context(), e); err != nil {
				t.Fatal(err)
			}
			list := eventsOfNoAccount(t, s)
			if e.UserID != uuid.Nil {
				list = events(t, s, e.UserID)
			}
			if diff := cmp.Diff([]models.Event{e}, list); diff != "" {
				t.Error(diff)
			}
		}
		e := event(models.EventSignIn, addUser(t, s).ID, noon)
		if err := s.AddEvent(t.Context(), e); err != nil || events(t, s, e.UserID)[0].ID.Version() != 7 {
			t.Errorf("an event without an id: %v", err)
		}
	})
}
