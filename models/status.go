package models

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
)

// statusTries bounds the search for a free place in the status lists.
const statusTries = 64

// takeStatusIndex gives a device the first place that pick names and nobody holds. Its index is a row of a table of its
// own, which outlives the device's: a unique index on devices would keep that table from being partitioned by user.
func takeStatusIndex(tx *gorm.DB, d *Device, pick func(try int) int64) error {
	if pick == nil {
		return nil
	}
	for try := range statusTries {
		idx := pick(try)
		done := tx.Exec("INSERT INTO status_indexes (idx, expires_at) VALUES (?, ?) ON CONFLICT (idx) DO NOTHING", idx, d.ExpiresAt)
		if done.Error != nil {
			return done.Error
		}
		if done.RowsAffected == 1 {
			d.StatusIndex = &idx
			return nil
		}
	}
	return fmt.Errorf("%w: no free place in the status lists", ErrUnavailable)
}

// LastStatusIndex is the greatest place in the status lists that a device holds, -1 when none does.
func (s *Store) LastStatusIndex(ctx context.Context) (last int64, err error) {
	err = s.read(ctx).Raw("SELECT coalesce(max(idx), -1) FROM status_indexes").Scan(&last).Error
	return last, wrapErr("find last status index", err)
}

// RevokedStatusIndexes lists the places of the devices that were revoked after the given moment, those whose rows are gone
// included. A device that had come to its end before is not among them: its access tokens have too, and its place may be another's by now.
func (s *Store) RevokedStatusIndexes(ctx context.Context, since time.Time) ([]int64, error) {
	var rows []struct {
		StatusIndex int64
		ExpiresAt   time.Time
	}
	// expires_at is judged here: in the statement PostgreSQL would take its index for the better one, which it is not.
	err := s.read(ctx).Raw(`SELECT status_index, expires_at FROM devices WHERE revoked_at > ? AND status_index IS NOT NULL
		UNION ALL SELECT idx, expires_at FROM status_indexes WHERE revoked_at > ?`, dbTime(since), dbTime(since)).Scan(&rows).Error
	var list []int64
	for _, row := range rows {
		if row.ExpiresAt.After(since) {
			list = append(list, row.StatusIndex)
		}
	}
	return list, wrapErr("list revoked devices", err)
}
