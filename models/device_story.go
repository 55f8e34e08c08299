package models

import (
	"context"

	"github.com/google/uuid"
)

// NamedDevices lists those of a user's devices that have one of the ids, live or not, the most recently active first, each with the name
// under which its app is registered.
func (s *Store) NamedDevices(ctx context.Context, userID uuid.UUID, ids ...uuid.UUID) ([]NamedDevice, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var list []NamedDevice
	err := s.read(ctx).Raw(`SELECT d.*, COALESCE(c.name, '') AS client_name
		FROM devices d LEFT JOIN clients c ON c.id = d.client_id AND d.kind = 'app'
		WHERE d.user_id = ? AND d.id IN ? ORDER BY d.last_seen_at DESC, d.id DESC`, userID, ids).Scan(&list).Error
	return list, wrapErr("find devices", err)
}

// EventsOfDevice lists up to limit events of one device that are older than the cursor, newest first. It reads them from an index, so
// that the other events of the account cost nothing.
func (s *Store) EventsOfDevice(ctx context.Context, key DeviceKey, before EventCursor, limit int) ([]Event, error) {
	q := s.read(ctx).Where("user_id = ? AND device_id = ?", key.UserID, key.ID)
	if !before.At.IsZero() {
		q = q.Where("(at, id) < (?, ?)", dbTime(before.At), before.ID)
	}
	var list []Event
	err := q.Order("at DESC, id DESC").Limit(limit).Find(&list).Error
	return list, wrapErr("list events", err)
}

// KeptDevices returns those of the given ids that a user has a device for, live or not. Devices that ended long ago are deleted before
// their events are.
func (s *Store) KeptDevices(ctx context.Context, userID uuid.UUID, ids []uuid.UUID) (kept []uuid.UUID, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	err = s.read(ctx).Model(&Device{}).Where("user_id = ? AND id IN ?", userID, ids).Pluck("id", &kept).Error
	return kept, wrapErr("find devices", err)
}
