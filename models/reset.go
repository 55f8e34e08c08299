package models

import (
	"context"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// ResetLink is the purpose of a link for a new password. A new password, however set, ends such links.
const ResetLink = "reset"

func dropResets(tx *gorm.DB, userID uuid.UUID) error {
	return tx.Where("user_id = ? AND purpose = ?", userID, ResetLink).Delete(&OneTime{}).Error
}

// PasswordReset is a new password chosen by a mailed link.
type PasswordReset struct {
	Purpose      string
	Link         []byte // SHA-256 of the link's secret
	UserID       uuid.UUID
	PasswordHash string
	At           time.Time
	Event        Event
	Notice       Notice
}

// ResetPassword uses the link up, sets and unlocks the password and revokes every device, in one transaction. It
// returns ErrNotFound, and changes nothing, when the link is used, replaced, expired or another account's, or the
// account is gone or disabled.
func (s *Store) ResetPassword(ctx context.Context, r PasswordReset) (revoked int64, err error) {
	err = s.tx(ctx, func(tx *gorm.DB) error {
		// Before the link: a change of password and a deletion take the two in this order.
		if err := holdUser(tx, r.UserID); err != nil {
			return err
		}
		link, err := useOneTime(tx, r.Purpose, r.Link, r.At)
		if err != nil || link.UserID != r.UserID {
			return orRefuse(err, ErrNotFound)
		}
		at := moment(r.At)
		done := tx.Model(&User{}).Where("id = ? AND disabled_at IS NULL", r.UserID).
			UpdateColumns(map[string]any{"password_hash": r.PasswordHash, "password_changed_at": at, "updated_at": at, "locked_at": nil})
		if done.Error != nil || done.RowsAffected == 0 {
			return orRefuse(done.Error, ErrNotFound)
		}
		if revoked, err = revokeAll(tx, r.UserID, uuid.Nil, r.At, r.Event.Actor, RevokedByPassword); err != nil {
			return err
		}
		if err := tx.Exec("DELETE FROM known_places WHERE user_id = ?", r.UserID).Error; err != nil {
			return err // of whoever knew the old password
		}
		if err := dropResets(tx, r.UserID); err != nil {
			return err
		}
		if err := addEvent(tx, r.Event); err != nil {
			return err
		}
		return addNotice(tx, r.Notice)
	})
	return revoked, fault("reset password", err)
}
