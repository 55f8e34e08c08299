package auth

import (
	"runtime/debug"
	"testing"
	"testing/synctest"
	"time"
)

func TestACoreIsKeptForThoseWhoRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, g := gatedHasher(2, 20, time.Hour)
		h.others.began = time.Now()
		time.Sleep(time.Hour)
		inside := func(what string, want int32) {
			t.Helper()
			synctest.Wait()
			if n := g.inside.Load(); n != want {
				t.Errorf("%s: %d hashes at once, want %d", what, n, want)
			}
		}
		next := func() { g.open <- struct{}{} }
		errs := askHasher(t.Context(), h, 8)
		inside("nobody refreshed yet", 2)
		next()
		inside("nobody refreshed yet", 2)
		h.others.noteRefresh()
		next()
		inside("somebody refreshes", 1)
		next()
		inside("the last slot is never kept", 1)
		time.Sleep(courtesySpan - time.Second)
		h.others.noteRefresh()
		time.Sleep(2 * time.Second)
		inside("somebody refreshes still", 1)
		time.Sleep(courtesySpan)
		inside("nobody does any more", 2)
		close(g.open)
		for range 8 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		assertHasherIdle(t, h)
	})
}

func TestOneWorkerIsNeverKeptFromHashing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, g := gatedHasher(1, 1, time.Second)
		h.others.began = time.Now()
		h.others.noteRefresh()
		close(g.open)
		for range 3 {
			if err := h.VerifyNobody(t.Context(), "a good long password"); err != nil {
				t.Error(err)
			}
		}
		assertHasherIdle(t, h)
	})
}

// gcPercent reads GOGC, which can only be done by setting it.
func gcPercent() int {
	percent := debug.SetGCPercent(100)
	debug.SetGCPercent(percent)
	return percent
}

func TestTheCollectorIsPatientWhilePasswordsAreHashed(t *testing.T) {
	was := gcPercent()
	defer debug.SetGCPercent(was)
	for _, c := range []struct{ configured, usual, while int }{{200, 200, patientPercent}, {50, 50, patientPercent}, {1000, 1000, 1000}, {0, 50, 50}, {0, -1, -1}} {
		synctest.Test(t, func(t *testing.T) {
			debug.SetGCPercent(c.usual)
			p := patience{usual: c.configured}
			is := func(when string, want int) {
				t.Helper()
				synctest.Wait()
				if got := gcPercent(); got != want {
					t.Errorf("GOGC=%d, %s: %d, want %d", c.usual, when, got, want)
				}
			}
			p.noteHash()
			is("the first hash", c.while)
			time.Sleep(patienceSpan - time.Second)
			p.noteHash()
			time.Sleep(2 * time.Second)
			is("two seconds after another", c.while)
			time.Sleep(patienceSpan)
			is("long after", c.usual)
			p.noteHash()
			is("and again", c.while)
			time.Sleep(2 * patienceSpan)
			is("and long after that", c.usual)
		})
	}
}
