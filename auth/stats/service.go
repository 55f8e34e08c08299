// Package stats counts events by day. A day that is over is counted once. The present day is counted while somebody looks, once a minute
// at most and by one process, and those who look get the latest counts without waiting.
package stats

import (
	"context"
	"log/slog"
	"sync/atomic"
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
	busy  atomic.Bool // a goroutine counts
}

// New returns the service.
func New(store *models.Store, clock auth.Clock, log *slog.Logger) *Service {
	return &Service{store: store, clock: clock, log: log}
}

// Daily returns the latest counts and has them renewed where they are older than a minute. It waits for days that were never counted, which
// are the present one for the first look of a day, and all of them before the first sweep.
func (s *Service) Daily(ctx context.Context) (Daily, error) {
	k, err := s.read(ctx)
	if err != nil {
		return Daily{}, err
	}
	if len(k.missing) > 0 {
		for _, day := range k.missing {
			if err := s.count(ctx, day); err != nil {
				return Daily{}, err
			}
		}
		if k, err = s.read(ctx); err != nil {
			return Daily{}, err
		}
	}
	if len(k.stale) > 0 && s.busy.CompareAndSwap(false, true) {
		ctx := context.WithoutCancel(ctx)
		go func() {
			defer s.busy.Store(false)
			s.renew(ctx, k.stale)
		}()
	}
	return newDaily(k.first, k.counts), nil
}

// CountFinished counts the days that are over and were not counted since, and forgets those that Daily does not show any more. It stops without
// an error when ctx ends.
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

func (s *Service) renew(ctx context.Context, days []int64) {
	ctx, cancel := context.WithTimeout(ctx, every)
	defer cancel()
	for _, day := range days {
		if err := s.count(ctx, day); err != nil {
			s.log.WarnContext(ctx, "the events of a day could not be counted", "error", err)
			return
		}
	}
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
