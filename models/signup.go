package models

import (
	"context"
	"time"

	"gorm.io/gorm"
)

// ConfirmUser uses a mailed link up and creates the account that waited behind it, with its event. It returns
// ErrNotFound when the link is used or expired, and ErrDuplicate when the address was taken meanwhile or is held.
func (s *Store) ConfirmUser(ctx context.Context, purpose string, hash []byte, now time.Time, u User, e Event) error {
	u.CreatedAt, u.UpdatedAt, u.PasswordChangedAt = dbTime(u.CreatedAt), dbTime(u.CreatedAt), dbTime(u.CreatedAt)
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
