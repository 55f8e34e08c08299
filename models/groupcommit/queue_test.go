package groupcommit

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// item is an operation on a key. Its number tells it apart.
type item struct{ key, number int }

// timeout is that of a batch in these tests.
const timeout = 5 * time.Second

// newQueue makes a queue whose items are ordered by key. solo may be nil where no batch is rolled back.
func newQueue(slots int, batch func(ctx context.Context, items []*item) error, solo func(ctx context.Context, i *item) error) *Queue[int, *item] {
	return New(Config[int, *item]{
		Slots: slots, MaxBatch: 8, Timeout: timeout,
		Key:     func(i *item) int { return i.key },
		Compare: func(a, b *item) int { return cmp.Compare(a.key, b.key) },
		Batch:   batch, Solo: solo,
	})
}

// blocked is a queue with one slot whose first batch waits for release; the rest go to batch.
func blocked(batch func(ctx context.Context, items []*item) error, solo func(ctx context.Context, i *item) error) (q *Queue[int, *item], release func()) {
	gate := make(chan struct{})
	var first atomic.Bool
	q = newQueue(1, func(ctx context.Context, items []*item) error {
		if first.CompareAndSwap(false, true) {
			<-gate
			return nil
		}
		return batch(ctx, items)
	}, solo)
	return q, func() { close(gate) }
}

func numbers(items []*item) (list []int) {
	for _, i := range items {
		list = append(list, i.number)
	}
	return list
}

// checkIdle reports slots, keys or calls that a queue has lost.
func checkIdle(t *testing.T, q *Queue[int, *item]) {
	t.Helper()
	if q.busy != 0 || len(q.waiting) != 0 || len(q.inFlight) != 0 {
		t.Errorf("%d slots busy, %d calls wait, %d keys in flight", q.busy, len(q.waiting), len(q.inFlight))
	}
}

func TestItemsThatArriveTogetherShareABatchInOrderOfTheirKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var batches [][]int
		q, release := blocked(func(_ context.Context, items []*item) error {
			batches = append(batches, numbers(items))
			return nil
		}, nil)
		var all sync.WaitGroup
		for _, key := range []int{0, 9, 4, 7, 1, 8, 2, 6, 3, 5} { // the first keeps the slot
			all.Go(func() {
				if err := q.Do(t.Context(), &item{key, key}); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		release()
		all.Wait()
		// The slot goes to 9, which has waited longest. Eight may go together: 5, the last to arrive, goes next.
		if want := [][]int{{1, 2, 3, 4, 6, 7, 8, 9}, {5}}; !slices.EqualFunc(batches, want, slices.Equal) {
			t.Errorf("batches %v, want %v", batches, want)
		}
		checkIdle(t, q)
	})
}

func TestABatchThatWasRolledBackIsTriedItemByItem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bad := errors.New("refused")
		var mu sync.Mutex
		var tried []int
		q, release := blocked(func(context.Context, []*item) error { return RolledBack(bad) }, func(_ context.Context, i *item) error {
			mu.Lock()
			tried = append(tried, i.number)
			mu.Unlock()
			if i.number == 3 {
				return bad
			}
			return nil
		})
		var all sync.WaitGroup
		for n := range 6 {
			all.Go(func() {
				if err := q.Do(t.Context(), &item{n, n}); (err != nil) != (n == 3) || n == 3 && !errors.Is(err, bad) {
					t.Errorf("item %d: %v", n, err)
				}
			})
			synctest.Wait()
		}
		release()
		all.Wait()
		if slices.Sort(tried); !slices.Equal(tried, []int{1, 2, 3, 4, 5}) {
			t.Errorf("tried alone: %v", tried)
		}
		checkIdle(t, q)
	})
}

func TestABatchOfWhichNothingIsKnownIsNotTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lost := errors.New("connection lost")
		q, release := blocked(func(context.Context, []*item) error { return lost }, func(context.Context, *item) error {
			t.Error("tried again")
			return nil
		})
		var all sync.WaitGroup
		for n := range 6 {
			all.Go(func() {
				if err := q.Do(t.Context(), &item{n, n}); n > 0 && !errors.Is(err, lost) {
					t.Errorf("item %d: %v", n, err)
				}
			})
			synctest.Wait()
		}
		release()
		all.Wait()
		checkIdle(t, q)
	})
}

// The call that runs a batch may have waited for most of its time. The others in the batch have not.
func TestABatchHasItsOwnTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		batches := 0
		q, release := blocked(func(ctx context.Context, _ []*item) error {
			batches++
			select {
			case <-time.After(time.Second):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}, nil)
		var all sync.WaitGroup
		ask := func(n int) {
			all.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), timeout)
				defer cancel()
				if err := q.Do(ctx, &item{n, n}); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		ask(0) // keeps the slot
		ask(1) // runs the next batch, after nearly all of its time
		time.Sleep(timeout - 100*time.Millisecond)
		for n := range 5 {
			ask(n + 2)
		}
		release()
		all.Wait()
		if batches != 1 {
			t.Errorf("%d batches after the first", batches)
		}
	})
}

func TestACallThatFindsNoSlotInTimeIsNeverInABatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, release := blocked(func(_ context.Context, items []*item) error {
			t.Errorf("in a batch: %v", numbers(items))
			return nil
		}, nil)
		var all sync.WaitGroup
		all.Go(func() {
			if err := q.Do(t.Context(), &item{0, 0}); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := q.Do(ctx, &item{1, 1}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("without a slot: %v", err)
		}
		release()
		all.Wait()
		checkIdle(t, q)
	})
}

// A panic costs its batch, not the slot, and every caller gets an answer.
func TestASlotOutlivesAPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var batches atomic.Int64
		q, release := blocked(func(context.Context, []*item) error {
			if batches.Add(1) == 1 {
				panic("driver")
			}
			return nil
		}, nil)
		var panicked, unknown atomic.Int64
		ask := func(n int) {
			defer func() {
				if recover() != nil {
					panicked.Add(1)
				}
			}()
			if err := q.Do(t.Context(), &item{n, n}); errors.Is(err, ErrPanicked) {
				unknown.Add(1)
			} else if err != nil {
				t.Error(err)
			}
		}
		var all sync.WaitGroup
		for n := range 4 {
			all.Go(func() { ask(n) })
			synctest.Wait()
		}
		release()
		all.Wait()
		if panicked.Load() != 1 || unknown.Load() != 2 {
			t.Errorf("%d panicked, %d do not know", panicked.Load(), unknown.Load())
		}
		checkIdle(t, q)
		if ask(4); batches.Load() != 2 {
			t.Errorf("%d batches", batches.Load())
		}
	})
}

// A key that is sent all the time is in one batch at a time and leaves the other slot to the rest.
func TestAKeyIsInOneBatchAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const hot = -1
		var mu sync.Mutex
		inFlight, batches, served := 0, 0, 0
		q := newQueue(2, func(_ context.Context, items []*item) error {
			mine := 0
			for _, i := range items {
				if i.key == hot {
					mine++
				}
			}
			mu.Lock()
			if inFlight += mine; inFlight > 1 {
				t.Error("two items of one key are in flight")
			}
			batches++
			mu.Unlock()
			time.Sleep(time.Millisecond)
			mu.Lock()
			inFlight -= mine
			served += len(items)
			mu.Unlock()
			return nil
		}, nil)
		var all sync.WaitGroup
		for n := range 200 {
			key := n
			if n%2 == 0 {
				key = hot
			}
			all.Go(func() {
				if err := q.Do(t.Context(), &item{key, n}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if served != 200 || batches < 100 {
			t.Errorf("%d served in %d batches", served, batches)
		}
		checkIdle(t, q)
	})
}

// Items whose key is in flight do not keep those behind them from the free slot.
func TestAKeyInFlightDelaysOnlyItsOwnItems(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const stuck = 0
		gate := make(chan struct{})
		q := newQueue(2, func(_ context.Context, items []*item) error {
			if slices.ContainsFunc(items, func(i *item) bool { return i.key == stuck }) {
				<-gate
			}
			return nil
		}, nil)
		var all sync.WaitGroup
		for n := range 10 {
			all.Go(func() {
				if err := q.Do(t.Context(), &item{stuck, n}); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		for key := 1; key <= 10; key++ { // while the key is stuck
			if err := q.Do(t.Context(), &item{key, key}); err != nil {
				t.Error(err)
			}
		}
		close(gate)
		all.Wait()
		checkIdle(t, q)
	})
}
