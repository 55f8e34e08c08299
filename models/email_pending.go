package models

import (
	"context"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// openEmailLinks are an account's links to new addresses that can still be used.
const openEmailLinks = "user_id = ? AND purpose = ? AND used_at IS NULL AND expires_at > ?"

// LastEmailLink returns an account's newest link to a new address that can still be used, or ErrNotFound.
func (s *Store) LastEmailLink(ctx context.Context, userID uuid.UUID, now time.Time) (OneTime, error) {
	var t OneTime
	err := s.read(ctx).Where(openEmailLinks, userID, EmailLink, dbTime(now)).Order("created_at DESC, hash").Take(&t).Error
	return t, wrapErr("find link to a new address", err)
}

// CancelEmailChange ends an account's links to new addresses and reports whether there were any. It writes the event when there were:
// an account can cause no more of these events than it asked for links. A link that is used at the same time wins or loses as a whole.
func (s *Store) CancelEmailChange(ctx context.Context, e Event) (cancelled bool, err error) {
	err = s.tx(ctx, func(tx *gorm.DB) error {
		// Lock the users row first, as every transaction that ends links does.
		if err := lockExistingUsers(tx, e.UserID); err != nil {
			return err
		}
		done := tx.Where(openEmailLinks, e.UserID, EmailLink, dbTime(e.At)).Delete(&OneTime{})
		if cancelled = done.RowsAffected > 0; done.Error != nil || !cancelled {
			return done.Error
		}
		return addEvent(tx, e)
	})
	return cancelled && err == nil, wrapErr("cancel change of address", err)
}
