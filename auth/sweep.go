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
	// Counters are made by whoever fails to sign in, so they go as soon as they are over.
	sweepAttemptsEvery = time.Minute
)

// Sweep finishes deletions and deletes what is past retention. It returns how many rows the latter were.
func (s *Service) Sweep(ctx context.Context) (deleted int64, err error) {
	if _, err := s.FinishDeletions(ctx); err != nil {
		return 0, err
	}
	now := s.now()
	r := limitRetention(now)
	r.DevicesBefore, r.EventsBefore, r.StatusBefore = now.Add(-keepDevices), now.Add(-keepEvents), now.Add(-statusKeep)
	r.FailuresBefore, r.LinksBefore, r.AlertsBefore = now.Add(-keepFailures), now, now.Add(-alertsEvery)
	return s.store.Sweep(ctx, r)
}

// Run keeps the signing keys and the status lists current, sweeps, sends mails and finishes deletions, until the context ends. Trouble is logged, and tried again.
func (s *Service) Run(ctx context.Context) {
	var others sync.WaitGroup // beside the rest: neither a slow mail server nor a giant account must delay a revocation
	defer others.Wait()
	others.Go(func() { s.runMail(ctx) })
	others.Go(func() { s.runDeletions(ctx) })
	others.Go(func() { s.runSweep(ctx) })
	keys, status := time.NewTicker(ringReadEvery), time.NewTicker(statusReadEvery)
	defer keys.Stop()
	defer status.Stop()
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
		}
	}
}

// runSweep sweeps every hour until the context ends.
func (s *Service) runSweep(ctx context.Context) {
	every, attempts := time.NewTicker(sweepEvery), time.NewTicker(sweepAttemptsEvery)
	defer every.Stop()
	defer attempts.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-attempts.C:
			if _, err := s.store.SweepCounters(ctx, s.now()); err != nil && ctx.Err() == nil {
				s.Logger.WarnContext(ctx, "the counters of sign-ins could not be swept", "error", err)
			}
		case <-every.C:
			if n, err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
				s.Logger.WarnContext(ctx, "sweep failed", "error", err)
			} else if n > 0 {
				s.Logger.InfoContext(ctx, "swept", "rows", n)
			}
		}
	}
}
