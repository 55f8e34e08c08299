// Package stats counts events by day. A day that is over is counted once. The present day is counted when support looks: by one process,
// at most once a minute, in the background. Support gets the latest counts without waiting.
package stats

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"latchkey/auth"
	"latchkey/models"
)

const (
	// Days is how many days are counted.
	Days = 30
	// every is how long the counts of a day that is not settled are good, and how long its counting may take.
	every = time.Minute
	// settled is how long after its end a day gets no more events: those that stand for several get more for an hour.
	settled = 2 * time.Hour
)

// Service counts. It is safe for concurrent use.
type Service struct {
	store *models.Store
	clock auth.Clock
	log   *slog.Logger

	mu       sync.Mutex
	counting chan struct{} // closed when the goroutine that counts ends; nil while nothing is counted
}

// New returns the service.
func New(store *models.Store, clock auth.Clock, log *slog.Logger) *Service {
	return &Service{store: store, clock: clock, log: log}
}

// Daily returns the latest counts and has them renewed where they are older than a minute. It waits for days that were never counted: the
// present one for the first look of a day, and all of them after an upgrade. It returns KindUnavailable when another process counts them.
func (s *Service) Daily(ctx context.Context) (Daily, error) {
	k, err := s.read(ctx)
	for try := 0; try < 2 && err == nil && len(k.missing) > 0; try++ { // a goroutine that counts others may be ending
		select {
		case <-s.renew(ctx):
		case <-ctx.Done():
		}
		k, err = s.read(ctx)
	}
	switch {
	case err != nil:
		return Daily{}, err
	case len(k.missing) > 0:
		return Daily{}, &auth.Error{Kind: auth.KindUnavailable, Message: "We’re busy right now.", RetryAfter: 5 * time.Second}
	case len(k.stale) > 0:
		s.renew(ctx)
	}
	return newDaily(k.first, k.counts), nil
}

// renew counts the missing and stale days in the background and returns a channel that is closed at the end. A count that is under way goes on.
func (s *Service) renew(ctx context.Context) (done chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.counting != nil {
		return s.counting
	}
	done = make(chan struct{})
	s.counting = done
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), every)
	go func() {
		defer cancel()
		k, err := s.read(ctx) // here, because what the caller read may have been counted since
		days := append(k.missing, k.stale...)
		for i := 0; i < len(days) && err == nil; i++ {
			err = s.count(ctx, days[i])
		}
		if err != nil {
			s.log.WarnContext(ctx, "the events of a day could not be counted", "error", err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.counting = nil
		close(done)
	}()
	return done
}

// Run counts the days that are over, at once and every hour, until ctx ends.
func (s *Service) Run(ctx context.Context) {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		if err := s.CountFinished(ctx); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "the events of past days could not be counted", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// CountFinished counts the days that are over and were not counted since, and forgets those that Daily does not show any more.
func (s *Service) CountFinished(ctx context.Context) error {
	k, err := s.read(ctx)
	if err != nil {
		return err
	}
	for _, day := range append(k.missing, k.stale...) {
		if s.clock.Now().Before(midnight(day + 1).Add(settled)) {
			continue
		}
		if err := s.count(ctx, day); err != nil {
			return err
		}
	}
	return s.store.ForgetDays(ctx, k.first)
}

// kept are the counts in the database.
type kept struct {
	first   int64 // the first of the last Days days
	counts  []models.DayCount
	missing []int64 // days without counts
	stale   []int64 // days whose counts may have changed
}

func (s *Service) read(ctx context.Context) (kept, error) {
	now := s.clock.Now()
	k := kept{first: dayOf(now) - Days + 1}
	days, counts, err := s.store.CountedDays(ctx, k.first, k.first+Days)
	if err != nil {
		return k, err
	}
	k.counts = counts
	countedAt := map[int64]time.Time{}
	for _, d := range days {
		if d.CountedAt != nil {
			countedAt[d.Day] = *d.CountedAt
		}
	}
	for day := k.first; day < k.first+Days; day++ {
		at, ok := countedAt[day]
		switch {
		case !ok:
			k.missing = append(k.missing, day)
		case at.After(now), at.Before(midnight(day+1).Add(settled)) && !auth.Fresh(at, now, every): // a clock was wrong, or the day was not settled
			k.stale = append(k.stale, day)
		}
	}
	return k, nil
}
