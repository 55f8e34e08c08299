package resource

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

const (
	retryGap   = 5 * time.Second  // between fetches that requests ask for
	firstRetry = time.Second      // after a fetch that failed; doubles
	lastRetry  = 30 * time.Second // until here
)

// kept is a document that one goroutine fetches, and fetches again when it is due. Requests read it without waiting;
// those that need a newer one share a fetch.
type kept[T any] struct {
	name  string
	fetch func(ctx context.Context, old *T) (*T, error) // a new document, given the one held or nil
	due   func(*T) time.Time                            // when to fetch the next
	now   func() time.Time
	log   *slog.Logger
	value atomic.Pointer[T] // nil before the first
	used  atomic.Int64      // seconds since 1970, to the minute
	gone  atomic.Bool       // the goroutine has ended

	kick     chan struct{} // holds one while busy was set by a request and the goroutine does not know yet
	mu       sync.Mutex
	busy     bool
	done     chan struct{} // closed when the fetch under way, or else the next, ends
	tried    time.Time     // when the last one ended
	failures int           // since the last success
}

// keep starts with a fetch. It ends with ctx.
func keep[T any](ctx context.Context, running *sync.WaitGroup, k *kept[T]) *kept[T] {
	k.kick, k.done, k.busy = make(chan struct{}, 1), make(chan struct{}), true
	running.Go(func() { k.run(ctx) })
	return k
}

func (k *kept[T]) run(ctx context.Context) {
	defer k.end()
	for {
		k.update(ctx)
		timer := time.NewTimer(k.pause())
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		case <-k.kick:
			timer.Stop()
		}
	}
}

// update fetches once, and wakes those who wait for it.
func (k *kept[T]) update(ctx context.Context) {
	k.mu.Lock()
	k.busy = true
	select {
	case <-k.kick: // asked for while the timer rang
	default:
	}
	k.mu.Unlock()

	fresh, err := k.fetch(ctx, k.value.Load())

	k.mu.Lock()
	defer k.mu.Unlock()
	failed := k.failures
	if err == nil {
		k.value.Store(fresh)
		k.failures = 0
	} else {
		k.failures++
	}
	switch {
	case ctx.Err() != nil:
	case err != nil && failed == 0:
		k.log.Warn("cannot fetch "+k.name, "error", err)
	case err == nil && failed > 0:
		k.log.Info("fetched "+k.name+" again", "failures", failed)
	}
	k.tried, k.busy = k.now(), false
	close(k.done)
	k.done = make(chan struct{})
}

// pause is how long to wait for the next fetch when nobody asks for one.
func (k *kept[T]) pause() time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.failures > 0 {
		return min(firstRetry<<min(k.failures-1, 10), lastRetry)
	}
	return max(k.due(k.value.Load()).Sub(k.now()), firstRetry)
}

func (k *kept[T]) end() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.gone.Store(true)
	close(k.done)
}

// ask begins a fetch, or joins the one under way, and returns what is closed when it ends. Nil when there was one so
// recently that another is not worth it, and while fetches fail, except for whoever begins the next: requests must not
// pile up before a server that hangs.
func (k *kept[T]) ask() <-chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.busy && k.failures > 0 {
		return nil
	}
	if !k.busy {
		if since := k.now().Sub(k.tried); since >= 0 && since < retryGap { // a clock that was set back asks
			return nil
		}
		k.busy = true
		select {
		case k.kick <- struct{}{}:
		default: // full already, and it must not be waited for under the lock
		}
	}
	return k.done
}

// await asks, and waits for the end of it or of the request.
func (k *kept[T]) await(ctx context.Context) {
	if done := k.ask(); done != nil {
		select {
		case <-done:
		case <-ctx.Done():
		}
	}
}

// nudge asks without waiting when the document is overdue: by the clock that judges, which may be another than the timer's.
func (k *kept[T]) nudge(due, now time.Time) {
	if now.After(due) {
		k.ask()
	}
}

// failing tells whether the last fetch failed.
func (k *kept[T]) failing() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.failures > 0
}

// use notes that somebody needs the document. It writes once a minute, so that cores do not fight over it.
func (k *kept[T]) use(now time.Time) {
	if minute := now.Unix() / 60 * 60; k.used.Load() != minute {
		k.used.Store(minute)
	}
}
