package models

import (
	"context"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// maxTrustedBrowsers is how many trusted browsers an account can have. One more displaces the oldest.
const maxTrustedBrowsers = 30

// TrustedBrowser is a browser that signs in to an account without a second step.
type TrustedBrowser struct {
	UserID, ID uuid.UUID
	Hash       []byte // SHA-256 of the secret in the browser's cookie
	Name       string
	CreatedAt  time.Time
	CreatedIP  string
	UsedAt     *time.Time
	UsedIP     string
	ExpiresAt  time.Time
}

// trustCondition holds for a trusted browser that is live. A new password deletes all of them; that an earlier release, which does not
// know the table, does not delete them makes no difference. trustArgs are its parameters.
const trustCondition = "user_id = ? AND expires_at > ? AND created_at >= (SELECT password_changed_at FROM users WHERE users.id = ?)"

func trustArgs(userID uuid.UUID, at time.Time) []any { return []any{userID, dbTime(at), userID} }

// TrustedBrowsers lists the live trusted browsers of an account, newest first.
func (s *Store) TrustedBrowsers(ctx context.Context, userID uuid.UUID, at time.Time) ([]TrustedBrowser, error) {
	var list []TrustedBrowser
	err := s.read(ctx).Where(trustCondition, trustArgs(userID, at)...).Order("created_at DESC, id DESC").Find(&list).Error
	return list, wrapErr("list trusted browsers", err)
}

// FindTrustedBrowser finds the newest live trusted browser of an account whose secret has one of the hashes, or returns ErrNotFound.
func (s *Store) FindTrustedBrowser(ctx context.Context, userID uuid.UUID, hashes [][]byte, at time.Time) (TrustedBrowser, error) {
	var b TrustedBrowser
	err := s.read(ctx).Where(trustCondition, trustArgs(userID, at)...).Where("hash IN ?", hashes).Order("created_at DESC, id DESC").Take(&b).Error
	return b, wrapErr("find trusted browser", err)
}

// EndTrustedBrowsers ends one trusted browser of an account, or all when id is nil. The event's device name becomes the name of the one.
// It returns ErrNotFound when there is no such browser; without any to end it writes no event.
func (s *Store) EndTrustedBrowsers(ctx context.Context, userID uuid.UUID, id *uuid.UUID, e Event) error {
	return wrapErr("end trusted browsers", s.tx(ctx, func(tx *gorm.DB) error {
		if err := lockExistingUsers(tx, userID); err != nil {
			return err
		}
		if id == nil {
			done := tx.Where("user_id = ?", userID).Delete(&TrustedBrowser{})
			if done.Error != nil || done.RowsAffected == 0 {
				return done.Error
			}
			return addEvent(tx, e)
		}
		var names []string
		err := tx.Raw("DELETE FROM trusted_browsers WHERE user_id = ? AND id = ? RETURNING name", userID, *id).Scan(&names).Error
		if err != nil || len(names) == 0 {
			return orRefuse(err, ErrNotFound)
		}
		e.DeviceName = names[0]
		return addEvent(tx, e)
	}))
}

// useTrustedBrowser notes that a trusted browser signed in. It returns ErrChanged when the browser is not trusted any more.
func useTrustedBrowser(tx *gorm.DB, d Device, id uuid.UUID) error {
	at := dbTime(d.CreatedAt)
	done := tx.Model(&TrustedBrowser{}).Where(trustCondition+" AND id = ?", append(trustArgs(d.UserID, at), id)...).UpdateColumns(map[string]any{"used_at": at, "used_ip": d.CreatedIP})
	if done.Error != nil || done.RowsAffected == 0 {
		return orRefuse(done.Error, ErrChanged)
	}
	return nil
}

// addTrustedBrowser trusts the browser of a sign-in, with the event of that.
func addTrustedBrowser(tx *gorm.DB, b TrustedBrowser, signIn Event) error {
	b.UserID = signIn.UserID
	b.CreatedAt, b.ExpiresAt, b.UsedAt, b.Hash = dbTime(b.CreatedAt), dbTime(b.ExpiresAt), dbTimeOrNil(b.UsedAt), nonNil(b.Hash)
	if b.ID == uuid.Nil {
		b.ID = NewID(b.CreatedAt)
	}
	if err := tx.Create(&b).Error; err != nil {
		return err
	}
	err := tx.Exec(`DELETE FROM trusted_browsers WHERE user_id = ? AND id IN
		(SELECT id FROM trusted_browsers WHERE user_id = ? ORDER BY created_at DESC, id DESC LIMIT 1000 OFFSET ?)`, b.UserID, b.UserID, maxTrustedBrowsers).Error
	if err != nil {
		return err
	}
	e := signIn
	e.ID, e.Kind, e.Detail, e.Limits = uuid.Nil, EventBrowserTrusted, "", nil
	return addEvent(tx, e)
}
