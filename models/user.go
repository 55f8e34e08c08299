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
	Email             string     // as its owner writes it
	EmailKey          string     // folded by the caller; unique
	EmailSince        *time.Time // since when the account has its address; nil: from the start, or an operator gave it
	PasswordHash      string     // PHC string
	PasswordChangedAt time.Time
	Role              string
	CreatedAt         time.Time
	UpdatedAt         time.Time
	DisabledAt        *time.Time
	AlertsSeenAt      *time.Time // warnings up to this moment were dismissed
	LockedAt          *time.Time // the password opens nothing until it is reset
}

// AddUser creates an account together with its event. It returns ErrDuplicate when the address is taken, ErrHeld when it
// is held for an account that had it.
func (s *Store) AddUser(ctx context.Context, u User, e Event) error {
	u.CreatedAt, u.UpdatedAt, u.PasswordChangedAt = dbTime(u.CreatedAt), dbTime(u.CreatedAt), dbTime(u.CreatedAt)
	return wrapErr("add user", s.tx(ctx, func(tx *gorm.DB) error {
		if err := createUser(tx, u); err != nil {
			return err
		}
		return addEvent(tx, e)
	}))
}

func createUser(tx *gorm.DB, u User) error {
	if err := tx.Create(&u).Error; err != nil {
		return err
	}
	return refuseHeld(tx, u.EmailKey, u.ID, u.CreatedAt)
}

// UserByEmail finds an account by its folded address, or returns ErrNotFound.
func (s *Store) UserByEmail(ctx context.Context, emailKey string) (User, error) {
	var u User
	err := s.read(ctx).Where("email_key = ?", emailKey).Take(&u).Error
	return u, wrapErr("find user", err)
}

// UserByID finds an account, or returns ErrNotFound.
func (s *Store) UserByID(ctx context.Context, id uuid.UUID) (User, error) {
	var u User
	err := s.read(ctx).Where("id = ?", id).Take(&u).Error
	return u, wrapErr("find user", err)
}

// Users lists up to limit accounts in order of their folded address, from behind the given one on.
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
	UserID   uuid.UUID
	Verified string // the hash that the caller checked the old password against; empty when an operator resets it
	Hash     string
	At       time.Time
	Keep     uuid.UUID // the device that stays signed in; the nil UUID keeps none
	By       string    // revoked_by
	Event    Event
	Notice   Notice
	FreshStart
}

// ChangePassword sets the new hash and revokes every other device in one transaction. Links to a new password or address
// end, and ways back to later addresses than the present one. It returns ErrChanged when
// the password is no longer the verified one or is locked, or the account is disabled, ErrNotFound when an operator
// names nobody. A reset by an operator unlocks the password.
func (s *Store) ChangePassword(ctx context.Context, c PasswordChange) (revoked int64, err error) {
	err = s.tx(ctx, func(tx *gorm.DB) error {
		q := tx.Model(&User{}).Where("id = ?", c.UserID)
		refused := ErrNotFound
		if c.Verified != "" {
			q, refused = q.Where("password_hash = ? AND disabled_at IS NULL AND locked_at IS NULL", c.Verified), ErrChanged
		}
		at := dbTime(c.At)
		done := q.UpdateColumns(map[string]any{"password_hash": c.Hash, "password_changed_at": at, "updated_at": at, "locked_at": nil})
		if done.Error != nil || done.RowsAffected == 0 {
			return orRefuse(done.Error, refused)
		}
		if revoked, err = revokeAll(tx, c.UserID, c.Keep, c.At, c.By, RevokedByPassword); err != nil {
			return err
		}
		if err := startAfresh(tx, c.UserID, c.FreshStart, c.At); err != nil {
			return err
		}
		if err := dropLinks(tx, c.UserID, ResetLink, EmailLink); err != nil {
			return err
		}
		if _, err := endLaterWays(tx, c.UserID, c.At); err != nil {
			return err
		}
		if err := addEvent(tx, c.Event); err != nil {
			return err
		}
		return addNotice(tx, c.Notice)
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

// DisableUser closes an account, revokes every device of it and ends its links in the same transaction. Ways back to
// former addresses only rest. An account that is disabled already stays as it is, without an event.
func (s *Store) DisableUser(ctx context.Context, userID uuid.UUID, e Event, n Notice) (revoked int64, err error) {
	err = s.tx(ctx, func(tx *gorm.DB) error {
		at := dbTime(e.At)
		done := tx.Model(&User{}).Where("id = ? AND disabled_at IS NULL", userID).
			UpdateColumns(map[string]any{"disabled_at": at, "updated_at": at})
		if done.Error != nil || done.RowsAffected == 0 {
			return done.Error
		}
		if revoked, err = revokeAll(tx, userID, uuid.Nil, e.At, e.Actor, RevokedByDisable); err != nil {
			return err
		}
		if err := dropAllLinks(tx, userID); err != nil {
			return err
		}
		if err := addEvent(tx, e); err != nil {
			return err
		}
		return addNotice(tx, n)
	})
	return revoked, wrapErr("disable user", err)
}

// EnableUser opens a disabled account again; its devices stay revoked.
func (s *Store) EnableUser(ctx context.Context, userID uuid.UUID, e Event) error {
	return wrapErr("enable user", s.tx(ctx, func(tx *gorm.DB) error {
		done := tx.Model(&User{}).Where("id = ? AND disabled_at IS NOT NULL", userID).
			UpdateColumns(map[string]any{"disabled_at": nil, "updated_at": dbTime(e.At)})
		if done.Error != nil || done.RowsAffected == 0 {
			return done.Error
		}
		if err := dropAllLinks(tx, userID); err != nil { // written by a request that had read the account as it was before
			return err
		}
		return addEvent(tx, e)
	}))
}

// DismissAlerts notes that the owner has seen the warnings up to a moment. An earlier one than is noted changes nothing.
func (s *Store) DismissAlerts(ctx context.Context, userID uuid.UUID, until time.Time) error {
	return wrapErr("dismiss alerts", s.write(ctx, func(db *gorm.DB) error {
		return db.Exec("UPDATE users SET alerts_seen_at = ? WHERE id = ? AND (alerts_seen_at IS NULL OR alerts_seen_at < ?)",
			dbTime(until), userID, dbTime(until)).Error
	}))
}

// lockVerifiedUser begins a transaction that adds or renames a device: the UPDATE of the users row serialises all of them
// per user and refuses with ErrChanged when the account is not as verified. An empty hash means that no password
// was part of the act.
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

// lockUserRow takes a user's row, whatever its state, before several of the user's devices are changed: whoever does
// that comes here first, or two of them would take the devices in different orders and deadlock.
func lockUserRow(tx *gorm.DB, userID uuid.UUID) error {
	return tx.Exec("UPDATE users SET updated_at = updated_at WHERE id = ?", userID).Error
}

// lockExistingUsers takes the rows of accounts of which something is written that must not outlive them, in the order of their ids.
// It returns ErrNotFound when one is gone. The nil UUID costs the same and is no account: what strangers may ask for must
// not tell by its time whether there is one.
func lockExistingUsers(tx *gorm.DB, ids ...uuid.UUID) error {
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	for _, id := range slices.Compact(ids) {
		done := tx.Exec("UPDATE users SET updated_at = updated_at WHERE id = ?", id)
		if done.Error != nil || done.RowsAffected == 0 && id != uuid.Nil {
			return orRefuse(done.Error, ErrNotFound)
		}
	}
	return nil
}

// orRefuse is the driver's error, or else the refusal that no affected row means.
func orRefuse(err, refusal error) error {
	if err != nil {
		return err
	}
	return fmt.Errorf("no such row: %w", refusal)
}
