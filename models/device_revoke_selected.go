package models

import (
	"context"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// RevokeSelected revokes some devices of a user, all of them or none, and writes an event for each. The event's Detail becomes
// revoke_reason, its Actor revoked_by. It returns how many it revoked; devices that were revoked before stay as they are and are not
// counted. RevokeSelected returns ErrNotFound when the user has no device with one of the ids, which must be unique.
func (s *Store) RevokeSelected(ctx context.Context, userID uuid.UUID, ids []uuid.UUID, e Event) (revoked int, err error) {
	if len(ids) == 0 {
		return 0, nil
	}
	err = s.tx(ctx, func(tx *gorm.DB) error {
		if err := lockUserRow(tx, userID); err != nil {
			return err
		}
		rows, err := revoke(tx, "*", revocation{e.At, e.Actor, EndReason(e.Detail)}, userID, "id IN ?", ids)
		if err != nil {
			return err
		}
		if revoked = len(rows); revoked < len(ids) {
			var known int64
			if err := tx.Model(&Device{}).Where("user_id = ? AND id IN ?", userID, ids).Count(&known).Error; err != nil {
				return err
			}
			if known < int64(len(ids)) {
				return ErrNotFound
			}
		}
		if revoked == 0 {
			return nil
		}
		return tx.Create(eventsOf(rows, e)).Error
	})
	if err != nil {
		revoked = 0
	}
	return revoked, wrapErr("revoke devices", err)
}

// eventsOf is the event once for each device.
func eventsOf(devices []Device, e Event) []Event {
	e.At = dbTime(e.At)
	list := make([]Event, 0, len(devices))
	for _, d := range devices {
		e.ID, e.DeviceID, e.DeviceName = NewID(e.At), uuid.NullUUID{UUID: d.ID, Valid: true}, d.Name
		list = append(list, e)
	}
	return list
}
