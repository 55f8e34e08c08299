package operator

import (
	"context"
	"sync/atomic"
	"time"

	"latchkey/models"
)

// sweepCounts are what the sweeper of this process did.
type sweepCounts struct{ succeeded, failed, rows, succeededAt atomic.Int64 }

// Sweeps describes what the sweeper of this process did since the process started.
type Sweeps struct {
	Succeeded, Failed int64
	Rows              int64     // deleted, expired counters and codes included
	SucceededAt       time.Time // the last sweep without an error, in whole seconds; before the first one, when the process began to serve
}

// Sweeps returns the counts. It returns false if this process does not sweep.
func (s *Service) Sweeps() (Sweeps, bool) {
	c := &s.sweeps
	at := c.succeededAt.Load()
	return Sweeps{c.succeeded.Load(), c.failed.Load(), c.rows.Load(), time.Unix(at, 0)}, at != 0
}

// SweepAndCount sweeps, logs and counts as Run does every hour.
func (s *Service) SweepAndCount(ctx context.Context) {
	n, err := s.Sweep(ctx)
	s.sweeps.rows.Add(n)
	switch {
	case err != nil && ctx.Err() != nil: // the program stops
		return
	case err != nil:
		s.sweeps.failed.Add(1)
		s.log.WarnContext(ctx, "sweep failed", "error", err)
		return
	}
	s.sweeps.succeeded.Add(1)
	s.sweeps.succeededAt.Store(s.clock.Now().Unix())
	if n > 0 {
		s.log.InfoContext(ctx, "swept", "rows", n)
	}
}

// DatabaseUp reports whether the database answers and takes writes, as Ready finds it: a question at most every second.
func (s *Service) DatabaseUp(ctx context.Context) bool { return s.databaseReady(ctx) == nil }

// Retries returns how often statements were tried again since the process started.
func (s *Service) Retries() models.Retries { return s.store.Retries() }
