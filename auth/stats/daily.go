package stats

import (
	"context"
	"time"

	"latchkey/models"
)

const day = 24 * time.Hour

// Daily are the numbers of events on each of the last Days days, over all accounts.
type Daily struct {
	Days                                []time.Time // midnights UTC, oldest first; the last day is not over
	SignIns, Failed, Reuse, Revocations []int64     // one for each day
}

// kinds are the kinds of the counted events.
var kinds = []models.EventKind{
	models.EventSignIn, models.EventSignInFailed, models.EventDeviceReused, models.EventDeviceRevoked, models.EventDevicesRevoked,
	models.EventDevicesRevokedSince, models.EventIncident,
}

// row returns the row that a kind belongs to; nil: none.
func (d *Daily) row(kind models.EventKind) []int64 {
	switch kind { //nolint:exhaustive // of many kinds, these are counted
	case models.EventSignIn:
		return d.SignIns
	case models.EventSignInFailed:
		return d.Failed
	case models.EventDeviceReused:
		return d.Reuse
	case models.EventDeviceRevoked, models.EventDevicesRevoked, models.EventDevicesRevokedSince, models.EventIncident:
		return d.Revocations
	}
	return nil
}

func newDaily(first int64, counts []models.DayCount) Daily {
	d := Daily{SignIns: make([]int64, Days), Failed: make([]int64, Days), Reuse: make([]int64, Days), Revocations: make([]int64, Days)}
	for i := range int64(Days) {
		d.Days = append(d.Days, midnight(first+i))
	}
	for _, c := range counts {
		if row, at := d.row(c.Kind), c.Day-first; row != nil && at >= 0 && at < Days {
			row[at] += c.N
		}
	}
	return d
}

// dayOf returns the UTC day of a moment in days since 1970-01-01, and midnight its beginning.
func dayOf(t time.Time) int64      { return t.Unix() / int64(day/time.Second) }
func midnight(day int64) time.Time { return time.Unix(day*24*60*60, 0).UTC() }

// count counts a day unless another process began to a moment ago.
func (s *Service) count(ctx context.Context, day int64) error {
	now := s.clock.Now()
	begun, err := s.store.BeginDay(ctx, day, now, every)
	if err != nil || !begun {
		return err
	}
	list, err := s.store.DailyCounts(ctx, kinds, midnight(day), midnight(day+1))
	if err != nil {
		return err
	}
	sums := map[models.EventKind]int64{}
	for _, c := range list {
		sums[c.Kind] += c.N
	}
	var counts []models.DayCount
	for _, kind := range kinds {
		counts = append(counts, models.DayCount{Day: day, Kind: kind, N: sums[kind]})
	}
	return s.store.KeepDay(ctx, day, now, counts)
}
