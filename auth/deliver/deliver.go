// Package deliver sends messages that wait for other systems. A system that is slow or down does not delay the others.
package deliver

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Loop serves systems for which something is due.
type Loop[R any] struct {
	Every time.Duration                          // between two looks at what is due
	Due   func(ctx context.Context) ([]R, error) // the systems; beside an error those that are known
	ID    func(R) string
	Serve func(ctx context.Context, r R)       // one at a time for each system
	Blind func(ctx context.Context, err error) // is told of the first of several errors of Due in a row
}

// Run serves until the context ends, and returns when no system is being served any more.
func (l Loop[R]) Run(ctx context.Context) {
	poll := time.NewTicker(l.Every)
	defer poll.Stop()
	var serving sync.WaitGroup
	defer serving.Wait()
	var busy sync.Map
	blind := false
	for ctx.Err() == nil {
		due, err := l.Due(ctx)
		if err != nil && !blind && ctx.Err() == nil {
			l.Blind(ctx, err)
		}
		blind = err != nil
		for _, r := range due {
			if _, already := busy.LoadOrStore(l.ID(r), true); !already {
				serving.Go(func() {
					defer busy.Delete(l.ID(r))
					l.Serve(ctx, r)
				})
			}
		}
		select {
		case <-ctx.Done():
		case <-poll.C:
		}
	}
}

// All sends a batch, up to so many messages at a time, and reports whether all were delivered. It stops at the first that was not: a system that is down
// gets one attempt of each sender, however many messages wait for it.
func All[M any](ctx context.Context, batch []M, senders int, send func(M) bool) bool {
	waiting := make(chan M, len(batch))
	for _, m := range batch {
		waiting <- m
	}
	close(waiting)
	var failed atomic.Bool
	var sending sync.WaitGroup
	for range min(senders, len(batch)) {
		sending.Go(func() {
			for m := range waiting {
				if failed.Load() || ctx.Err() != nil {
					return
				}
				if !send(m) {
					failed.Store(true)
				}
			}
		})
	}
	sending.Wait()
	return !failed.Load()
}
