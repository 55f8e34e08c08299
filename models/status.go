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

// RevokedPlace is the place in the status lists of a device that was revoked.
type RevokedPlace struct {
	Index                int64
	RevokedAt, ExpiresAt time.Time
}

// RevokedPlaces calls each with the places of the devices that were revoked after since, including devices whose rows are deleted: after an incident
// they are too many to keep. It leaves out devices that expired before since: their access tokens have expired too, and another device may have
// the place by now. After an error, each has been called with some. On Citus it asks the coordinator only, so that a node that is down does not keep
// the lists from being read: see noteRevoked.
func (s *Store) RevokedPlaces(ctx context.Context, since time.Time, each func(RevokedPlace)) error {
	citus, err := s.onCitus(ctx)
	if err != nil {
		return err
	}
	statement, args := `SELECT idx AS "index", revoked_at, expires_at FROM status_indexes WHERE revoked_at > ?`, []any{dbTime(since)}
	if !citus {
		// expires_at is checked here. In the statement PostgreSQL would choose the index on it, which is the worse one.
		statement = `SELECT status_index AS "index", revoked_at, expires_at FROM devices WHERE revoked_at > ? AND status_index IS NOT NULL
			UNION ALL SELECT idx, revoked_at, expires_at FROM status_indexes WHERE revoked_at > ?`
		args = append(args, dbTime(since))
	}
	rows, err := s.read(ctx).Raw(statement, args...).Rows() // gorm itself would take several times as long
	if err != nil {
		return wrapErr("list revoked devices", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var p RevokedPlace
		if err := rows.Scan(&p.Index, &p.RevokedAt, &p.ExpiresAt); err != nil {
			return wrapErr("list revoked devices", err)
		}
		if p.ExpiresAt.After(since) {
			each(p)
		}
	}
	return wrapErr("list revoked devices", rows.Err())
}

// RevokedDevice says which device was revoked, and how.
type RevokedDevice struct {
	UserID, ID   uuid.UUID
	RevokedAt    time.Time
	RevokeReason EndReason
}

// RecentlyRevoked lists up to limit devices that were revoked after since, the latest first. It leaves out those of incidents: their many devices
// would displace the others, and an incident goes on by itself from where the database fell back to. On Citus, where all nodes would have to be
// asked, it lists none.
func (s *Store) RecentlyRevoked(ctx context.Context, since time.Time, limit int) (list []RevokedDevice, err error) {
	if citus, err := s.onCitus(ctx); err != nil || citus {
		return nil, err
	}
	err = s.read(ctx).Raw(`SELECT user_id, id, revoked_at, revoke_reason FROM devices WHERE revoked_at > ? AND revoke_reason <> ? ORDER BY revoked_at DESC LIMIT ?`,
		dbTime(since), RevokedByIncident, limit).Scan(&list).Error
	return list, wrapErr("list recently revoked devices", err)
}

// NotRevoked returns those of some devices that are there and are not revoked.
func (s *Store) NotRevoked(ctx context.Context, keys []DeviceKey) (live []DeviceKey, err error) {
	for some := range slices.Chunk(keys, rowsAtOnce) {
		pairs := make([][]any, 0, len(some))
		for _, k := range some {
			pairs = append(pairs, []any{k.UserID, k.ID})
		}
		var found []DeviceKey
		if err := s.read(ctx).Raw("SELECT user_id, id FROM devices WHERE (user_id, id) IN ? AND revoked_at IS NULL", pairs).Scan(&found).Error; err != nil {
			return nil, wrapErr("look for devices", err)
		}
		live = append(live, found...)
	}
	return live, nil
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
