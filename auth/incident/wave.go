package incident

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"latchkey/models"
)

// measureFor is how long the hash rate is measured.
const measureFor = 500 * time.Millisecond

// Wave estimates the load when the people who were signed out sign in again.
type Wave struct {
	Passwords int64         // to check, at most: one for each device, and another one for each account with a new password; a passkey costs none
	Rate      float64       // passwords that this machine checks in a second, on all its cores
	Lasts     time.Duration // how long this machine alone is busy, if all come back at once
}

// Wave measures how fast this machine checks passwords, and says how long the sign-ins after an incident would keep it busy.
func (s *Service) Wave(ctx context.Context, i models.Incident) (w Wave, err error) {
	w.Passwords = i.Counts.Devices - i.Counts.Passkeys
	if i.RequireReset {
		w.Passwords += i.Counts.Accounts
	}
	if w.Rate, err = s.hashRate(ctx); err != nil {
		return w, err
	}
	w.Lasts = time.Duration(float64(w.Passwords) / w.Rate * float64(time.Second))
	return w, nil
}

// hashRate is how many passwords this process checks in a second.
func (s *Service) hashRate(ctx context.Context) (float64, error) {
	var done atomic.Int64
	var failed atomic.Pointer[error]
	var workers sync.WaitGroup
	began := time.Now()
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for time.Since(began) < measureFor {
				if err := s.hasher.VerifyUnknown(ctx, "the hash rate"); err != nil {
					failed.Store(&err)
					return
				}
				done.Add(1)
			}
		})
	}
	workers.Wait()
	if err := failed.Load(); err != nil {
		return 0, *err
	}
	return float64(done.Load()) / time.Since(began).Seconds(), nil
}
