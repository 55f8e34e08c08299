package models

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
)

func presented(user uuid.UUID) Rotation {
	return Rotation{Key: DeviceKey{UserID: user, ID: uuid.New()}}
}

// Whoever leads a group may have waited for most of its time; those who came with it have not.
func TestAGroupHasItsOwnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var calls atomic.Int64
		g := &rotations{lanes: 1, group: func(ctx context.Context, _ []*rotation) error {
			if calls.Add(1) == 1 {
				<-release
				return nil
			}
			select {
			case <-time.After(time.Second):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}}
		var all sync.WaitGroup
		ask := func() {
			all.Go(func() {
				if _, _, err := g.do(t.Context(), presented(uuid.New())); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		ask() // keeps the lane
		ask() // leads the next group, after nearly all of its time
		time.Sleep(writeTimeout - 100*time.Millisecond)
		for range 5 {
			ask()
		}
		close(release)
		all.Wait()
		if n := calls.Load(); n != 2 {
			t.Errorf("%d groups", n)
		}
	})
}

// A driver that panics costs its group, not the lane, and nobody waits for ever.
func TestALaneOutlivesAPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var calls atomic.Int64
		g := &rotations{lanes: 1, group: func(context.Context, []*rotation) error {
			switch calls.Add(1) {
			case 1:
				<-release
			case 2:
				panic("driver")
			}
			return nil
		}}
		var panicked, unknown atomic.Int64
		ask := func() {
			defer func() {
				if recover() != nil {
					panicked.Add(1)
				}
			}()
			if _, _, err := g.do(t.Context(), presented(uuid.New())); errors.Is(err, ErrUnavailable) {
				unknown.Add(1)
			} else if err != nil {
				t.Error(err)
			}
		}
		var all sync.WaitGroup
		for range 4 {
			all.Go(ask)
			synctest.Wait()
		}
		close(release)
		all.Wait()
		if panicked.Load() != 1 || unknown.Load() != 2 || g.busy != 0 || len(g.flying) != 0 {
			t.Errorf("%d panicked, %d do not know, %d lanes busy, %d users on board", panicked.Load(), unknown.Load(), g.busy, len(g.flying))
		}
		ask()
		if n := calls.Load(); n != 3 {
			t.Errorf("%d groups", n)
		}
	})
}

// A device that is refreshed all the time is in one group at a time: the other lane is everybody else's.
func TestOneUserIsInOneGroupAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hot := uuid.New()
		var mu sync.Mutex
		at, groups, served := 0, 0, 0
		g := &rotations{lanes: 2, group: func(_ context.Context, batch []*rotation) error {
			mine := 0
			for _, r := range batch {
				if r.Key.UserID == hot {
					mine++
				}
			}
			mu.Lock()
			if at += mine; at > 1 {
				t.Error("two groups, or one of them twice, are at one user")
			}
			groups++
			mu.Unlock()
			time.Sleep(time.Millisecond)
			mu.Lock()
			at -= mine
			served += len(batch)
			mu.Unlock()
			return nil
		}}
		var all sync.WaitGroup
		for i := range 200 {
			user := uuid.New()
			if i%2 == 0 {
				user = hot
			}
			all.Go(func() {
				if _, _, err := g.do(t.Context(), presented(user)); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if served != 200 || groups < 100 || g.busy != 0 || len(g.waiting) != 0 || len(g.flying) != 0 {
			t.Errorf("%d served in %d groups; %d lanes busy, %d wait", served, groups, g.busy, len(g.waiting))
		}
	})
}
