package models

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
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

// RevokedDevice is a device that was revoked, or what is left of one whose row is deleted: StatusIndex, RevokedAt and ExpiresAt. On Citus
// that is what there is of each.
type RevokedDevice struct {
	UserID, ID   uuid.NullUUID
	StatusIndex  *int64 // nil: the device has none, as browsers
	RevokedAt    time.Time
	RevokedBy    string
	RevokeReason EndReason
	ExpiresAt    time.Time
}

// RevokedDevices lists the devices that were revoked after since, including devices whose rows are deleted. It leaves out devices that
// expired before since: their access tokens have expired too, and another device may have the index by now. On Citus it asks the coordinator
// only, so that a node that is down does not keep the lists from being read: see noteRevoked.
func (s *Store) RevokedDevices(ctx context.Context, since time.Time) (list []RevokedDevice, err error) {
	citus, err := s.onCitus(ctx)
	if err != nil {
		return nil, err
	}
	statement, args := "SELECT idx AS status_index, revoked_at, expires_at FROM status_indexes WHERE revoked_at > ?", []any{dbTime(since)}
	if !citus {
		// expires_at is checked here. In the statement PostgreSQL would choose the index on it, which is the worse one.
		statement = `SELECT user_id, id, status_index, revoked_at, revoked_by, revoke_reason, expires_at FROM devices WHERE revoked_at > ?
			UNION ALL SELECT NULL, NULL, idx, revoked_at, '', '', expires_at FROM status_indexes WHERE revoked_at > ?`
		args = append(args, dbTime(since))
	}
	err = s.read(ctx).Raw(statement, args...).Scan(&list).Error
	list = slices.DeleteFunc(list, func(d RevokedDevice) bool { return !d.ExpiresAt.After(since) })
	return list, wrapErr("list revoked devices", err)
}

// noteRevoked writes into status_indexes which devices were revoked. The rows of revoked devices tell it, too, but on Citus they lie on all
// nodes; elsewhere noteRevoked does nothing.
func noteRevoked(tx *gorm.DB, ended []endedDevice, at time.Time) error {
	if !isCitus(tx) {
		return nil
	}
	return markRevoked(tx, ended, at)
}

// markRevoked marks the places of devices whose access tokens may live on as revoked.
func markRevoked(tx *gorm.DB, ended []endedDevice, at time.Time) error {
	var places []int64
	for _, d := range ended {
		// A device that has come to its end has no access token any more, and its place may be another's by now.
		if d.StatusIndex != nil && d.ExpiresAt.After(dbTime(at)) {
			places = append(places, *d.StatusIndex)
		}
	}
	slices.Sort(places) // one order for all, so that two transactions do not deadlock
	for some := range slices.Chunk(places, rowsAtOnce) {
		if err := tx.Exec("UPDATE status_indexes SET revoked_at = ? WHERE idx IN ?", dbTime(at), some).Error; err != nil {
			return err
		}
	}
	return nil
}
