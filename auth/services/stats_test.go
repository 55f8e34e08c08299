package services_test

import (
	"testing"
	"time"

	"latchkey/auth/stats"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// What the sweeper counted of a day that is over stays, whatever happens to its events, and is not counted again.
func TestADayThatIsOverIsCountedOnce(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		d.app(t, "phone")
		_, by := d.staff(t)
		sweep := func() {
			t.Helper()
			if err := d.Stats.CountFinished(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		yesterdays := func() int64 {
			t.Helper()
			n, err := d.Support.DailyStats(t.Context(), by)
			if err != nil {
				t.Fatal(err)
			}
			return n.SignIns[stats.Days-2]
		}
		d.advance(12*time.Hour + time.Minute) // just after midnight: the day may still get events
		sweep()
		if got := yesterdays(); got != 2 { // ada's and the staff's own
			t.Fatalf("sign-ins yesterday: %d", got)
		}
		late := models.Event{At: d.now().Add(-2 * time.Minute), Kind: models.EventSignIn, Actor: models.ActorSystem}
		if err := store.AddEvent(t.Context(), late); err != nil {
			t.Fatal(err)
		}
		d.advance(3 * time.Hour)
		sweep()
		if got := yesterdays(); got != 3 {
			t.Fatalf("sign-ins yesterday, once the day is settled: %d", got)
		}
		late.ID = models.NewID(late.At)
		if err := store.AddEvent(t.Context(), late); err != nil {
			t.Fatal(err)
		}
		d.advance(time.Hour)
		sweep()
		if got := yesterdays(); got != 3 {
			t.Fatalf("a day that was settled was counted again: %d", got)
		}
		d.advance(stats.Days * 24 * time.Hour)
		sweep()
		if days, counts, err := store.CountedDays(t.Context(), 0, 1<<40); err != nil || len(days) != stats.Days-1 || len(counts) != 7*len(days) {
			t.Errorf("%d days and %d counts are kept, %v", len(days), len(counts), err)
		}
	})
}

// Of two processes that look at the same moment, one counts.
func TestOneProcessCountsADay(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
		begun := make(chan bool, 8)
		for range 8 {
			go func() {
				ok, err := store.BeginDay(t.Context(), 20780, at, time.Minute)
				if err != nil {
					t.Error(err)
				}
				begun <- ok
			}()
		}
		n := 0
		for range 8 {
			if <-begun {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%d of 8 began to count", n)
		}
		for _, step := range []struct {
			after time.Duration
			want  bool
		}{{59 * time.Second, false}, {time.Minute, true}, {30 * time.Second, true}} { // the last: the clock was set back
			if ok, err := store.BeginDay(t.Context(), 20780, at.Add(step.after), time.Minute); ok != step.want || err != nil {
				t.Errorf("after %v: %v %v", step.after, ok, err)
			}
		}
	})
}
