package models

import (
	"context"

	"gorm.io/gorm"
)

// AddEventAndMail writes an event of an account together with its mails. It returns ErrNotFound when the account is gone, and a
// LimitError past a limit of the event; then it writes nothing.
func (s *Store) AddEventAndMail(ctx context.Context, e Event, mails ...MailWithLinks) error {
	return wrapErr("add event and mail", s.tx(ctx, func(tx *gorm.DB) error {
		if err := lockExistingUsers(tx, e.UserID); err != nil {
			return err
		}
		return addEventAndMails(tx, e, mails...)
	}))
}
