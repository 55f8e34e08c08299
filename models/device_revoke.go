package models

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// RevokeDevice revokes one device and writes the event. The event's Detail becomes revoke_reason, its Actor revoked_by.
// RevokeDevice returns the device as it is afterwards. A device that was revoked before stays as it is, without an event and with
// fresh == false. The challenges that confirm the act are used with it. RevokeDevice returns ErrNotFound when the user has no such
// device, and ErrUsed when a challenge was used before or is gone.
func (s *Store) RevokeDevice(ctx context.Context, key DeviceKey, e Event, confirmed ...ChallengeUse) (d Device, fresh bool, err error) {
	err = s.tx(ctx, func(tx *gorm.DB) error {
		if len(confirmed) > 0 {
			if err := lockUserRow(tx, key.UserID); err != nil {
				return err
			}
			if err := useForAct(tx, key, confirmed, e.At); err != nil {
				return err
			}
		}
		rows, err := revokeOne(tx, key, e)
		if err != nil {
			return err
		}
		if len(rows) > 0 {
			d, fresh = rows[0], true
			return nil
		}
		if err := keepRevoked(tx, key, ""); err != nil {
			return err
		}
		return tx.Where("user_id = ? AND id = ?", key.UserID, key.ID).Take(&d).Error
	})
	return d, fresh, wrapErr("revoke device", err)
}

// RevokeBySecret revokes the app device of a device token (RFC 7009). The token is the only credential, so the device secret must
// match. An unknown device or another secret changes nothing and is no error. It returns ErrProtected for a device of one of the
// protected clients, and ErrOtherClient for one of another client than clientID; an empty clientID is not checked.
func (s *Store) RevokeBySecret(ctx context.Context, key DeviceKey, secretHash []byte, clientID string, protected []string, e Event) error {
	list := listOfClients(protected)
	return wrapErr("revoke device", s.tx(ctx, func(tx *gorm.DB) error {
		rows, err := revokeWhere(tx, key, e, " AND kind = 'app' AND secret_hash = ? AND (? = '' OR client_id = ?) AND "+notProtected,
			secretHash, clientID, clientID, list, list, list)
		if err != nil || len(rows) > 0 {
			return err
		}
		if err := keepRevoked(tx, key, " AND secret_hash = ?", secretHash); err != nil || clientID == "" && list == "" {
			return err
		}
		var ofClient []string
		err = tx.Raw("SELECT client_id FROM devices WHERE user_id = ? AND id = ? AND kind = 'app' AND secret_hash = ?", key.UserID, key.ID, secretHash).
			Scan(&ofClient).Error
		switch {
		case err != nil || len(ofClient) == 0:
			return err
		case slices.Contains(protected, ofClient[0]):
			return ErrProtected
		case clientID != "" && ofClient[0] != clientID:
			return ErrOtherClient
		}
		return nil // it was revoked before
	}))
}

// RevokeOthers revokes every device of a user except keep and returns how many there were. It writes one event, or none when there
// were no others. The nil UUID keeps no device. The challenges that confirm the act are used with it, even when there were no others;
// RevokeOthers returns ErrUsed when one was used before or is gone, or the app that it confirms is (ErrAppGone).
func (s *Store) RevokeOthers(ctx context.Context, userID, keep uuid.UUID, e Event, confirmed ...ChallengeUse) (revoked int64, err error) {
	err = s.tx(ctx, func(tx *gorm.DB) error {
		if err := lockUserRow(tx, userID); err != nil {
			return err
		}
		if err := useForAct(tx, DeviceKey{UserID: userID, ID: keep}, confirmed, e.At); err != nil {
			return err
		}
		if revoked, err = revokeAll(tx, userID, keep, e.At, e.Actor, EndReason(e.Detail)); err != nil || revoked == 0 {
			return err
		}
		return addEvent(tx, e)
	})
	return revoked, wrapErr("revoke devices", err)
}

func revokeOne(tx *gorm.DB, key DeviceKey, e Event) ([]Device, error) {
	return revokeWhere(tx, key, e, "")
}

func revokeWhere(tx *gorm.DB, key DeviceKey, e Event, condition string, args ...any) ([]Device, error) {
	rows, err := revoke(tx, "*", revocation{e.At, e.Actor, EndReason(e.Detail)}, key.UserID, "id = ?"+condition, append([]any{key.ID}, args...)...)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	e.DeviceID, e.DeviceName = uuid.NullUUID{UUID: key.ID, Valid: true}, rows[0].Name
	return rows, addEvent(tx, e)
}

// keepRevoked writes the row of a device that was revoked before, and changes nothing in it. The revocation may be on the primary alone, where its
// caller got an error because no synchronous standby took it in time. When the caller asks again, only a commit that wrote something waits
// for the standby: without that, the answer would be "done", and a failover could undo it.
func keepRevoked(tx *gorm.DB, key DeviceKey, condition string, args ...any) error {
	return tx.Exec("UPDATE devices SET revoked_by = revoked_by WHERE user_id = ? AND id = ? AND revoked_at IS NOT NULL"+condition,
		append([]any{key.UserID, key.ID}, args...)...).Error
}

func revokeAll(tx *gorm.DB, userID, keep uuid.UUID, at time.Time, by string, reason EndReason) (int64, error) {
	rows, err := revoke(tx, noticeColumns, revocation{at, by, reason}, userID, "id <> ?", keep)
	if err == nil && reason.endsConsents() {
		err = endConsents(tx, userID)
	}
	return int64(len(rows)), err
}

// revocation is an act that ends devices.
type revocation struct {
	at     time.Time
	by     string
	reason EndReason
}

// revoke is the one statement that revokes devices of a user, so that no act forgets their clients: it writes a notice for each device whose
// client wants to be told, and ends the consents that the reason ends. It returns the given columns of the devices that were not revoked
// before.
//
// The statement itself asks which clients are to be told and have consents: a revocation without either costs nothing more. clients is
// small, and has a copy on every node where tables are distributed, and consents lie with their user, so that the subqueries stay on the
// device's node.
func revoke(tx *gorm.DB, columns string, r revocation, userID uuid.UUID, condition string, args ...any) ([]Device, error) {
	var rows []endedDevice
	err := tx.Raw("UPDATE devices SET revoked_at = ?, revoked_by = ?, revoke_reason = ? WHERE user_id = ? AND "+condition+" AND revoked_at IS NULL RETURNING "+columns+", "+clientIsTold+", "+hasConsent,
		append(append([]any{dbTime(r.at), r.by, r.reason, userID}, args...), userID)...).Scan(&rows).Error
	if err != nil {
		return nil, err
	}
	devices := make([]Device, 0, len(rows))
	for _, row := range rows {
		devices = append(devices, row.Device)
	}
	if err := noteRevoked(tx, rows, r.at); err != nil {
		return nil, err
	}
	if err := addLogoutNotices(tx, rows, r.at); err != nil || !r.reason.endsConsents() {
		return devices, err
	}
	return devices, endConsentsOf(tx, rows)
}
