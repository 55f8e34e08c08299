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
	LinksBefore    time.Time // links that were mailed and expired before this
}

// sweepBatch rows are deleted by one statement, so that no sweep holds locks (or SQLite's writer) for long.
const sweepBatch = 500

// Sweep deletes what is past retention, in small batches, and returns how many rows went. It stops early, without
// an error, when the context ends; the next sweep goes on.
func (s *Store) Sweep(ctx context.Context, r Retention) (deleted int64, err error) {
	if deleted, err = s.SweepAttempts(ctx, r.AttemptsBefore); err != nil {
		return deleted, err
	}
	for _, d := range []deletion{
		{"devices", "user_id, id", "revoked_at < ?", r.DevicesBefore},
		{"devices", "user_id, id", "expires_at < ?", r.DevicesBefore},
		{"events", "user_id, id", "at < ?", r.EventsBefore},
		{"events", "user_id, id", "kind IN ('sign_in_failed', 'password_failed') AND at < ?", r.FailuresBefore},
		{"known_places", "user_id, place", "last_at < ?", r.PlacesBefore},
		{"status_indexes", "idx", "expires_at < ?", r.StatusBefore},
		{"one_time_tokens", "hash", "expires_at < ?", r.LinksBefore},
		{"former_addresses", "hash", "expires_at < ?", r.LinksBefore},
	} {
		n, err := s.sweep(ctx, d)
		if deleted += n; err != nil {
			return deleted, err
		}
	}
	return deleted, nil
}

// deletion names rows of a table that go.
type deletion struct {
	table, key, condition string
	before                time.Time // the condition's; the zero time: nothing goes
}

// SweepAttempts deletes the counters whose window ended before a moment. There are as many as strangers cared to make, so it
// is worth doing often.
func (s *Store) SweepAttempts(ctx context.Context, before time.Time) (deleted int64, err error) {
	if before.IsZero() {
		return 0, nil
	}
	for _, d := range []deletion{
		{"attempts", "key", "ends_at < ?", before},
		{"attempts", "key", "ends_at IS NULL AND window_start < ?", before.Add(-time.Hour)}, // of an earlier release
		{"attempts", "key", "window_start > ?", before.Add(time.Hour)},                      // of a clock that was wrong
	} {
		n, err := s.sweep(ctx, d)
		if deleted += n; err != nil {
			return deleted, err
		}
	}
	return deleted, nil
}

func (s *Store) sweep(ctx context.Context, d deletion) (deleted int64, err error) {
	statement := "DELETE FROM " + d.table + " WHERE (" + d.key + ") IN (SELECT " + d.key + " FROM " + d.table + " WHERE " + d.condition + " LIMIT ?)"
	for ctx.Err() == nil && !d.before.IsZero() {
		var n int64
		err := s.tx(ctx, func(db *gorm.DB) error {
			if err := s.clear(db); err != nil {
				return err
			}
			done := db.Exec(statement, moment(d.before), sweepBatch)
			n = done.RowsAffected
			return done.Error
		})
		if err != nil {
			return deleted, fault("sweep "+d.table, err)
		}
		if deleted += n; n < sweepBatch {
			break
		}
	}
	return deleted, nil
}
