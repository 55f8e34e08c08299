package models

import (
	"context"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// ResetLink is the purpose of a link for a new password. Any new password, a new address and a disabled account end such links. A
// newer link does not.
const ResetLink = "reset"

// dropLinks ends an account's links of some purposes. Used ones stay for UsedLinkLife.
func dropLinks(tx *gorm.DB, userID uuid.UUID, purposes ...string) error {
	return tx.Where("user_id = ? AND purpose IN ? AND used_at IS NULL", userID, purposes).Delete(&OneTime{}).Error
}

// dropAllLinks ends every link of an account except those that take back a former address.
func dropAllLinks(tx *gorm.DB, userID uuid.UUID) error {
	return tx.Where("user_id = ?", userID).Delete(&OneTime{}).Error
}

// PasswordReset is a new password, set with a mailed link.
type PasswordReset struct {
	Purpose      string
	Link         []byte // SHA-256 of the link's secret
	UserID       uuid.UUID
	EmailKey     string // folded: the address that the link was mailed to
	First        bool   // it is the first password of an account that was invited
	PasswordHash string
	At           time.Time
	Event        Event
	Mail         func(FactorsGone) MailWithLinks // makes the mail to the owner; nil: none
	FreshStart
}

// ResetPassword consumes the link, sets and unlocks the password, revokes every device and returns how many it revoked, in one
// transaction. Factors younger than YoungFactor, ways back to addresses later than the present one, trusted browsers and open
// challenges end, and wrong codes in a row count from 0: what a thief of the old password may have added must not keep the owner out,
// and what the owner has had for longer still stops a thief of the mailbox. ResetPassword changes nothing and returns ErrNotFound when
// the link is used, replaced, expired or another account's, and when the account is deleted, disabled or has another address by
// now or, for a first password, has one already.
func (s *Store) ResetPassword(ctx context.Context, r PasswordReset) (revoked int64, err error) {
	err = s.tx(ctx, func(tx *gorm.DB) error {
		// Lock the users row first, as every transaction that ends links does.
		q := tx.Model(&User{}).Where("id = ? AND email_key = ? AND disabled_at IS NULL", r.UserID, r.EmailKey)
		if r.First {
			q = q.Where("invited_at = password_changed_at")
		}
		set := chosenPassword(r.PasswordHash, r.At)
		set["email_verified"] = true
		done := q.UpdateColumns(set)
		if done.Error != nil || done.RowsAffected == 0 {
			return orRefuse(done.Error, ErrNotFound)
		}
		link, err := consumeOneTime(tx, r.Purpose, r.Link, r.At)
		if err != nil || link.UserID != r.UserID {
			return orRefuse(err, ErrNotFound)
		}
		if revoked, err = revokeAll(tx, r.UserID, uuid.Nil, r.At, r.Event.Actor, RevokedByPassword); err != nil {
			return err
		}
		if err := applyFreshStart(tx, r.UserID, r.FreshStart, r.At); err != nil {
			return err
		}
		gone, err := expelFactors(tx, r.UserID, r.Event, youngAt(r.At))
		if err != nil {
			return err
		}
		if err := endTrust(tx, r.UserID); err != nil {
			return err
		}
		if err := forgetWrongCodes(tx, r.UserID); err != nil {
			return err
		}
		if err := dropLinks(tx, r.UserID, ResetLink, InviteLink, EmailLink); err != nil {
			return err
		}
		if _, err := endLaterWays(tx, r.UserID, r.At); err != nil {
			return err
		}
		if err := addEvent(tx, r.Event); err != nil || r.Mail == nil {
			return err
		}
		return addMail(tx, r.Mail(gone))
	})
	return revoked, wrapErr("reset password", err)
}
