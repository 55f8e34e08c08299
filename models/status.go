package models

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
)

// statusTries bounds the search for a free index in the status lists.
const statusTries = 64

// takeStatusIndex gives a device the first index from pick that is free. The index is a row of its own table and outlives the
// device. A unique index on devices would prevent partitioning that table by user.
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
	return fmt.Errorf("%w: no free index in the status lists", ErrUnavailable)
}

// LastStatusIndex returns the greatest index in use in the status lists, or -1 when no index is.
func (s *Store) LastStatusIndex(ctx context.Context) (last int64, err error) {
	err = s.read(ctx).Raw("SELECT coalesce(max(idx), -1) FROM status_indexes").Scan(&last).Error
	return last, wrapErr("find last status index", err)
}

// RevokedStatusIndexes lists the status indexes of the devices that were revoked after since, including devices whose rows are
// deleted. It leaves out devices that expired before since: their access tokens have expired too, and another device may have the
// index by now.
func (s *Store) RevokedStatusIndexes(ctx context.Context, since time.Time) ([]int64, error) {
	var rows []struct {
		StatusIndex int64
		ExpiresAt   time.Time
	}
	// expires_at is checked here. In the statement PostgreSQL would choose the index on it, which is the worse one.
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
