package models

import (
	"context"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// InviteLink is the purpose of a link for the first password of an account. Any password, a new address and a disabled account end
// such links. A newer link does not.
const InviteLink = "invite"

// InviteUser writes another invitation: its event and its mail. It returns ErrChanged when the account is disabled, or does not wait
// for its first password any more.
func (s *Store) InviteUser(ctx context.Context, userID uuid.UUID, e Event, n MailWithLinks) error {
	return wrapErr("invite user", s.tx(ctx, func(tx *gorm.DB) error {
		done := tx.Model(&User{}).Where("id = ? AND disabled_at IS NULL AND invited_at = password_changed_at", userID).
			UpdateColumn("updated_at", dbTime(e.At))
		if done.Error != nil || done.RowsAffected == 0 {
			return orRefuse(done.Error, ErrChanged)
		}
		return addEventAndMails(tx, e, n)
	}))
}
