package ratelimit

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/auth"
)

// hashGate blocks every derivation of a hasher until it is opened, and counts those inside.
type hashGate struct {
	open          chan struct{} // one element lets one derivation out; closed lets all out
	inside, worst atomic.Int32
}

func gatedHasher(workers, queue int, wait time.Duration) (*Hasher, *hashGate) {
	h, g := NewHasher(cheapParams, workers, queue, wait), &hashGate{open: make(chan struct{})}
	h.Derive = func(password, salt []byte, passes, memory uint32, threads uint8, size uint32) []byte {
		g.worst.Store(max(g.worst.Load(), g.inside.Add(1)))
		<-g.open
		g.inside.Add(-1)
		return make([]byte, size)
	}
	return h, g
}

// askHasher starts n verifications and returns a channel of their errors.
func askHasher(ctx context.Context, h *Hasher, n int) <-chan error {
	errs := make(chan error, n)
	for range n {
		go func() { errs <- h.VerifyUnknown(ctx, "a good long password") }()
	}
	return errs
}

func TestHashesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, g := gatedHasher(3, 20, time.Hour)
		errs := askHasher(t.Context(), h, 23)
		for range 23 {
			synctest.Wait()
			if n := g.inside.Load(); n > 3 {
				t.Fatalf("%d hashes at once", n)
			}
			g.open <- struct{}{}
		}
		for range 23 {
			if err := <-errs; err != nil {
				t.Errorf("a caller within the limits got %v", err)
			}
		}
		if g.worst.Load() != 3 {
			t.Errorf("at most %d hashes ran at once, want 3", g.worst.Load())
		}
		assertHasherIdle(t, h)
	})
}

func TestFullQueueIsBusyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, g := gatedHasher(2, 3, time.Hour)
		errs := askHasher(t.Context(), h, 5)
		synctest.Wait()
		start := time.Now()
		if err := h.VerifyUnknown(t.Context(), "one too many"); !errors.Is(err, auth.ErrBusy) {
			t.Errorf("past the queue: %v, want errHasherBusy", err)
		}
		if _, err := h.Hash(t.Context(), "one too many"); !errors.Is(err, auth.ErrBusy) {
			t.Errorf("Hash past the queue: %v, want errHasherBusy", err)
		}
		if _, _, err := h.Verify(t.Context(), h.dummy.String(), "one too many"); !errors.Is(err, auth.ErrBusy) {
			t.Errorf("Verify past the queue: %v, want errHasherBusy", err)
		}
		if waited := time.Since(start); waited != 0 {
			t.Errorf("it took %v to say so", waited)
		}
		close(g.open)
		for range 5 {
			if err := <-errs; err != nil {
				t.Errorf("a caller within the limits got %v", err)
			}
		}
		assertHasherIdle(t, h)
	})
}

func TestWaitingEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, g := gatedHasher(1, 1, 5*time.Second)
		running := askHasher(t.Context(), h, 1)
		synctest.Wait()
		start := time.Now()
		if err := h.VerifyUnknown(t.Context(), "patience"); !errors.Is(err, auth.ErrBusy) {
			t.Errorf("after the wait: %v, want errHasherBusy", err)
		}
		if waited := time.Since(start); waited != 5*time.Second {
			t.Errorf("it waited %v, want 5s", waited)
		}
		close(g.open)
		if err := <-running; err != nil {
			t.Error(err)
		}
		assertHasherIdle(t, h)
	})
}

func TestCancellationLeaksNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, g := gatedHasher(2, 8, time.Hour)
		running := askHasher(t.Context(), h, 2)
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		waiting := askHasher(ctx, h, 8)
		synctest.Wait()
		cancel()
		for range 8 {
			if err := <-waiting; !errors.Is(err, context.Canceled) {
				t.Errorf("a cancelled caller got %v, want context.Canceled", err)
			}
		}
		if err := h.VerifyUnknown(ctx, "too late"); !errors.Is(err, context.Canceled) {
			t.Errorf("a caller that was cancelled before: %v, want context.Canceled", err)
		}
		close(g.open)
		for range 2 {
			if err := <-running; err != nil {
				t.Errorf("a running caller got %v", err)
			}
		}
		assertHasherIdle(t, h)
		if err := h.VerifyUnknown(ctx, "too late"); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled before, with room to spare: %v, want context.Canceled", err)
		}
		if err := <-askHasher(t.Context(), h, 1); err != nil {
			t.Errorf("the next caller got %v", err)
		}
	})
}

// If a slot and the cancellation come together, select chooses at random: many rounds see both.
func TestCancellationAndSlotTogether(t *testing.T) {
	for range 200 {
		synctest.Test(t, func(t *testing.T) {
			h, g := gatedHasher(1, 1, time.Hour)
			running := askHasher(t.Context(), h, 1)
			synctest.Wait()
			ctx, cancel := context.WithCancel(t.Context())
			waiting := askHasher(ctx, h, 1)
			synctest.Wait()
			go cancel()
			close(g.open)
			if err := <-running; err != nil {
				t.Error(err)
			}
			if err := <-waiting; err != nil && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			assertHasherIdle(t, h)
		})
	}
}

func TestQueueIsServedInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, g := gatedHasher(1, 3, time.Hour)
		first := askHasher(t.Context(), h, 1)
		synctest.Wait()
		second := askHasher(t.Context(), h, 1)
		synctest.Wait()
		third := askHasher(t.Context(), h, 1)
		for i, next := range []<-chan error{first, second, third} {
			synctest.Wait()
			g.open <- struct{}{}
			synctest.Wait()
			select {
			case err := <-next:
				if err != nil {
					t.Errorf("caller %d got %v", i, err)
				}
			default:
				t.Errorf("caller %d was overtaken", i)
			}
		}
		synctest.Wait()
	})
}

// assertHasherIdle checks that every slot and every place in the queue was released.
func assertHasherIdle(t *testing.T, h *Hasher) {
	t.Helper()
	synctest.Wait()
	if len(h.slots) != 0 || len(h.queue) != 0 {
		t.Errorf("%d slots and %d places in the queue are still taken", len(h.slots), len(h.queue))
	}
}
