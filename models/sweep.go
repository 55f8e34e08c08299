package models

import (
	"context"
	"time"

	"gorm.io/gorm"
)

// Retention says what the sweeper deletes: everything that ended before these moments.
type Retention struct {
	DevicesBefore  time.Time // devices revoked or expired before this
	EventsBefore   time.Time
	FailuresBefore time.Time // events of wrong passwords
	AttemptsBefore time.Time // counters whose window ended before this, or begins long after it
	PlacesBefore   time.Time
	StatusBefore   time.Time // places in the status lists of devices that expired before this
	LinksBefore    time.Time // links that were mailed and expired before this; used ones stay for UsedLinkLife
	AlertsBefore   time.Time // notes of accounts that were last mailed about a sign-in before this
}

// Sweep deletes what is past retention, in small batches, and returns how many rows went. It stops early, without
// an error, when the context ends; the next sweep goes on.
func (s *Store) Sweep(ctx context.Context, r Retention) (deleted int64, err error) {
	if deleted, err = s.SweepAttempts(ctx, r.AttemptsBefore); err != nil {
		return deleted, err
	}
	var list []deletion
	for _, t := range UserTables {
		if t.past == nil {
			continue
		}
		for _, rows := range t.past(r) {
			list = append(list, deletion{t.Name, t.key, rows})
		}
	}
	list = append(list, deletion{"status_indexes", "idx", pastRows{"expires_at < ?", []time.Time{r.StatusBefore}}})
	for _, d := range list {
		n, err := s.sweep(ctx, d)
		if deleted += n; err != nil {
			return deleted, err
		}
	}
	return deleted, nil
}

// deletion names rows of a table that go.
type deletion struct {
	table, key string
	pastRows
}

// SweepAttempts deletes the counters whose window ended before a moment. There are as many as strangers cared to make, so it
// is worth doing often.
func (s *Store) SweepAttempts(ctx context.Context, before time.Time) (deleted int64, err error) {
	if before.IsZero() {
		return 0, nil
	}
	for _, d := range []deletion{
		{"attempts", "key", pastRows{"ends_at < ?", []time.Time{before}}},
		{"attempts", "key", pastRows{"ends_at IS NULL AND window_start < ?", []time.Time{before.Add(-time.Hour)}}}, // of an earlier release
		{"attempts", "key", pastRows{"window_start > ?", []time.Time{before.Add(time.Hour)}}},                      // of a clock that was wrong
	} {
		n, err := s.sweep(ctx, d)
		if deleted += n; err != nil {
			return deleted, err
		}
	}
	return deleted, nil
}

func (s *Store) sweep(ctx context.Context, d deletion) (int64, error) {
	if d.before[0].IsZero() {
		return 0, nil
	}
	var args []any
	for _, at := range d.before {
		args = append(args, moment(at))
	}
	statement := "DELETE FROM " + d.table + " WHERE (" + d.key + ") IN (SELECT " + d.key + " FROM " + d.table + " WHERE " + d.condition + " LIMIT ?)"
	_, deleted, err := s.inBatches(ctx, func(tx *gorm.DB, limit int) (int64, error) {
		done := tx.Exec(statement, append(args, limit)...)
		return done.RowsAffected, done.Error
	})
	return deleted, fault("sweep "+d.table, err)
}
