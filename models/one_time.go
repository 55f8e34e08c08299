package models

import (
	"bytes"
	"context"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// UsedLinkLife is how long a used link is kept, so that a second press leads on instead of failing.
const UsedLinkLife = 10 * time.Minute

// OneTime is a link that was mailed: good once, until it expires.
type OneTime struct {
	Hash      []byte // SHA-256 of the link's secret
	UserID    uuid.UUID
	Purpose   string
	Subject   string
	Box       []byte
	MailedTo  string // the folded address of an account that it went to, filled in by addNotice; empty where that was not noted
	CreatedAt time.Time
	ExpiresAt time.Time
	UsedAt    *time.Time // when it was used; ExpiresAt is that moment then, for releases that do not read UsedAt
}

// TableName is where gorm finds them.
func (OneTime) TableName() string { return "one_time_tokens" }

// addOneTime writes a link; earlier ones of the same account, purpose and subject are worth nothing from then on.
func addOneTime(tx *gorm.DB, t OneTime) error {
	if err := tx.Where("user_id = ? AND purpose = ? AND subject = ? AND used_at IS NULL", t.UserID, t.Purpose, t.Subject).Delete(&OneTime{}).Error; err != nil {
		return err
	}
	t.CreatedAt, t.ExpiresAt = dbTime(t.CreatedAt), dbTime(t.ExpiresAt)
	if t.Box == nil {
		t.Box = []byte{}
	}
	return tx.Create(&t).Error
}

// FindOneTime reads a link without using it. It returns ErrNotFound when it is unknown, replaced or expired. A link that
// was used within UsedLinkLife is returned too, with UsedAt set.
func (s *Store) FindOneTime(ctx context.Context, purpose string, hash []byte, now time.Time) (OneTime, error) {
	var t OneTime
	err := s.read(ctx).Where("purpose = ? AND hash = ? AND (expires_at > ? AND used_at IS NULL OR used_at > ?)",
		purpose, hash, dbTime(now), dbTime(now.Add(-UsedLinkLife))).Take(&t).Error
	return t, wrapErr("find link", err)
}

// consumeOneTime consumes a link inside the transaction of what it is used for: one statement, so that of many at once one
// wins. The others get ErrNotFound.
func consumeOneTime(tx *gorm.DB, purpose string, hash []byte, now time.Time) (OneTime, error) {
	var rows []OneTime
	err := tx.Raw("UPDATE one_time_tokens SET used_at = ?, expires_at = ? WHERE purpose = ? AND hash = ? AND expires_at > ? AND used_at IS NULL RETURNING *",
		dbTime(now), dbTime(now), purpose, bytes.Clone(hash), dbTime(now)).Scan(&rows).Error
	if err != nil || len(rows) == 0 {
		return OneTime{}, orRefuse(err, ErrNotFound)
	}
	return rows[0], nil
}

// LinkReaches reports whether a link went to an address that is the account's, or that the account can still take back.
// A mailbox that the account has left for good must not act on it.
func (s *Store) LinkReaches(ctx context.Context, link OneTime, emailKey string, now time.Time) (bool, error) {
	ok, err := linkReaches(s.read(ctx), link, emailKey, now)
	return ok, wrapErr("find address of link", err)
}

func linkReaches(db *gorm.DB, link OneTime, emailKey string, now time.Time) (bool, error) {
	if link.MailedTo == "" || link.MailedTo == emailKey {
		return true, nil
	}
	var n int64
	err := db.Model(&FormerAddress{}).Where("user_id = ? AND email_key = ? AND expires_at > ? AND used_at IS NULL", link.UserID, link.MailedTo, dbTime(now)).
		Count(&n).Error
	return n > 0, err
}
