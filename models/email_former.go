package models

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// FormerAddress is an address that an account had, with the link that takes it back. Until it expires the address is
// held: nobody else can have it, or a thief would move the account away and the address to another one.
type FormerAddress struct {
	Hash            []byte // SHA-256 of the link's secret
	UserID          uuid.UUID
	Email, EmailKey string
	Seq             int64 // in which order the account left its addresses, whatever the replicas' clocks say; filled in when it is written
	CreatedAt       time.Time
	ExpiresAt       time.Time
}

// FindFormerAddress reads what a link takes back, without using it. It returns ErrNotFound when the link is unknown, used,
// overruled by an older one, or expired.
func (s *Store) FindFormerAddress(ctx context.Context, hash []byte, now time.Time) (f FormerAddress, err error) {
	err = s.read(ctx).Where("hash = ? AND expires_at > ?", hash, moment(now)).Take(&f).Error
	return f, fault("find former address", err)
}

// FormerAddresses lists the addresses that are kept for an account, those it can take back no more included until they are swept,
// in the order in which it left them.
func (s *Store) FormerAddresses(ctx context.Context, userID uuid.UUID) ([]FormerAddress, error) {
	list, err := formerAddresses(s.read(ctx), userID)
	return list, fault("list former addresses", err)
}

func formerAddresses(db *gorm.DB, userID uuid.UUID) (list []FormerAddress, err error) {
	err = db.Where("user_id = ?", userID).Order("seq").Find(&list).Error
	return list, err
}

// AddressHeld tells whether an address is held for another account than the given one.
func (s *Store) AddressHeld(ctx context.Context, emailKey string, userID uuid.UUID, now time.Time) (bool, error) {
	err := refuseHeld(s.read(ctx), emailKey, userID, now)
	if errors.Is(err, ErrHeld) {
		return true, nil
	}
	return false, fault("find held address", err)
}

// refuseHeld returns ErrHeld when an address is held for another account. Inside a transaction it is asked after the
// address was written to the users row: whoever leaves the address at the same moment is then waited for.
func refuseHeld(db *gorm.DB, emailKey string, userID uuid.UUID, at time.Time) error {
	var n int64
	err := db.Model(&FormerAddress{}).Where("email_key = ? AND user_id <> ? AND expires_at > ?", emailKey, userID, moment(at)).Count(&n).Error
	if err == nil && n > 0 {
		return ErrHeld
	}
	return err
}

// addFormer writes an address that the account has just left; the account's row is held by the caller.
func addFormer(tx *gorm.DB, f FormerAddress) error {
	if err := tx.Raw("SELECT coalesce(max(seq), 0) + 1 FROM former_addresses WHERE user_id = ?", f.UserID).Scan(&f.Seq).Error; err != nil {
		return err
	}
	f.CreatedAt, f.ExpiresAt = moment(f.CreatedAt), moment(f.ExpiresAt)
	return tx.Create(&f).Error
}

// goBack tells whether the address is one that the account may take back. Then to have it again is as strong as to use
// that link: what was left since can be taken back no more, or a thief whom the owner left so would come again.
func goBack(tx *gorm.DB, userID uuid.UUID, emailKey string, at time.Time) (bool, error) {
	var seq int64
	err := tx.Raw("SELECT coalesce(max(seq), 0) FROM former_addresses WHERE user_id = ? AND email_key = ? AND expires_at > ?", userID, emailKey, moment(at)).
		Scan(&seq).Error
	if err != nil || seq == 0 {
		return false, err
	}
	return true, tx.Where("user_id = ? AND seq > ?", userID, seq).Delete(&FormerAddress{}).Error
}

// EmailUndo is the use of a link that takes an address back.
type EmailUndo struct {
	Hash  []byte // of the link's secret
	At    time.Time
	Event Event // its user is filled in
	FreshStart
	// Tell makes the mails, when the account is known and the address that it had until now.
	Tell func(f FormerAddress, left string) []Notice
}

// UndoEmailChange uses the link up and gives the account that address again, whatever it has by then. It locks the
// password, revokes every device, forgets the places where the account is at home, and ends every other link of the
// account but those of addresses that it had before this one. It returns ErrNotFound, and changes nothing, when the link
// is used, overruled or expired, or the account is gone or disabled.
func (s *Store) UndoEmailChange(ctx context.Context, u EmailUndo) (f FormerAddress, err error) {
	err = s.tx(ctx, func(tx *gorm.DB) error {
		err := tx.Where("hash = ? AND expires_at > ?", u.Hash, moment(u.At)).Take(&f).Error
		if err != nil {
			return err
		}
		var left []string // the users row comes first, as everywhere
		err = tx.Raw("UPDATE users SET locked_at = ?, updated_at = ? WHERE id = ? AND disabled_at IS NULL RETURNING email", moment(u.At), moment(u.At), f.UserID).
			Scan(&left).Error
		if err != nil || len(left) == 0 {
			return orRefuse(err, ErrNotFound)
		}
		done := tx.Where("hash = ?", bytes.Clone(u.Hash)).Delete(&FormerAddress{})
		if done.Error != nil || done.RowsAffected == 0 {
			return orRefuse(done.Error, ErrNotFound)
		}
		if err := tx.Model(&User{}).Where("id = ?", f.UserID).UpdateColumns(map[string]any{"email": f.Email, "email_key": f.EmailKey}).Error; err != nil {
			return err
		}
		if _, err := revokeAll(tx, f.UserID, uuid.Nil, u.At, u.Event.Actor, RevokedByUndo); err != nil {
			return err
		}
		if err := startAfresh(tx, f.UserID, u.FreshStart, u.At); err != nil {
			return err
		}
		if err := tx.Exec("DELETE FROM one_time_tokens WHERE user_id = ?", f.UserID).Error; err != nil {
			return err
		}
		if err := tx.Where("user_id = ? AND seq > ?", f.UserID, f.Seq).Delete(&FormerAddress{}).Error; err != nil {
			return err
		}
		e := u.Event
		e.UserID = f.UserID
		return addTale(tx, e, u.Tell(f, left[0])...)
	})
	return f, fault("take address back", err)
}
