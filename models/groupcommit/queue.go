package groupcommit

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"
)

// ErrPanicked is returned to the callers of a batch whose function panicked. It is unknown whether the batch was committed. The
// panic itself continues in the caller that ran the batch.
var ErrPanicked = errors.New("the function that commits batches panicked")

// Config describes the work of a Queue. All fields are required.
type Config[K comparable, T any] struct {
	Slots    int           // batches in flight at a time, at least 1
	MaxBatch int           // items of a batch, at least 1
	Timeout  time.Duration // of one batch

	// Key says what an item changes. Items with the same key are never in flight together.
	Key func(item T) K
	// Compare orders the items of a batch. When every transaction takes its locks in this order, batches do not deadlock.
	Compare func(a, b T) int
	// Batch commits all items in one transaction, or none. It returns an error made by RolledBack when it knows that nothing was
	// committed. Results go into the items, which the queue hands to one function at a time.
	Batch func(ctx context.Context, items []T) error
	// Solo commits one item. It may find results in the item that an earlier batch left there before it was rolled back.
	Solo func(ctx context.Context, item T) error
}

// Queue groups items into batches. It is safe for concurrent use.
type Queue[K comparable, T any] struct {
	config Config[K, T]

	mu       sync.Mutex
	busy     int // slots in use
	inFlight map[K]bool
	waiting  []*call[T] // in order of arrival
}

// New returns an empty Queue.
func New[K comparable, T any](c Config[K, T]) *Queue[K, T] {
	return &Queue[K, T]{config: c, inFlight: map[K]bool{}}
}

// call is one call of Do.
type call[T any] struct {
	item T
	next chan step // for a call that waits
	err  error     // set before stepDone is sent
}

// step is what a call does next.
type step int

const (
	stepDone    step = iota // its batch has ended
	stepLead                // it holds a slot and runs the next batch
	stepTrySolo             // its batch was rolled back
)

// rolledBack is the error of a batch that was rolled back.
type rolledBack struct{ error }

func (e rolledBack) Unwrap() error { return e.error }

// RolledBack marks the error of a batch that was rolled back: its items are tried alone. A nil error stays nil.
func RolledBack(err error) error {
	if err == nil {
		return nil
	}
	return rolledBack{err}
}

// Do commits an item, in a batch or alone, and returns the error of its commit. The end of ctx stops the wait for a slot and an
// attempt alone. It does not stop a batch, which belongs to other callers too and has a timeout of its own.
func (q *Queue[K, T]) Do(ctx context.Context, item T) error {
	c := &call[T]{item: item, next: make(chan step, 1)}
	next := stepLead
	if !q.takeSlot(c) {
		next = q.wait(ctx, c)
	}
	if next == stepLead {
		next = q.lead(ctx, c)
	}
	if next == stepTrySolo {
		return q.config.Solo(ctx, item)
	}
	return c.err
}

// takeSlot gives a call a free slot, or appends it to those that wait and returns false.
func (q *Queue[K, T]) takeSlot(c *call[T]) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.busy < q.config.Slots && q.claim(c) {
		q.busy++
		return true
	}
	q.waiting = append(q.waiting, c)
	return false
}

// wait returns the next step of a call that waits. When ctx ends first, the call leaves the queue.
func (q *Queue[K, T]) wait(ctx context.Context, c *call[T]) step {
	select {
	case next := <-c.next:
		return next
	case <-ctx.Done():
	}
	q.mu.Lock()
	i := slices.Index(q.waiting, c)
	if i >= 0 {
		q.waiting = slices.Delete(q.waiting, i, i+1)
	}
	q.mu.Unlock()
	if i < 0 {
		return <-c.next // a batch has it already and ends within its timeout
	}
	c.err = fmt.Errorf("wait for a batch: %w", ctx.Err())
	return stepDone
}

// claim marks the key of a call as in flight, or reports that it already is. The caller holds mu.
func (q *Queue[K, T]) claim(c *call[T]) bool {
	key := q.config.Key(c.item)
	if q.inFlight[key] {
		return false
	}
	q.inFlight[key] = true
	return true
}

// lead runs the batch of the call that holds a slot. The slot is handed off even after a panic: a lost slot would never come back.
func (q *Queue[K, T]) lead(ctx context.Context, leader *call[T]) step {
	runtime.Gosched() // callers that are about to arrive join this batch
	batch := q.gather(leader)
	items := make([]T, len(batch))
	for i, c := range batch {
		items[i] = c.item
	}
	err := ErrPanicked
	defer func() { q.finish(batch, leader, err) }()
	// The leader may have waited for most of its own time; the others have not.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), q.config.Timeout)
	defer cancel()
	err = q.config.Batch(ctx, items)
	return nextStep(err)
}

// gather claims the waiting calls that may join a batch, and orders them.
func (q *Queue[K, T]) gather(leader *call[T]) []*call[T] {
	batch := []*call[T]{leader}
	q.mu.Lock()
	q.waiting = slices.DeleteFunc(q.waiting, func(c *call[T]) bool {
		if len(batch) == q.config.MaxBatch || !q.claim(c) {
			return false
		}
		batch = append(batch, c)
		return true
	})
	q.mu.Unlock()
	slices.SortFunc(batch, func(a, b *call[T]) int { return q.config.Compare(a.item, b.item) })
	return batch
}

// nextStep is the step of a call after a batch.
func nextStep(err error) step {
	if errors.As(err, new(rolledBack)) {
		return stepTrySolo
	}
	return stepDone
}

// finish hands the slot off and wakes the callers of a batch.
func (q *Queue[K, T]) finish(batch []*call[T], leader *call[T], err error) {
	q.handOff(batch)
	for _, c := range batch {
		c.err = err
		if c != leader {
			c.next <- nextStep(err)
		}
	}
}

// handOff gives the slot to the call that has waited longest among those whose key is not in flight. A call whose key is in flight
// gets its chance when the batch with that key ends.
func (q *Queue[K, T]) handOff(batch []*call[T]) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, c := range batch {
		delete(q.inFlight, q.config.Key(c.item))
	}
	i := slices.IndexFunc(q.waiting, q.claim)
	if i < 0 {
		q.busy--
		return
	}
	next := q.waiting[i]
	q.waiting = slices.Delete(q.waiting, i, i+1)
	next.next <- stepLead
}
