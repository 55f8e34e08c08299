package models

import (
	"context"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// SetLanguage keeps the language that an account's owner chose, a tag of BCP 47. It writes nothing when the account has that language
// already, or is gone.
func (s *Store) SetLanguage(ctx context.Context, userID uuid.UUID, tag string) error {
	return wrapErr("set language", s.write(ctx, func(db *gorm.DB) error {
		return db.Exec("UPDATE users SET language = ? WHERE id = ? AND language <> ?", tag, userID, tag).Error
	}))
}

// Language returns the language of an account, or "" when its owner chose none or there is no such account.
func (s *Store) Language(ctx context.Context, userID uuid.UUID) (tag string, err error) {
	err = s.read(ctx).Raw("SELECT language FROM users WHERE id = ?", userID).Scan(&tag).Error
	return tag, wrapErr("find language", err)
}
