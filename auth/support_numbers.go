package auth

import (
	"context"
	"sync"
	"time"

	"latchkey/models"
)

const (
	numbersDays = 30
	numbersLast = time.Minute // how long they are good for
)

// Numbers are how often something happened on each of the last days, on all accounts together.
type Numbers struct {
	Days                                []time.Time // midnights UTC, the oldest first; the last day is not over
	SignIns, Failed, Reuse, Revocations []int64     // one for each day
}

// supportDesk keeps what was counted last in this process, or that it could not be.
type supportDesk struct {
	within  time.Duration // supportWithin
	limit   deskLimit
	mu      sync.Mutex
	at      time.Time
	numbers Numbers
	err     error
}

// counted says which events each row of the numbers is made of.
func (n *Numbers) counted() map[models.EventKind][]int64 {
	return map[models.EventKind][]int64{
		models.EventSignIn: n.SignIns, models.EventSignInFailed: n.Failed, models.EventDeviceReused: n.Reuse,
		models.EventDeviceRevoked: n.Revocations, models.EventDevicesRevoked: n.Revocations,
	}
}

// Numbers counts what happened in the last 30 days, at most once a minute in each process, so that a page that is
// opened again and again costs the database nothing. A count that failed is not tried again sooner either.
func (s *Service) Numbers(ctx context.Context, by *Session) (Numbers, error) {
	if err := mayLook(by); err != nil {
		return Numbers{}, err
	}
	now := s.now()
	c := &s.desk
	c.mu.Lock()
	defer c.mu.Unlock()
	if !fresh(c.at, now, numbersLast) {
		// Whoever hangs up meanwhile must not fail the others.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.desk.within)
		defer cancel()
		c.numbers, c.err = s.count(ctx, now)
		c.at = now
	}
	return c.numbers, c.err
}

func (s *Service) count(ctx context.Context, now time.Time) (Numbers, error) {
	const day = 24 * time.Hour
	first := now.Truncate(day).Add(-(numbersDays - 1) * day) // Truncate counts from a midnight UTC
	n := Numbers{
		SignIns: make([]int64, numbersDays), Failed: make([]int64, numbersDays),
		Reuse: make([]int64, numbersDays), Revocations: make([]int64, numbersDays),
	}
	for i := range numbersDays {
		n.Days = append(n.Days, first.Add(time.Duration(i)*day))
	}
	rows := n.counted()
	var kinds []models.EventKind
	for kind := range rows {
		kinds = append(kinds, kind)
	}
	list, err := s.store.DailyCounts(ctx, kinds, first, first.Add(numbersDays*day))
	if err != nil {
		return Numbers{}, err
	}
	start := first.Unix() / int64(day/time.Second)
	for _, c := range list {
		if at := c.Day - start; at >= 0 && at < numbersDays && rows[c.Kind] != nil {
			rows[c.Kind][at] += c.N
		}
	}
	return n, nil
}
