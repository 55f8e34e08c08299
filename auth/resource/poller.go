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

// poller is a document that one goroutine fetches, and fetches again when it is due. Requests read it without waiting;
// those that need a newer one share a fetch.
type poller[T any] struct {
	name  string
	fetch func(ctx context.Context, old *T) (*T, error) // a new document, given the one held or nil
	due   func(*T) time.Time                            // when to fetch the next
	now   func() time.Time
	log   *slog.Logger
	value atomic.Pointer[T] // nil before the first
	used  atomic.Int64      // seconds since 1970, to the minute
	gone  atomic.Bool       // the goroutine has ended

	wake     chan struct{} // holds one while busy was set by a request and the goroutine does not know yet
	mu       sync.Mutex
	busy     bool
	done     chan struct{} // closed when the fetch under way, or else the next, ends
	tried    time.Time     // when the last one ended
	failures int           // since the last success
}

// startPoller starts with a fetch. It ends with ctx.
func startPoller[T any](ctx context.Context, running *sync.WaitGroup, p *poller[T]) *poller[T] {
	p.wake, p.done, p.busy = make(chan struct{}, 1), make(chan struct{}), true
	running.Go(func() { p.run(ctx) })
	return p
}

func (p *poller[T]) run(ctx context.Context) {
	defer p.end()
	for {
		p.update(ctx)
		timer := time.NewTimer(p.pause())
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		case <-p.wake:
			timer.Stop()
		}
	}
}

// update fetches once, and wakes those who wait for it.
func (p *poller[T]) update(ctx context.Context) {
	p.mu.Lock()
	p.busy = true
	select {
	case <-p.wake: // asked for while the timer rang
	default:
	}
	p.mu.Unlock()

	fresh, err := p.fetch(ctx, p.value.Load())

	p.mu.Lock()
	defer p.mu.Unlock()
	failed := p.failures
	if err == nil {
		p.value.Store(fresh)
		p.failures = 0
	} else {
		p.failures++
	}
	switch {
	case ctx.Err() != nil:
	case err != nil && failed == 0:
		p.log.Warn("cannot fetch "+p.name, "error", err)
	case err == nil && failed > 0:
		p.log.Info("fetched "+p.name+" again", "failures", failed)
	}
	p.tried, p.busy = p.now(), false
	close(p.done)
	p.done = make(chan struct{})
}

// pause is how long to wait for the next fetch when nobody asks for one.
func (p *poller[T]) pause() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failures > 0 {
		return min(firstRetry<<min(p.failures-1, 10), lastRetry)
	}
	return max(p.due(p.value.Load()).Sub(p.now()), firstRetry)
}

func (p *poller[T]) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone.Store(true)
	close(p.done)
}

// request begins a fetch, or joins the one under way, and returns what is closed when it ends. Nil when there was one so
// recently that another is not worth it, and while fetches fail, except for whoever begins the next: requests must not
// pile up before a server that hangs.
func (p *poller[T]) request() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.busy && p.failures > 0 {
		return nil
	}
	if !p.busy {
		if since := p.now().Sub(p.tried); since >= 0 && since < retryGap { // a clock that was set back asks
			return nil
		}
		p.busy = true
		select {
		case p.wake <- struct{}{}:
		default: // full already, and it must not be waited for under the lock
		}
	}
	return p.done
}

// await asks, and waits for the end of it or of the request.
func (p *poller[T]) await(ctx context.Context) {
	if done := p.request(); done != nil {
		select {
		case <-done:
		case <-ctx.Done():
		}
	}
}

// nudge asks without waiting when the document is overdue: by the clock that judges, which may be another than the timer's.
func (p *poller[T]) nudge(due, now time.Time) {
	if now.After(due) {
		p.request()
	}
}

// failing tells whether the last fetch failed.
func (p *poller[T]) failing() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failures > 0
}

// use notes that somebody needs the document. It writes once a minute, so that cores do not fight over it.
func (p *poller[T]) use(now time.Time) {
	if minute := now.Unix() / 60 * 60; p.used.Load() != minute {
		p.used.Store(minute)
	}
}
