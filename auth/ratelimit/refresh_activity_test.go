package ratelimit

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestACoreIsKeptFreeWhileAppsRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, g := gatedHasher(2, 20, time.Hour)
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
		inside("no refresh yet", 2)
		next()
		inside("no refresh yet", 2)
		h.Refreshes.Note()
		next()
		inside("a refresh", 1)
		next()
		inside("the last slot is never reserved", 1)
		time.Sleep(refreshSpan - time.Second)
		h.Refreshes.Note()
		time.Sleep(2 * time.Second)
		inside("refreshes go on", 1)
		time.Sleep(refreshSpan)
		inside("no refresh for long", 2)
		close(g.open)
		for range 8 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		assertHasherIdle(t, h)
	})
}

func TestTheOnlyWorkerIsNeverReserved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, g := gatedHasher(1, 1, time.Second)
		h.Refreshes.Note()
		close(g.open)
		for range 3 {
			if err := h.VerifyUnknown(t.Context(), "a good long password"); err != nil {
				t.Error(err)
			}
		}
		assertHasherIdle(t, h)
	})
}
