package resource

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

const (
	retryGap   = 5 * time.Second  // between fetches that requests cause
	firstRetry = time.Second      // after a failed fetch; doubles
	lastRetry  = 30 * time.Second // the longest
)

// poller fetches a document in a goroutine of its own, again whenever it is due. Requests read the document without waiting; those
// that need a newer one share a fetch.
type poller[T any] struct {
	name  string
	fetch func(ctx context.Context, old *T) (*T, error) // returns a new document, given the current one or nil
	due   func(*T) time.Time                            // when to fetch the next one
	now   func() time.Time
	log   *slog.Logger
	value atomic.Pointer[T] // nil before the first fetch
	used  atomic.Int64      // last use, in seconds since 1970, rounded to the minute
	gone  atomic.Bool       // the goroutine has ended

	wake     chan struct{} // holds an element if a request set busy and the goroutine has not seen it yet
	mu       sync.Mutex
	busy     bool
	done     chan struct{} // closed when the current fetch, or else the next one, ends
	tried    time.Time     // when the last fetch ended
	failures int           // since the last successful fetch
}

// startPoller begins with a fetch. The poller ends with ctx.
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

// update fetches once, and wakes the requests that wait for it.
func (p *poller[T]) update(ctx context.Context) {
	p.mu.Lock()
	p.busy = true
	select {
	case <-p.wake: // a request came while the timer fired
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

// pause returns how long to wait for the next fetch if no request needs one.
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

// request starts a fetch, or joins the current one, and returns a channel that is closed when it ends. It returns nil if the last
// fetch was too recent, or if fetches fail and another request already waits for the next one, so that requests do not pile up in
// front of a server that hangs.
func (p *poller[T]) request() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.busy && p.failures > 0 {
		return nil
	}
	if !p.busy {
		if since := p.now().Sub(p.tried); since >= 0 && since < retryGap { // a clock that was set back allows a fetch
			return nil
		}
		p.busy = true
		select {
		case p.wake <- struct{}{}:
		default: // full already; waiting here would hold the lock
		}
	}
	return p.done
}

// await requests a fetch, and waits until it ends or ctx is done.
func (p *poller[T]) await(ctx context.Context) {
	if done := p.request(); done != nil {
		select {
		case <-done:
		case <-ctx.Done():
		}
	}
}

// nudge requests a fetch without waiting if the document is overdue. now is from the clock that checks the document, which can
// differ from the timer's.
func (p *poller[T]) nudge(due, now time.Time) {
	if now.After(due) {
		p.request()
	}
}

// failing reports whether the last fetch failed.
func (p *poller[T]) failing() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failures > 0
}

// use records that a request needs the document. It writes once a minute, so that cores do not compete for it.
func (p *poller[T]) use(now time.Time) {
	if minute := now.Unix() / 60 * 60; p.used.Load() != minute {
		p.used.Store(minute)
	}
}
