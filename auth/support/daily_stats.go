package support

import (
	"context"
	"sync"
	"time"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/models"
)

const (
	// StatDays is how many days are counted.
	StatDays  = 30
	statsLast = time.Minute // how long a count is reused
)

// DailyStats are the numbers of events on each of the last StatDays days, over all accounts.
type DailyStats struct {
	Days                                []time.Time // midnights UTC, oldest first; the last day is not over
	SignIns, Failed, Reuse, Revocations []int64     // one for each day
}

// stats is the last count of this process, or its error.
type stats struct {
	limit   actLimit
	mu      sync.Mutex
	at      time.Time
	numbers DailyStats
	err     error
}

// counted maps the kinds of counted events to their rows.
func (n *DailyStats) counted() map[models.EventKind][]int64 {
	return map[models.EventKind][]int64{
		models.EventSignIn: n.SignIns, models.EventSignInFailed: n.Failed, models.EventDeviceReused: n.Reuse,
		models.EventDeviceRevoked: n.Revocations, models.EventDevicesRevoked: n.Revocations,
	}
}

// DailyStats counts the events of the last StatDays days, at most once a minute in each process, so that reloading the page costs
// the database nothing. A failed count is not retried sooner. DailyStats returns KindNotFound unless the caller is support staff.
func (s *Service) DailyStats(ctx context.Context, by *browser.Session) (DailyStats, error) {
	if err := requireSupport(by); err != nil {
		return DailyStats{}, err
	}
	now := s.clock.Now()
	c := &s.stats
	c.mu.Lock()
	defer c.mu.Unlock()
	if !auth.Fresh(c.at, now, statsLast) {
		// A caller who hangs up must not fail the others.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.Patience)
		defer cancel()
		c.numbers, c.err = s.count(ctx, now)
		c.at = now
	}
	return c.numbers, c.err
}

func (s *Service) count(ctx context.Context, now time.Time) (DailyStats, error) {
	const day = 24 * time.Hour
	first := now.Truncate(day).Add(-(StatDays - 1) * day) // Truncate counts from a midnight UTC
	n := DailyStats{
		SignIns: make([]int64, StatDays), Failed: make([]int64, StatDays),
		Reuse: make([]int64, StatDays), Revocations: make([]int64, StatDays),
	}
	for i := range StatDays {
		n.Days = append(n.Days, first.Add(time.Duration(i)*day))
	}
	rows := n.counted()
	var kinds []models.EventKind
	for kind := range rows {
		kinds = append(kinds, kind)
	}
	list, err := s.store.DailyCounts(ctx, kinds, first, first.Add(StatDays*day))
	if err != nil {
		return DailyStats{}, err
	}
	start := first.Unix() / int64(day/time.Second)
	for _, c := range list {
		if at := c.Day - start; at >= 0 && at < StatDays && rows[c.Kind] != nil {
			rows[c.Kind][at] += c.N
		}
	}
	return n, nil
}
