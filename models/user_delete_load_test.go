package models_test

import (
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// How long others wait for their refreshes while an account with very many events is deleted. The numbers are printed, not judged:
// they belong to the machine.
func TestOthersRefreshWhileAGiantAccountIsDeleted(t *testing.T) {
	many := 5_000
	if os.Getenv("LATCHKEY_SOAK") == "1" {
		many = 1_000_000
	}
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		manyEvents(t, s, u.ID, many)
		var others []models.Device
		for range 4 {
			others = append(others, addApp(t, s, addUser(t, s).ID, "phone"))
		}
		ended, tooks := make(chan struct{}), make([][]time.Duration, len(others))
		var refused atomic.Int64
		var refreshers sync.WaitGroup
		for i, d := range others {
			refreshers.Go(func() {
				pace := time.NewTicker(5 * time.Millisecond)
				defer pace.Stop()
				for g := int64(1); ; <-pace.C {
					began := time.Now()
					r, err := s.RotateDevice(t.Context(), present(d, g, noon.Add(time.Duration(g)*time.Second)))
					if err != nil {
						refused.Add(1)
					}
					if r.Device.Generation > g {
						g = r.Device.Generation
					}
					tooks[i] = append(tooks[i], time.Since(began))
					select {
					case <-ended:
						return
					default:
					}
				}
			})
		}
		d, keys := deletion(u, noon), []string{u.EmailKey}
		began := time.Now()
		if err := s.DeleteUser(t.Context(), d); err != nil {
			t.Error(err)
		}
		answered := time.Since(began)
		if done, err := s.FinishDeletion(t.Context(), u.ID, keys); !done || err != nil {
			t.Errorf("the work after it: %v %v", done, err)
		}
		took := time.Since(began)
		close(ended)
		refreshers.Wait()
		all := slices.Concat(tooks...)
		slices.Sort(all)
		at := func(q float64) time.Duration { return all[int(q*float64(len(all)-1))].Round(100 * time.Microsecond) }
		t.Logf("%d events: answered after %v, done after %v; %d refreshes of others: p50 %v, p99 %v, p99.9 %v, max %v, %d refused",
			many, answered.Round(time.Millisecond), took.Round(time.Millisecond), len(all), at(.5), at(.99), at(.999), at(1), refused.Load())
		if n := rows(t, s, "events", "user_id", uuid.Nil.String()); n != int64(many)+2 {
			t.Errorf("%d anonymous events of %d", n, many+2)
		}
		if refused.Load() > 0 {
			t.Error("refreshes of others were refused")
		}
	})
}
