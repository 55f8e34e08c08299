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
	Event Event // UndoEmailChange fills in its user
	FreshStart
	// Mails makes the mails, given the address that the account takes back, the one that it leaves, and the factors that went.
	Mails func(f FormerAddress, left string, gone FactorsGone) []MailWithLinks
}

// UndoEmailChange consumes the link and gives the account its former address again, whatever address it has now. Since of the
// address stays what it was. The transaction also locks the password, revokes every device, replaces the known origins, ends links
// for new passwords and addresses, trusted browsers and open challenges, and ends every way back to the same or a later address. It
// removes every factor that was younger than YoungFactor when the first of the changes that it undoes was made, and all later ones.
// UndoEmailChange changes nothing and returns ErrNotFound when the link is used, ended or expired, or the account is deleted or disabled.
func (s *Store) UndoEmailChange(ctx context.Context, u EmailUndo) (f FormerAddress, err error) {
	err = s.tx(ctx, func(tx *gorm.DB) error {
		err := tx.Where("hash = ? AND expires_at > ? AND used_at IS NULL", u.Hash, dbTime(u.At)).Take(&f).Error
		if err != nil {
			return err
		}
		var left []User // lock the users row first, as every transaction does
		err = tx.Raw("UPDATE users SET locked_at = ?, updated_at = ? WHERE id = ? AND disabled_at IS NULL RETURNING *", dbTime(u.At), dbTime(u.At), f.UserID).
			Scan(&left).Error
		if err != nil || len(left) == 0 {
			return orRefuse(err, ErrNotFound)
		}
		list, err := waysBack(tx, f.UserID, u.At)
		if err != nil {
			return err
		}
		if err := consumeFormer(tx, f, u.At); err != nil {
			return err
		}
		if err := claimAddress(tx, f.EmailKey, f.UserID, u.At); err != nil {
			return err
		}
		set := map[string]any{"email": f.Email, "email_key": f.EmailKey, "email_since": rankOf(list, f.EmailKey, left[0]).since, "email_verified": true}
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
		if err := settleAddresses(tx, f.UserID, f.EmailKey, append(keysOf(list), left[0].EmailKey)...); err != nil {
			return err
		}
		gone, err := expelFactors(tx, f.UserID, u.Event, youngAt(firstUndone(f, list, left[0])))
		if err != nil {
			return err
		}
		if _, err := revokeAll(tx, f.UserID, uuid.Nil, u.At, u.Event.Actor, RevokedByUndo); err != nil {
			return err
		}
		if err := applyFreshStart(tx, f.UserID, u.FreshStart, u.At); err != nil {
			return err
		}
		if err := endTrust(tx, f.UserID); err != nil {
			return err
		}
		// "This wasn't me" links stay: those mailed to an address that the account can no longer take back do not work anyway.
		if err := dropLinks(tx, f.UserID, ResetLink, InviteLink, EmailLink); err != nil {
			return err
		}
		e := u.Event
		e.UserID = f.UserID
		return addEventAndMails(tx, e, u.Mails(f, left[0].Email, gone)...)
	})
	return f, wrapErr("take address back", err)
}

// firstUndone returns when the first of the changes was made that are undone when the account takes f back. f itself tells when the
// account left that address: a renewed link has the time of the first one. The links to later addresses may have been written before:
// then an earlier change is undone, too.
func firstUndone(f FormerAddress, list []FormerAddress, present User) time.Time {
	first := f.CreatedAt
	earlier := func(since *time.Time) {
		if since != nil && since.Before(first) {
			first = *since
		}
	}
	rank := rankOf(list, f.EmailKey, present)
	for _, later := range laterThan(list, f.EmailKey, present) {
		earlier(rankOf(list, later.EmailKey, present).since)
	}
	if present.EmailKey != f.EmailKey && rank.before(rankOf(list, present.EmailKey, present)) {
		earlier(present.EmailSince)
	}
	return first
}

// consumeFormer consumes the link of a way back. Of many concurrent uses one wins; the others get ErrNotFound.
func consumeFormer(tx *gorm.DB, f FormerAddress, at time.Time) error {
	done := tx.Model(&FormerAddress{}).Where("user_id = ? AND hash = ? AND expires_at > ? AND used_at IS NULL", f.UserID, bytes.Clone(f.Hash), dbTime(at)).
		UpdateColumns(map[string]any{"used_at": dbTime(at), "expires_at": dbTime(at)})
	if done.Error != nil || done.RowsAffected == 0 {
		return orRefuse(done.Error, ErrNotFound)
	}
	return nil
}
