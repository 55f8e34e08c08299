package models

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// EmailLink is the purpose of a link that confirms a new address. A new password, a lock and a disabled account end it.
const EmailLink = "email"

// EmailRequest is the wish for a new address of an account, with the mail that confirms it.
type EmailRequest struct {
	UserID   uuid.UUID
	Verified string // the hash that the password was checked against
	At       time.Time
	Event    Event
	Notice   Notice
}

// AskEmailChange writes the mail with the link. It returns ErrChanged when the account is not as verified: otherwise a
// link could come into being after the change of password that ends all of them.
func (s *Store) AskEmailChange(ctx context.Context, r EmailRequest) error {
	return wrapErr("ask for a new address", s.tx(ctx, func(tx *gorm.DB) error {
		if err := lockVerifiedUser(tx, r.UserID, r.Verified, "", r.At); err != nil {
			return err
		}
		if err := addEvent(tx, r.Event); err != nil {
			return err
		}
		return addNotice(tx, r.Notice)
	}))
}

// EmailChange is a new address that was confirmed by its link.
type EmailChange struct {
	Link            []byte // SHA-256 of the link's secret
	UserID          uuid.UUID
	From            string // folded: the account's address when it asked
	Verified        string // the password's hash then
	Email, EmailKey string
	At              time.Time
	Former          FormerAddress // the address that is left, with the link that takes it back; its since is filled in
	Event           Event
	Undo            Notice // to the address that is left, with that link
	Left            Notice // the same without a link, when the account goes back to an address that it may take back anyway
	News            Notice // to the new address
	// Again makes a fresh way back to an address that the account had before the one that it leaves, and the mail with its link.
	Again func(FormerAddress) (FormerAddress, Notice)
}

// maxWaysBack is how many ways back an account can have: about seven changes of address in a week.
const maxWaysBack = 30

// ChangeEmail uses the link up and gives the account its new address, in one transaction. Links to a new password end. The
// address that the account leaves gets a way back, and every older address that has one gets a fresh one: a thief who goes on
// from address to address must not outlast the owner's. An account that returns to an address which it may take back gives
// the one that it leaves none, ends the ways back to all that came later, and has that address since it first had it. It
// returns ErrNotFound, and changes nothing, when the link is used, replaced or expired or the account is not as it was when
// it asked; ErrDuplicate when somebody has the address; ErrHeld when it is held for somebody else; ErrTooManyWaysBack.
func (s *Store) ChangeEmail(ctx context.Context, c EmailChange) error {
	return wrapErr("change address", s.tx(ctx, func(tx *gorm.DB) error {
		// The users row comes first, as everywhere: whoever ends the link holds that row too.
		q := tx.Where("email_key = ? AND password_hash = ? AND disabled_at IS NULL AND locked_at IS NULL", c.From, c.Verified)
		if err := moveUser(tx, q, c.UserID, c.Email, c.EmailKey, c.At, ErrNotFound); err != nil {
			return err
		}
		link, err := consumeOneTime(tx, EmailLink, c.Link, c.At)
		if err != nil || link.UserID != c.UserID {
			return orRefuse(err, ErrNotFound)
		}
		var was User // still since when the account had the address that it leaves
		if err := tx.Where("id = ?", c.UserID).Take(&was).Error; err != nil {
			return err
		}
		was.EmailKey = c.From
		notices, err := leaveAddress(tx, was, c)
		if err != nil {
			return err
		}
		if err := dropLinks(tx, c.UserID, ResetLink); err != nil {
			return err
		}
		return addEventAndMails(tx, c.Event, append(notices, c.News)...)
	}))
}

// leaveAddress writes and ends ways back as the account leaves its address, and notes since when it has the new one.
func leaveAddress(tx *gorm.DB, was User, c EmailChange) (notices []Notice, err error) {
	list, err := waysBack(tx, was.ID, c.At)
	if err != nil {
		return nil, err
	}
	var since *time.Time
	if slices.ContainsFunc(list, func(f FormerAddress) bool { return f.EmailKey == c.EmailKey }) {
		since, notices = rankOf(list, c.EmailKey, was).since, []Notice{c.Left}
		if _, err := endWays(tx, was.ID, laterThan(list, c.EmailKey, was)); err != nil {
			return nil, err
		}
	} else {
		at := dbTime(c.At)
		if was.EmailSince != nil && !at.After(*was.EmailSince) { // the clock of another replica is ahead
			at = was.EmailSince.Add(time.Microsecond)
		}
		since = &at
		if notices, err = addWaysBack(tx, list, was, c); err != nil {
			return nil, err
		}
	}
	return notices, tx.Model(&User{}).Where("id = ?", was.ID).UpdateColumn("email_since", since).Error
}

// addWaysBack writes the way back to the address that is left and fresh ones to every older address that still has one.
func addWaysBack(tx *gorm.DB, list []FormerAddress, was User, c EmailChange) ([]Notice, error) {
	var ways []FormerAddress // in the order in which the account came to the addresses
	notices := []Notice{c.Undo}
	seen := map[string]bool{was.EmailKey: true}
	for _, f := range list {
		if seen[f.EmailKey] {
			continue
		}
		seen[f.EmailKey] = true
		fresh, notice := c.Again(f)
		fresh.Since = rankOf(list, f.EmailKey, was).since
		ways, notices = append(ways, fresh), append(notices, notice)
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
	return notices, nil
}

// EmailSetting is a new address that an operator gives an account.
type EmailSetting struct {
	UserID          uuid.UUID
	From            string // folded: the address that the operator knows
	Email, EmailKey string
	At              time.Time
	Event           Event
	Notices         []Notice
}

// SetEmail gives the account its new address, which counts as its first. Nobody can take it back: perhaps a thief has the
// mailbox of a former one. Links that went to those end with them.
// It returns ErrChanged when the account's address is another by now, ErrDuplicate and ErrHeld as ChangeEmail does.
func (s *Store) SetEmail(ctx context.Context, c EmailSetting) error {
	return wrapErr("set address", s.tx(ctx, func(tx *gorm.DB) error {
		if err := moveUser(tx, tx.Where("email_key = ?", c.From), c.UserID, c.Email, c.EmailKey, c.At, ErrChanged); err != nil {
			return err
		}
		if err := tx.Model(&User{}).Where("id = ?", c.UserID).UpdateColumn("email_since", nil).Error; err != nil {
			return err
		}
		if err := tx.Where("user_id = ?", c.UserID).Delete(&FormerAddress{}).Error; err != nil {
			return err
		}
		if err := dropLinks(tx, c.UserID, ResetLink, EmailLink); err != nil {
			return err
		}
		return addEventAndMails(tx, c.Event, c.Notices...)
	}))
}

// moveUser gives an account an address that nobody else has and that is held for nobody else.
func moveUser(tx, q *gorm.DB, userID uuid.UUID, email, key string, at time.Time, refused error) error {
	done := q.Model(&User{}).Where("id = ?", userID).UpdateColumns(map[string]any{"email": email, "email_key": key, "updated_at": dbTime(at)})
	if done.Error != nil || done.RowsAffected == 0 {
		return orRefuse(done.Error, refused)
	}
	return refuseHeld(tx, key, userID, at)
}

// addEventAndMails writes an event and the mails about it.
func addEventAndMails(tx *gorm.DB, e Event, notices ...Notice) error {
	if err := addEvent(tx, e); err != nil {
		return err
	}
	for _, n := range notices {
		if err := addNotice(tx, n); err != nil {
			return err
		}
	}
	return nil
}
