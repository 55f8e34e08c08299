package models

import (
	"bytes"
	"context"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// EmailUndo is the use of a link that takes an address back.
type EmailUndo struct {
	Hash  []byte // of the link's secret
	At    time.Time
	Event Event // its user is filled in
	FreshStart
	// Tell makes the mails, when the account is known and the address that it had until now.
	Tell func(f FormerAddress, left string) []Notice
}

// UndoEmailChange uses the link up and gives the account that address again, whatever it has by then. The address keeps
// its first date. It locks the password, revokes every device, forgets the places where the account is at home, ends links
// to new passwords and addresses, and every way back to the same or a later address. It returns ErrNotFound, and changes
// nothing, when the link is used, overruled or expired, or the account is gone or disabled.
func (s *Store) UndoEmailChange(ctx context.Context, u EmailUndo) (f FormerAddress, err error) {
	err = s.tx(ctx, func(tx *gorm.DB) error {
		err := tx.Where("hash = ? AND expires_at > ? AND used_at IS NULL", u.Hash, dbTime(u.At)).Take(&f).Error
		if err != nil {
			return err
		}
		var left []User // the users row comes first, as everywhere
		err = tx.Raw("UPDATE users SET locked_at = ?, updated_at = ? WHERE id = ? AND disabled_at IS NULL RETURNING *", dbTime(u.At), dbTime(u.At), f.UserID).
			Scan(&left).Error
		if err != nil || len(left) == 0 {
			return orRefuse(err, ErrNotFound)
		}
		list, err := waysBack(tx, f.UserID, u.At)
		if err != nil {
			return err
		}
		if err := useFormer(tx, f, u.At); err != nil {
			return err
		}
		set := map[string]any{"email": f.Email, "email_key": f.EmailKey, "email_since": rankOf(list, f.EmailKey, left[0]).since}
		if err := tx.Model(&User{}).Where("id = ?", f.UserID).UpdateColumns(set).Error; err != nil {
			return err
		}
		ends := laterThan(list, f.EmailKey, left[0])
		for _, same := range list {
			if same.EmailKey == f.EmailKey && !bytes.Equal(same.Hash, f.Hash) {
				ends = append(ends, same)
			}
		}
		if _, err := endWays(tx, f.UserID, ends); err != nil {
			return err
		}
		if _, err := revokeAll(tx, f.UserID, uuid.Nil, u.At, u.Event.Actor, RevokedByUndo); err != nil {
			return err
		}
		if err := startAfresh(tx, f.UserID, u.FreshStart, u.At); err != nil {
			return err
		}
		// Not alarm links: those that went to an address that was now left for good are dead by themselves.
		if err := dropLinks(tx, f.UserID, ResetLink, EmailLink); err != nil {
			return err
		}
		e := u.Event
		e.UserID = f.UserID
		return addEventAndMails(tx, e, u.Tell(f, left[0].Email)...)
	})
	return f, wrapErr("take address back", err)
}

// useFormer consumes the link of a way back: of many at once one wins, the others get ErrNotFound.
func useFormer(tx *gorm.DB, f FormerAddress, at time.Time) error {
	done := tx.Model(&FormerAddress{}).Where("user_id = ? AND hash = ? AND expires_at > ? AND used_at IS NULL", f.UserID, bytes.Clone(f.Hash), dbTime(at)).
		UpdateColumns(map[string]any{"used_at": dbTime(at), "expires_at": dbTime(at)})
	if done.Error != nil || done.RowsAffected == 0 {
		return orRefuse(done.Error, ErrNotFound)
	}
	return nil
}
