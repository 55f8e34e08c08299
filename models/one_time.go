package models

import (
	"bytes"
	"context"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// UsedLinkLife is how long a used link is kept, so that a second click gets a helpful page and not an error.
const UsedLinkLife = 10 * time.Minute

// OneTime is a mailed link, which works once and until it expires.
type OneTime struct {
	Hash      []byte // SHA-256 of the link's secret
	UserID    uuid.UUID
	Purpose   string
	Subject   string
	Payload   []byte `gorm:"column:box"` // what the caller keeps with the link, usually sealed
	MailedTo  string // folded: the account's address that the link went to, filled in by addMail; empty when not recorded
	CreatedAt time.Time
	ExpiresAt time.Time
	UsedAt    *time.Time // when the link was used; ExpiresAt is set to the same time, for releases that do not read UsedAt
}

// TableName is where links are stored.
func (OneTime) TableName() string { return "one_time_tokens" }

// addOneTime writes a link. Earlier ones stay good.
func addOneTime(tx *gorm.DB, t OneTime) error {
	t.CreatedAt, t.ExpiresAt = dbTime(t.CreatedAt), dbTime(t.ExpiresAt)
	if t.Payload == nil {
		t.Payload = []byte{}
	}
	return tx.Create(&t).Error
}

// FindOneTime returns a link without using it. It returns ErrNotFound when the link is unknown, ended or expired. A link that
// was used within the last UsedLinkLife is returned too, with UsedAt set.
func (s *Store) FindOneTime(ctx context.Context, purpose string, hash []byte, now time.Time) (OneTime, error) {
	var t OneTime
	err := s.read(ctx).Where("purpose = ? AND hash = ? AND (expires_at > ? AND used_at IS NULL OR used_at > ?)",
		purpose, hash, dbTime(now), dbTime(now.Add(-UsedLinkLife))).Take(&t).Error
	return t, wrapErr("find link", err)
}

// consumeOneTime consumes a link inside the transaction that it is used for. Of many concurrent uses one wins; the others get
// ErrNotFound.
func consumeOneTime(tx *gorm.DB, purpose string, hash []byte, now time.Time) (OneTime, error) {
	var rows []OneTime
	err := tx.Raw("UPDATE one_time_tokens SET used_at = ?, expires_at = ? WHERE purpose = ? AND hash = ? AND expires_at > ? AND used_at IS NULL RETURNING *",
		dbTime(now), dbTime(now), purpose, bytes.Clone(hash), dbTime(now)).Scan(&rows).Error
	if err != nil || len(rows) == 0 {
		return OneTime{}, orRefuse(err, ErrNotFound)
	}
	return rows[0], nil
}

// LinkReaches reports whether a link was mailed to the account's address or to one that the account can still take back. The owner
// of a mailbox that the account has left for good must not act on the account.
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
