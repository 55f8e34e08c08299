package models

import (
	"bytes"
	"context"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// OneTime is a link that was mailed: good once, until it expires.
type OneTime struct {
	Hash      []byte // SHA-256 of the link's secret
	UserID    uuid.UUID
	Purpose   string
	Subject   string
	Box       []byte
	CreatedAt time.Time
	ExpiresAt time.Time
}

// TableName is where gorm finds them.
func (OneTime) TableName() string { return "one_time_tokens" }

// addOneTime writes a link; earlier ones of the same account, purpose and subject are worth nothing from then on.
func addOneTime(tx *gorm.DB, t OneTime) error {
	if err := anyCount(tx).Where("user_id = ? AND purpose = ? AND subject = ?", t.UserID, t.Purpose, t.Subject).Delete(&OneTime{}).Error; err != nil {
		return err
	}
	t.CreatedAt, t.ExpiresAt = moment(t.CreatedAt), moment(t.ExpiresAt)
	if t.Box == nil {
		t.Box = []byte{}
	}
	return tx.Create(&t).Error
}

// FindOneTime reads a link without using it. It returns ErrNotFound when it is unknown, used, replaced or expired.
func (s *Store) FindOneTime(ctx context.Context, purpose string, hash []byte, now time.Time) (OneTime, error) {
	var t OneTime
	err := s.read(ctx).Where("purpose = ? AND hash = ? AND expires_at > ?", purpose, hash, moment(now)).Take(&t).Error
	return t, fault("find link", err)
}

// useOneTime consumes a link inside the transaction of what it is used for: one statement, so that of many at once one
// wins. The others get ErrNotFound.
func useOneTime(tx *gorm.DB, purpose string, hash []byte, now time.Time) (OneTime, error) {
	var rows []OneTime
	err := tx.Raw("DELETE FROM one_time_tokens WHERE purpose = ? AND hash = ? AND expires_at > ? RETURNING *",
		purpose, bytes.Clone(hash), moment(now)).Scan(&rows).Error
	if err != nil || len(rows) == 0 {
		return OneTime{}, orRefuse(err, ErrNotFound)
	}
	return rows[0], nil
}
