package models_test

import (
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// How long others wait for their refreshes while an account with very many events is deleted. The numbers are printed, not judged:
// they belong to the machine, and so the long form prints those without a deletion, too.
func TestOthersRefreshWhileAGiantAccountIsDeleted(t *testing.T) {
	soak, many := os.Getenv("LATCHKEY_SOAK") == "1", 5_000
	if soak {
		many = 1_000_000
	}
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		manyEvents(t, s, u.ID, many)
		if soak {
			t.Logf("without a deletion: %s", refreshing(t, s, func() { <-time.After(30 * time.Second) }))
		}
		var answered, took time.Duration
		waits := refreshing(t, s, func() {
			began := time.Now()
			deleteForLoad(t, s, u, func() { answered = time.Since(began) })
			took = time.Since(began)
		})
		t.Logf("%d events: answered after %v, done after %v; %s", many, answered.Round(time.Millisecond), took.Round(time.Millisecond), waits)
		if n := count(t, s, "SELECT count(*) FROM events WHERE "+ofNoAccount); n != int64(many)+2 {
			t.Errorf("%d anonymous events of %d", n, many+2)
		}
	})
}

// deleteForLoad deletes an account and says when its owner has the answer.
func deleteForLoad(t *testing.T, s *models.Store, u models.User, answered func()) {
	if err := s.DeleteUser(t.Context(), deletion(u, noon)); err != nil {
		t.Error(err)
	}
	answered()
	if done, err := s.FinishDeletion(t.Context(), u.ID, []string{u.EmailKey}); !done || err != nil {
		t.Errorf("the work after it: %v %v", done, err)
	}
}

// refreshing lets four devices of others refresh every five milliseconds while something is done, and tells how long they waited.
func refreshing(t *testing.T, s *models.Store, during func()) string {
	t.Helper()
	ended, waits := make(chan struct{}), make([][]time.Duration, 4)
	var refused atomic.Int64
	var devices sync.WaitGroup
	for i := range waits {
		d := addApp(t, s, addUser(t, s).ID, "phone")
		devices.Go(func() {
			pace := time.NewTicker(5 * time.Millisecond)
			defer pace.Stop()
			for g := int64(1); ; <-pace.C {
				began := time.Now()
				r, err := s.RotateDevice(t.Context(), present(d, g, noon.Add(time.Duration(g)*time.Second)))
				if err != nil {
					refused.Add(1)
				}
				g = max(g, r.Device.Generation)
				waits[i] = append(waits[i], time.Since(began))
				select {
				case <-ended:
					return
				default:
				}
			}
		})
	}
	during()
	close(ended)
	devices.Wait()
	if refused.Load() > 0 {
		t.Errorf("%d refreshes of others were refused", refused.Load())
	}
	all := slices.Sorted(slices.Values(slices.Concat(waits...)))
	at := func(q float64) time.Duration { return all[int(q*float64(len(all)-1))].Round(100 * time.Microsecond) }
	return fmt.Sprintf("%d refreshes of others, p50 %v, p99 %v, p99.9 %v, max %v, %d refused", len(all), at(.5), at(.99), at(.999), at(1), refused.Load())
}
