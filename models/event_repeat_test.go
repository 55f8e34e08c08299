package models_test

import (
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/models"
	"latchkey/models/modelstest"
)

func TestAlikeActsShareAnEventThatCountsThem(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		staff, person := addUser(t, s).ID, addUser(t, s).ID
		look := func(at time.Time, change func(*models.Event)) []models.Event {
			own, theirs := event(models.EventSupportLooked, staff, at), event(models.EventSeenBySupport, person, at)
			for _, e := range []*models.Event{&own, &theirs} {
				e.Actor, e.ActorID = models.ActorSupport, uuid.NullUUID{UUID: staff, Valid: true}
				change(e)
			}
			return []models.Event{own, theirs}
		}
		same := func(*models.Event) {}
		const span = 15 * time.Minute
		for _, c := range []struct {
			name   string
			after  time.Duration
			change func(*models.Event)
			want   []int64 // how many each event stands for beside itself, newest first
		}{
			{"the first", 0, same, []int64{0}},
			{"once more", time.Minute, same, []int64{1}},
			{"at the end", span - time.Second, same, []int64{2}},
			{"too late", span, same, []int64{0, 2}},
			{"for another reason", span + time.Second, func(e *models.Event) { e.Reason = "x" }, []int64{0, 0, 2}},
			{"by another member", span + 2*time.Second, func(e *models.Event) { e.ActorID.UUID = person }, []int64{0, 0, 0, 2}},
			{"from elsewhere", span + 3*time.Second, func(e *models.Event) { e.IP = "203.0.113.99" }, []int64{0, 0, 0, 0, 2}},
			{"the first once more", span + 4*time.Second, same, []int64{0, 0, 0, 1, 2}},
		} {
			if err := s.AddOrCount(t.Context(), noon.Add(c.after-span), look(noon.Add(c.after), c.change)...); err != nil {
				t.Fatal(err)
			}
			for kind, user := range map[models.EventKind]uuid.UUID{models.EventSupportLooked: staff, models.EventSeenBySupport: person} {
				list, err := s.EventsOfKinds(t.Context(), user, []models.EventFilter{{Kind: kind}}, models.EventCursor{}, 9)
				var got []int64
				for _, e := range list {
					got = append(got, e.More)
				}
				if err != nil || len(got) != len(c.want) {
					t.Fatalf("%s, %s: %v, want %v (%v)", c.name, kind, got, c.want, err)
				}
				for i := range got {
					if got[i] != c.want[i] {
						t.Errorf("%s, %s: %v, want %v", c.name, kind, got, c.want)
					}
				}
			}
		}
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if err := s.AddOrCount(t.Context(), noon.Add(time.Hour-span), look(noon.Add(time.Hour), same)...); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := count(t, s, "SELECT max(more) FROM events"); n != 7 {
			t.Errorf("of 8 at once, an event counts %d beside itself", n)
		}
	})
}
