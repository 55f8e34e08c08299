package auth

import (
	"context"
	"sync"
	"time"
)

// What the sweeper keeps, and for how long after its end.
const (
	keepDevices = 90 * 24 * time.Hour
	keepEvents  = 400 * 24 * time.Hour
	sweepEvery  = time.Hour
)

// Sweep deletes what is past retention and returns how many rows went.
func (s *Service) Sweep(ctx context.Context) (deleted int64, err error) {
	now := s.now()
	r := limitRetention(now)
	r.DevicesBefore, r.EventsBefore, r.StatusBefore = now.Add(-keepDevices), now.Add(-keepEvents), now.Add(-statusKeep)
	r.LinksBefore = now
	return s.store.Sweep(ctx, r)
}

// Run keeps the signing keys and the status lists current and sweeps and sends mails, until the context ends. Trouble is logged, and tried again.
func (s *Service) Run(ctx context.Context) {
	var mails sync.WaitGroup
	defer mails.Wait()
	mails.Go(func() { s.runMail(ctx) }) // beside the rest: a slow mail server must not delay a revocation
	keys, sweep, status := time.NewTicker(ringReadEvery), time.NewTicker(sweepEvery), time.NewTicker(statusReadEvery)
	defer keys.Stop()
	defer status.Stop()
	defer sweep.Stop()
	blind := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-status.C:
			s.watchWrites(ctx)
			err := s.LoadStatus(ctx)
			if err != nil && !blind && ctx.Err() == nil {
				s.Logger.WarnContext(ctx, "revocations could not be read", "error", err) // once, not every second
			}
			blind = err != nil
		case <-keys.C:
			if err := s.LoadKeys(ctx); err != nil && ctx.Err() == nil {
				s.Logger.WarnContext(ctx, "signing keys could not be read", "error", err)
			}
		case <-sweep.C:
			if n, err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
				s.Logger.WarnContext(ctx, "sweep failed", "error", err)
			} else if n > 0 {
				s.Logger.InfoContext(ctx, "swept", "rows", n)
			}
		}
	}
}
