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
	AttemptsBefore time.Time // counters whose window began before this
	PlacesBefore   time.Time
	StatusBefore   time.Time // places in the status lists of devices that expired before this
	LinksBefore    time.Time // links that were mailed and expired before this
	AlertsBefore   time.Time // notes of accounts that were last mailed about a sign-in before this
}

// sweepBatch rows are deleted by one statement, so that no sweep holds locks (or SQLite's writer) for long.
const sweepBatch = 500

// Sweep deletes what is past retention, in small batches, and returns how many rows went. It stops early, without
// an error, when the context ends; the next sweep goes on.
func (s *Store) Sweep(ctx context.Context, r Retention) (deleted int64, err error) {
	for _, sweep := range []struct {
		table, key, condition string
		args                  []any
	}{
		{"devices", "user_id, id", "revoked_at < ?", []any{moment(r.DevicesBefore)}},
		{"devices", "user_id, id", "expires_at < ?", []any{moment(r.DevicesBefore)}},
		{"events", "user_id, id", "at < ?", []any{moment(r.EventsBefore)}},
		{"attempts", "key", "window_start < ?", []any{moment(r.AttemptsBefore)}},
		{"known_places", "user_id, place", "last_at < ?", []any{moment(r.PlacesBefore)}},
		{"status_indexes", "idx", "expires_at < ?", []any{moment(r.StatusBefore)}},
		{"one_time_tokens", "hash", "expires_at < ?", []any{moment(r.LinksBefore)}},
		{"sign_in_mails", "user_id", "last_at < ?", []any{moment(r.AlertsBefore)}},
		{"former_addresses", "hash", "expires_at < ?", []any{moment(r.LinksBefore)}},
	} {
		statement := "DELETE FROM " + sweep.table + " WHERE (" + sweep.key + ") IN (SELECT " + sweep.key + " FROM " + sweep.table +
			" WHERE " + sweep.condition + " LIMIT ?)"
		for ctx.Err() == nil {
			var n int64
			err := s.tx(ctx, func(db *gorm.DB) error {
				if err := s.clear(db); err != nil {
					return err
				}
				done := db.Exec(statement, append(sweep.args, sweepBatch)...)
				n = done.RowsAffected
				return done.Error
			})
			if err != nil {
				return deleted, fault("sweep "+sweep.table, err)
			}
			deleted += n
			if n < sweepBatch {
				break
			}
		}
	}
	return deleted, nil
}
