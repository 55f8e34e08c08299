package models

import (
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// IncidentReset makes the accounts of an incident choose new passwords.
type IncidentReset struct {
	Since      time.Time // factors that were added at this time or later end
	NoPassword string    // the hash of accounts without a password, which are not locked
	Detail     string    // of the events of accounts that are locked
}

// lockUsers locks the rows of accounts, and returns those that have a password. A nil receiver does nothing.
func (r *IncidentReset) lockUsers(tx *gorm.DB, users []uuid.UUID) (locks map[uuid.UUID]bool, err error) {
	if r == nil || len(users) == 0 {
		return nil, nil
	}
	var rows []struct {
		ID    uuid.UUID
		Locks bool
	}
	err = tx.Raw("UPDATE users SET updated_at = updated_at WHERE id IN ? RETURNING id, password_hash <> ? AS locks", users, r.NoPassword).Scan(&rows).Error
	locks = map[uuid.UUID]bool{}
	for _, row := range rows {
		locks[row.ID] = row.Locks
	}
	return locks, err
}

// apply locks the passwords of accounts and ends their trusted browsers, open challenges and codes, and the factors that were added since. Sign-ins
// whose password was checked before fail. A nil receiver does nothing.
func (r *IncidentReset) apply(tx *gorm.DB, users []uuid.UUID, b IncidentBatch) error {
	if r == nil || len(users) == 0 {
		return nil
	}
	at := dbTime(b.At)
	err := tx.Exec(`UPDATE users SET locked_at = CASE WHEN password_hash = ? THEN locked_at ELSE coalesce(locked_at, ?) END,
		factors_version = factors_version + 1, updated_at = ? WHERE id IN ?`, r.NoPassword, at, at, users).Error
	if err != nil {
		return err
	}
	for _, statement := range []string{
		"DELETE FROM trusted_browsers WHERE user_id IN ?", "DELETE FROM challenges WHERE user_id IN ? AND used_at IS NULL",
	} {
		if err := tx.Exec(statement, users).Error; err != nil {
			return err
		}
	}
	added, made := addedSince(r.Since), codesMadeSince(r.Since)
	var owners []uuid.UUID
	err = tx.Raw("SELECT DISTINCT user_id FROM factors WHERE user_id IN ? AND ("+added.sql+" OR "+made.sql+")", append(append([]any{users}, added.args...), made.args...)...).
		Scan(&owners).Error
	for _, user := range owners {
		if err == nil {
			_, err = expelFactors(tx, user, b.Event(user, 1), added, made)
		}
	}
	return err
}
