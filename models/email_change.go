package models

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// EmailLink is the purpose of a link that confirms a new address. A new password, a locked password and a disabled account end it.
const EmailLink = "email"

// EmailRequest asks for a new address of an account. Its Mail is the mail with the link that confirms the address.
type EmailRequest struct {
	UserID uuid.UUID
	Proof  Proof // what confirmed the request
	At     time.Time
	Event  Event
	Mail   MailWithLinks
}

// AskEmailChange writes the mail with the link. Earlier links to other addresses end. Links to the same address stay good; the subject
// of a link tells which address it is about. AskEmailChange returns ErrChanged when the account is not as verified, and ErrUsed as UseFactor
// does. Without that check a link could be written just after the change of password that ends all links.
func (s *Store) AskEmailChange(ctx context.Context, r EmailRequest) error {
	return wrapErr("ask for a new address", s.tx(ctx, func(tx *gorm.DB) error {
		if err := r.Proof.use(tx, r.UserID, r.At); err != nil {
			return err
		}
		for _, link := range r.Mail.Links {
			if err := dropOtherEmailLinks(tx, link); err != nil {
				return err
			}
		}
		return addEventAndMails(tx, r.Event, r.Mail)
	}))
}

// dropOtherEmailLinks ends an account's links to other addresses than the one that a link is about, and those that do not tell theirs.
func dropOtherEmailLinks(tx *gorm.DB, link OneTime) error {
	return tx.Where("user_id = ? AND purpose = ? AND (subject <> ? OR subject = '') AND used_at IS NULL", link.UserID, EmailLink, link.Subject).
		Delete(&OneTime{}).Error
}

// EmailChange is a new address whose owner has confirmed it with the link.
type EmailChange struct {
	Link            []byte // SHA-256 of the link's secret
	UserID          uuid.UUID
	From            string // folded: the account's address when it asked
	Verified        string // the password's hash then
	Version         int64  // of its factors then
	Email, EmailKey string
	At              time.Time
	Former          FormerAddress // the old address, with the link that takes it back; ChangeEmail fills in Since
	Event           Event
	UndoMail        MailWithLinks // to the old address, with that link
	LeftMail        MailWithLinks // to the old address, without a link, when the account returns to an address that it may take back
	NewMail         MailWithLinks // to the new address
	// WayBack makes a new way back to an address that the account had before its old one, and the mail with its link.
	WayBack func(FormerAddress) (FormerAddress, MailWithLinks)
}

// maxWaysBack is how many ways back an account can have. It allows about seven changes of address a week.
const maxWaysBack = 30

// ChangeEmail consumes the link and gives the account its new address, in one transaction. Links for a new password and to other
// addresses end.
//
// The old address gets a way back, and every older address that has one gets a new one. Otherwise a thief could change the address
// again and again until the owner's ways back expire. When the account returns to an address that it may take back, the old address
// gets no way back, the ways back to all later addresses end, and Since of the address stays what it was.
//
// ChangeEmail changes nothing and returns ErrNotFound when the link is used, ended or expired or the account has changed since
// it asked, ErrDuplicate when another account has the address, ErrHeld when the address is held for another account, and
// ErrTooManyWaysBack past the limit of 30 ways back.
func (s *Store) ChangeEmail(ctx context.Context, c EmailChange) error {
	return wrapErr("change address", s.tx(ctx, func(tx *gorm.DB) error {
		// Lock the users row first, as every transaction that ends links does.
		q := tx.Where("email_key = ? AND password_hash = ? AND factors_version = ? AND disabled_at IS NULL AND locked_at IS NULL", c.From, c.Verified, c.Version)
		if err := moveUser(tx, q, c.UserID, c.Email, c.EmailKey, c.At, ErrNotFound); err != nil {
			return err
		}
		link, err := consumeOneTime(tx, EmailLink, c.Link, c.At)
		if err != nil || link.UserID != c.UserID {
			return orRefuse(err, ErrNotFound)
		}
		var was User // email_since is still that of the old address
		if err := tx.Where("id = ?", c.UserID).Take(&was).Error; err != nil {
			return err
		}
		was.EmailKey = c.From
		list, err := waysBack(tx, was.ID, c.At)
		if err != nil {
			return err
		}
		mails, err := leaveAddress(tx, list, was, c)
		if err != nil {
			return err
		}
		if err := settleAddresses(tx, c.UserID, c.EmailKey, append(keysOf(list), c.From)...); err != nil {
			return err
		}
		if err := dropLinks(tx, c.UserID, ResetLink, InviteLink); err != nil {
			return err
		}
		if err := dropOtherEmailLinks(tx, link); err != nil {
			return err
		}
		return addEventAndMails(tx, c.Event, append(mails, c.NewMail)...)
	}))
}

// leaveAddress writes and ends the ways back of an account that leaves its address, and sets since when it has the new one. list are those
// that it has.
func leaveAddress(tx *gorm.DB, list []FormerAddress, was User, c EmailChange) (mails []MailWithLinks, err error) {
	var since *time.Time
	if slices.ContainsFunc(list, func(f FormerAddress) bool { return f.EmailKey == c.EmailKey }) {
		since, mails = rankOf(list, c.EmailKey, was).since, []MailWithLinks{c.LeftMail}
		if _, err := endWays(tx, was.ID, laterThan(list, c.EmailKey, was)); err != nil {
			return nil, err
		}
	} else {
		at := dbTime(c.At)
		if was.EmailSince != nil && !at.After(*was.EmailSince) { // another replica's clock was ahead
			at = was.EmailSince.Add(time.Microsecond)
		}
		since = &at
		if mails, err = addWaysBack(tx, list, was, c); err != nil {
			return nil, err
		}
	}
	return mails, tx.Model(&User{}).Where("id = ?", was.ID).UpdateColumns(map[string]any{"email_since": since, "email_verified": true}).Error
}

// addWaysBack writes the way back to the old address, and a new one to every older address that still has one.
func addWaysBack(tx *gorm.DB, list []FormerAddress, was User, c EmailChange) ([]MailWithLinks, error) {
	var ways []FormerAddress // in the order in which the account got the addresses
	mails := []MailWithLinks{c.UndoMail}
	seen := map[string]bool{was.EmailKey: true}
	for _, f := range list {
		if seen[f.EmailKey] {
			continue
		}
		seen[f.EmailKey] = true
		fresh, mail := c.WayBack(f)
		fresh.Since = rankOf(list, f.EmailKey, was).since
		ways, mails = append(ways, fresh), append(mails, mail)
	}
	left := c.Former
	left.Since = was.EmailSince
	ways = append(ways, left)
	if len(list)+len(ways) > maxWaysBack {
		return nil, ErrTooManyWaysBack
	}
	for _, f := range ways {
		if err := addFormer(tx, f); err != nil {
			return nil, err
		}
	}
	return mails, nil
}

// EmailSetting is a new address that an operator gives an account.
type EmailSetting struct {
	UserID          uuid.UUID
	From            string // folded: the account's address as the operator knows it
	Email, EmailKey string
	At              time.Time
	Event           Event
	LeftMail        MailWithLinks // to the old address
	NewMail         MailWithLinks // to the new address
	Invitation      MailWithLinks // to the new address instead of NewMail, when the account is invited; zero: NewMail all the same
}

// SetEmail gives the account a new address on behalf of an operator. All ways back end, because a thief may have the mailbox of a
// former address, and so do the links that were mailed to those addresses. An account that waits for its first password is
// invited again, at its new address. SetEmail returns ErrChanged when the account's address
// is not From, and ErrDuplicate and ErrHeld as ChangeEmail does.
func (s *Store) SetEmail(ctx context.Context, c EmailSetting) error {
	return wrapErr("set address", s.tx(ctx, func(tx *gorm.DB) error {
		if err := moveUser(tx, tx.Where("email_key = ?", c.From), c.UserID, c.Email, c.EmailKey, c.At, ErrChanged); err != nil {
			return err
		}
		var invited []User
		err := tx.Raw("UPDATE users SET email_since = NULL, email_verified = false WHERE id = ? RETURNING *", c.UserID).Scan(&invited).Error
		if err != nil || len(invited) == 0 {
			return orRefuse(err, ErrChanged)
		}
		news := c.NewMail
		if invited[0].Invited() && c.Invitation.Mail != nil {
			news = c.Invitation
		}
		var former []string
		if isCitus(tx) {
			list, err := formerAddresses(tx, c.UserID)
			if err != nil {
				return err
			}
			former = append(keysOf(list), c.From)
		}
		if err := tx.Where("user_id = ?", c.UserID).Delete(&FormerAddress{}).Error; err != nil {
			return err
		}
		if err := settleAddresses(tx, c.UserID, c.EmailKey, former...); err != nil {
			return err
		}
		if err := dropLinks(tx, c.UserID, ResetLink, InviteLink, EmailLink); err != nil {
			return err
		}
		return addEventAndMails(tx, c.Event, c.LeftMail, news)
	}))
}

// moveUser gives an account an address. It fails when another account has the address or the address is held for one.
func moveUser(tx, q *gorm.DB, userID uuid.UUID, email, key string, at time.Time, refused error) error {
	done := q.Model(&User{}).Where("id = ?", userID).UpdateColumns(map[string]any{"email": email, "email_key": key, "updated_at": dbTime(at)})
	if done.Error != nil || done.RowsAffected == 0 {
		return orRefuse(done.Error, refused)
	}
	if err := claimAddress(tx, key, userID, at); err != nil {
		return err
	}
	return refuseHeld(tx, key, userID, at)
}

// addEventAndMails writes an event and the mails about it.
func addEventAndMails(tx *gorm.DB, e Event, mails ...MailWithLinks) error {
	if err := addEvent(tx, e); err != nil {
		return err
	}
	for _, n := range mails {
		if err := addMail(tx, n); err != nil {
			return err
		}
	}
	return nil
}
