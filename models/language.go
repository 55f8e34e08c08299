package models

import (
	"context"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// Languages are the language of an account, a tag of BCP 47 or empty if its owner chose none, and the one before.
type Languages struct {
	Language          string
	FormerLanguage    string     // before the latest change; through changes that follow each other closely it stays the first
	LanguageChangedAt *time.Time // nil: never
}

// Former returns the language that the account had until a change after since, or nil if there was no such change.
func (l Languages) Former(since time.Time) *string {
	if l.LanguageChangedAt == nil || !l.LanguageChangedAt.After(since) || l.FormerLanguage == l.Language {
		return nil
	}
	return &l.FormerLanguage
}

// Languages returns the languages of the account.
func (u User) Languages() Languages {
	return Languages{u.Language, u.FormerLanguage, u.LanguageChangedAt}
}

// LanguageChange is a language that an account's owner chose.
type LanguageChange struct {
	UserID uuid.UUID
	Tag    string    // of BCP 47
	Since  time.Time // changes after this leave FormerLanguage as it is: who changes it twice cannot hide the first
	Event  Event
}

// SetLanguage keeps the language of an account and the one before, with its event. It writes nothing when the account has that
// language already, or is gone. It returns a LimitError past a limit of the event.
func (s *Store) SetLanguage(ctx context.Context, c LanguageChange) error {
	return wrapErr("set language", s.tx(ctx, func(tx *gorm.DB) error {
		q := tx.Exec(`UPDATE users SET language = ?, language_changed_at = ?,
			former_language = CASE WHEN language_changed_at > ? THEN former_language ELSE language END WHERE id = ? AND language <> ?`,
			c.Tag, dbTime(c.Event.At), dbTime(c.Since), c.UserID, c.Tag)
		if q.Error != nil || q.RowsAffected == 0 {
			return q.Error
		}
		return addEvent(tx, c.Event)
	}))
}

// Languages returns the languages of an account. They are empty if there is no such account.
func (s *Store) Languages(ctx context.Context, userID uuid.UUID) (l Languages, err error) {
	err = s.read(ctx).Raw("SELECT language, former_language, language_changed_at FROM users WHERE id = ?", userID).Scan(&l).Error
	return l, wrapErr("find language", err)
}
