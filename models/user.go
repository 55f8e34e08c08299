package models

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// The roles of a user.
const (
	RoleUser    = "user"
	RoleSupport = "support"
)

// User is one account.
type User struct {
	ID                uuid.UUID
	Email             string     // as the owner typed it
	EmailKey          string     // the address folded by the caller; unique
	EmailSince        *time.Time // when the account got its address; nil: at sign-up, or from an operator
	EmailVerified     bool       // the owner has opened a link that was mailed to the address; read it by Verified
	PasswordHash      string     // PHC string
	PasswordChangedAt time.Time
	Role              string
	CreatedAt         time.Time
	UpdatedAt         time.Time
	DisabledAt        *time.Time
	AlertsSeenAt      *time.Time // the owner dismissed the warnings up to this time
	LockedAt          *time.Time // set: the password does not work until it is reset
	InvitedAt         *time.Time // see Invited
	GeneratedAt       *time.Time // see MustChoosePassword
	SecondFactor      bool       // the account has a passkey or an authenticator app
	FactorsVersion    int64      // counts the changes of its factors
	Language          string     // that the owner chose for pages and mails, a tag of BCP 47; empty: none
	FormerLanguage    string     // see Languages
	LanguageChangedAt *time.Time
	ExternalID        string     // its id at the operator's backend; unique; empty: it has none
	Metadata          string     // that the backend keeps with it, a JSON object; empty: it has none
	WeakUntil         *time.Time // when PasswordHash goes if it is still the weak one that was imported; nil: it stays
}

// Verified reports whether the owner has opened a link that was mailed to the address. A release before EmailVerified noted only when such a
// link changed the address.
func (u User) Verified() bool { return u.EmailVerified || u.EmailSince != nil }

// Invited reports whether the account was made by an invitation and its owner has chosen no password yet. Until then no one knows
// its password.
func (u *User) Invited() bool { return u.InvitedAt != nil && u.InvitedAt.Equal(u.PasswordChangedAt) }

// MustChoosePassword reports whether the password was made by a command and printed, so that other people may have read it.
func (u *User) MustChoosePassword() bool {
	return u.GeneratedAt != nil && u.GeneratedAt.Equal(u.PasswordChangedAt)
}

// chosenPassword is what every change of a password writes.
func chosenPassword(hash string, now time.Time) map[string]any {
	at := dbTime(now)
	return map[string]any{"password_hash": hash, "password_changed_at": at, "updated_at": at, "locked_at": nil, "invited_at": nil, "generated_at": nil}
}

// AddUser creates an account together with its event and mails. It returns ErrDuplicate when another account has the address, and
// ErrHeld when the address is held for an account that had it.
func (s *Store) AddUser(ctx context.Context, u User, e Event, mails ...MailWithLinks) error {
	return wrapErr("add user", s.tx(ctx, func(tx *gorm.DB) error { return addUser(tx, u, e, mails...) }))
}

func addUser(tx *gorm.DB, u User, e Event, mails ...MailWithLinks) error {
	u.CreatedAt, u.UpdatedAt, u.PasswordChangedAt = dbTime(u.CreatedAt), dbTime(u.CreatedAt), dbTime(u.CreatedAt)
	if u.InvitedAt != nil {
		u.InvitedAt = &u.PasswordChangedAt
	}
	if u.GeneratedAt != nil {
		u.GeneratedAt = &u.PasswordChangedAt
	}
	if err := createUser(tx, u); err != nil {
		return err
	}
	return addEventAndMails(tx, e, mails...)
}

func createUser(tx *gorm.DB, u User) error {
	if err := claimAddress(tx, u.EmailKey, u.ID, u.CreatedAt); err != nil {
		return err
	}
	if err := claimExternalID(tx, u.ExternalID, u.ID); err != nil {
		return err
	}
	if err := tx.Create(&u).Error; err != nil {
		return err
	}
	return refuseHeld(tx, u.EmailKey, u.ID, u.CreatedAt)
}

// UserByEmail finds an account by its folded address, or returns ErrNotFound.
func (s *Store) UserByEmail(ctx context.Context, emailKey string) (User, error) {
	if citus, err := s.onCitus(ctx); err != nil || citus {
		if err != nil {
			return User{}, err
		}
		return s.userOn(ctx, "addresses", "email_key", emailKey)
	}
	var u User
	err := s.read(ctx).Where("email_key = ?", emailKey).Take(&u).Error
	return u, wrapErr("find user", err)
}

// FindEmailKey finds the first of several folded addresses that an account has or, when none does, one that an account may take back.
// It returns ErrNotFound when there is neither.
func (s *Store) FindEmailKey(ctx context.Context, keys []string, now time.Time) (string, error) {
	var found []struct {
		EmailKey string
		Held     bool
	}
	citus, err := s.onCitus(ctx)
	if err != nil {
		return "", err
	}
	if citus {
		err = s.read(ctx).Raw(`SELECT email_key, held_until IS NOT NULL AS held FROM addresses WHERE email_key IN ? AND (held_until IS NULL OR held_until > ?)`,
			keys, dbTime(now)).Scan(&found).Error
	} else {
		err = s.read(ctx).Raw(`SELECT email_key, FALSE AS held FROM users WHERE email_key IN ?
			UNION ALL SELECT email_key, TRUE AS held FROM former_addresses WHERE email_key IN ? AND expires_at > ?`, keys, keys, dbTime(now)).Scan(&found).Error
	}
	if err != nil {
		return "", wrapErr("find address", err)
	}
	for _, held := range []bool{false, true} {
		for _, key := range keys {
			for _, f := range found {
				if f.Held == held && f.EmailKey == key {
					return key, nil
				}
			}
		}
	}
	return "", wrapErr("find address", ErrNotFound)
}

// UserByID finds an account, or returns ErrNotFound.
func (s *Store) UserByID(ctx context.Context, id uuid.UUID) (User, error) {
	var u User
	err := s.read(ctx).Where("id = ?", id).Take(&u).Error
	return u, wrapErr("find user", err)
}

// Users lists up to limit accounts in order of their folded address. The list starts after the address after.
func (s *Store) Users(ctx context.Context, after string, limit int) ([]User, error) {
	var list []User
	err := s.read(ctx).Where("email_key > ?", after).Order("email_key").Limit(limit).Find(&list).Error
	return list, wrapErr("list users", err)
}

// CountUsers counts the accounts.
func (s *Store) CountUsers(ctx context.Context) (n int64, err error) {
	err = s.read(ctx).Model(&User{}).Count(&n).Error
	return n, wrapErr("count users", err)
}

// PasswordChange replaces a password and signs devices out with it.
type PasswordChange struct {
	UserID uuid.UUID
	Proof  Proof // what confirmed the change; with an empty Verified, when an operator resets it, nothing did
	Hash   string
	At     time.Time
	Keep   uuid.UUID // the device that stays signed in; uuid.Nil: no device does
	By     string    // revoked_by
	Event  Event
	Mail   MailWithLinks
	FreshStart
	Generated bool // see User.MustChoosePassword
}

// ChangePassword sets the new hash, revokes every device except Keep and returns how many it revoked, in one transaction. Links for
// a new password or address end, and so do ways back to addresses later than the present one, trusted browsers and open challenges.
// ChangePassword unlocks the password, and wrong codes in a row count from 0.
// It returns ErrChanged when the verified password is no longer the present one or is locked, the factors have changed, or the account is
// disabled, and ErrUsed as UseFactor does; ErrAppGone wraps it. When nothing was verified it returns ErrNotFound for an unknown account.
func (s *Store) ChangePassword(ctx context.Context, c PasswordChange) (revoked int64, err error) {
	err = s.tx(ctx, func(tx *gorm.DB) error {
		q := tx.Model(&User{}).Where("id = ?", c.UserID)
		refused := ErrNotFound
		if c.Proof.Verified != "" {
			q = q.Where("password_hash = ? AND disabled_at IS NULL AND locked_at IS NULL AND factors_version = ?", c.Proof.Verified, c.Proof.Version)
			refused = ErrChanged
		}
		set := chosenPassword(c.Hash, c.At)
		if c.Generated {
			set["generated_at"] = set["password_changed_at"]
		}
		done := q.UpdateColumns(set)
		if done.Error != nil || done.RowsAffected == 0 {
			return orRefuse(done.Error, refused)
		}
		if err := c.Proof.useUp(tx, c.UserID, c.At); err != nil {
			return err
		}
		if revoked, err = revokeAll(tx, c.UserID, c.Keep, c.At, c.By, RevokedByPassword); err != nil {
			return err
		}
		if err := applyFreshStart(tx, c.UserID, c.FreshStart, c.At); err != nil {
			return err
		}
		if err := endTrustWithPassword(tx, c.UserID); err != nil {
			return err
		}
		if err := dropLinks(tx, c.UserID, ResetLink, InviteLink, EmailLink); err != nil {
			return err
		}
		if _, err := endLaterWays(tx, c.UserID, c.At); err != nil {
			return err
		}
		if err := addEvent(tx, c.Event); err != nil {
			return err
		}
		return addMail(tx, c.Mail)
	})
	return revoked, wrapErr("change password", err)
}

// SetRole changes what an account may do. It returns ErrNotFound for an unknown id.
func (s *Store) SetRole(ctx context.Context, userID uuid.UUID, role string, e Event) error {
	return wrapErr("set role", s.tx(ctx, func(tx *gorm.DB) error {
		done := tx.Model(&User{}).Where("id = ?", userID).UpdateColumns(map[string]any{"role": role, "updated_at": dbTime(e.At)})
		if done.Error != nil || done.RowsAffected == 0 {
			return orRefuse(done.Error, ErrNotFound)
		}
		return addEvent(tx, e)
	}))
}

// DisableUser disables an account, revokes all its devices, ends its links, trusted browsers and open challenges, and returns how many devices it revoked, in one
// transaction. Ways back to former addresses do not work while the account is disabled. An account that is already disabled stays
// as it is, without an event.
func (s *Store) DisableUser(ctx context.Context, userID uuid.UUID, e Event, n MailWithLinks) (revoked int64, err error) {
	err = s.tx(ctx, func(tx *gorm.DB) error {
		at := dbTime(e.At)
		done := tx.Model(&User{}).Where("id = ? AND disabled_at IS NULL", userID).
			UpdateColumns(map[string]any{"disabled_at": at, "updated_at": at})
		if done.Error == nil && done.RowsAffected == 0 {
			return lockUserRow(tx, userID) // see keepRevoked
		}
		if done.Error != nil {
			return done.Error
		}
		if revoked, err = revokeAll(tx, userID, uuid.Nil, e.At, e.Actor, RevokedByDisable); err != nil {
			return err
		}
		if err := endTrust(tx, userID); err != nil {
			return err
		}
		if err := dropAllLinks(tx, userID); err != nil {
			return err
		}
		if err := addEvent(tx, e); err != nil {
			return err
		}
		return addMail(tx, n)
	})
	return revoked, wrapErr("disable user", err)
}

// EnableUser enables a disabled account. Its devices stay revoked. An account that is not disabled stays as it is, without an
// event.
func (s *Store) EnableUser(ctx context.Context, userID uuid.UUID, e Event) error {
	return wrapErr("enable user", s.tx(ctx, func(tx *gorm.DB) error {
		done := tx.Model(&User{}).Where("id = ? AND disabled_at IS NOT NULL", userID).
			UpdateColumns(map[string]any{"disabled_at": nil, "updated_at": dbTime(e.At)})
		if done.Error != nil || done.RowsAffected == 0 {
			return done.Error
		}
		if err := dropAllLinks(tx, userID); err != nil { // a request that read the account before it was disabled may have written some
			return err
		}
		return addEvent(tx, e)
	}))
}

// DismissAlerts records that the owner has seen the warnings up to until. It changes nothing when a later time is recorded already.
func (s *Store) DismissAlerts(ctx context.Context, userID uuid.UUID, until time.Time) error {
	return wrapErr("dismiss alerts", s.write(ctx, func(db *gorm.DB) error {
		return db.Exec("UPDATE users SET alerts_seen_at = ? WHERE id = ? AND (alerts_seen_at IS NULL OR alerts_seen_at < ?)",
			dbTime(until), userID, dbTime(until)).Error
	}))
}

// lockVerifiedUser locks the users row of an enabled account, so that transactions that add or rename devices of one user run one
// after another. It returns ErrChanged when the account is disabled or the password is not the verified one. An empty verified
// skips the check of the password; an empty rehashed leaves the hash.
func lockVerifiedUser(tx *gorm.DB, userID uuid.UUID, verified, rehashed string, at time.Time) error {
	q := tx.Model(&User{}).Where("id = ? AND disabled_at IS NULL", userID)
	if verified != "" {
		q = q.Where("password_hash = ? AND locked_at IS NULL", verified)
	}
	set := map[string]any{"updated_at": dbTime(at)}
	if rehashed != "" {
		set["password_hash"] = rehashed
	}
	done := q.UpdateColumns(set)
	if done.Error != nil || done.RowsAffected == 0 {
		return orRefuse(done.Error, ErrChanged)
	}
	return nil
}

// lockUserRow locks a user's row in any state. Every transaction that changes several devices of one user locks that row first.
// Otherwise two of them could lock the devices in different orders and deadlock.
func lockUserRow(tx *gorm.DB, userID uuid.UUID) error {
	return tx.Exec("UPDATE users SET updated_at = updated_at WHERE id = ?", userID).Error
}

// lockExistingUsers locks the rows of accounts before something is written for them that must not outlive them, in the order of
// their ids. It returns ErrNotFound when an account has been deleted. The nil UUID stands for no account and costs the same, so
// that the time of a response does not tell a stranger whether an account exists.
func lockExistingUsers(tx *gorm.DB, ids ...uuid.UUID) error {
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	for _, id := range slices.Compact(ids) {
		done := tx.Exec("UPDATE users SET updated_at = updated_at WHERE id = ?", id)
		if done.Error != nil || done.RowsAffected == 0 && !isNoAccount(id) {
			return orRefuse(done.Error, ErrNotFound)
		}
	}
	return nil
}

// orRefuse returns the driver's error, or the refusal when no row was affected and err is nil.
func orRefuse(err, refusal error) error {
	if err != nil {
		return err
	}
	return fmt.Errorf("no such row: %w", refusal)
}
