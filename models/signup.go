package models

import (
	"context"
	"time"

	"gorm.io/gorm"
)

// ConfirmUser consumes a mailed link and creates the account that waited for its confirmation, with its event. It returns
// ErrNotFound when the link is used or expired, and ErrDuplicate when another account has the address by now or the address is
// held.
func (s *Store) ConfirmUser(ctx context.Context, purpose string, hash []byte, now time.Time, u User, e Event) error {
	u.CreatedAt, u.UpdatedAt, u.PasswordChangedAt = dbTime(u.CreatedAt), dbTime(u.CreatedAt), dbTime(u.CreatedAt)
	u.EmailVerified = true
	return wrapErr("confirm user", s.tx(ctx, func(tx *gorm.DB) error {
		if _, err := consumeOneTime(tx, purpose, hash, now); err != nil {
			return err
		}
		if err := createUser(tx, u); err != nil {
			return err
		}
		return addEvent(tx, e)
	}))
}
