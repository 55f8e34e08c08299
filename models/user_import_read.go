package models

import (
	"context"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// eventsAtOnce is how many events one statement writes: both databases bound the parameters of a statement.
const eventsAtOnce = 500

// AppSecrets returns the sealed secrets of the authenticator apps of some accounts.
func (s *Store) AppSecrets(ctx context.Context, users []uuid.UUID) (map[uuid.UUID][]byte, error) {
	var rows []Factor
	err := s.read(ctx).Select("user_id", "data").Where("user_id IN ? AND kind = ?", users, FactorTOTP).Find(&rows).Error
	secrets := make(map[uuid.UUID][]byte, len(rows))
	for _, f := range rows {
		secrets[f.UserID] = f.Data
	}
	return secrets, wrapErr("find secrets of authenticator apps", err)
}

// DropWeakHashes takes weak imported password hashes whose time is over out of their accounts, in short transactions, and returns how many.
// imported begins a hash that was imported: any other was chosen or made since and stays. none takes the place of those that go. Each account gets
// the event e, whose time is that of the act.
func (s *Store) DropWeakHashes(ctx context.Context, imported, none string, e Event) (dropped int64, err error) {
	now := dbTime(e.At)
	_, _, err = s.inBatches(ctx, func(tx *gorm.DB, limit int) (int64, error) {
		var over []uuid.UUID
		if err := tx.Model(&User{}).Where("weak_until <= ?", now).Limit(limit).Pluck("id", &over).Error; err != nil || len(over) == 0 {
			return 0, err
		}
		var gone []User
		err := tx.Raw("UPDATE users SET password_hash = ?, updated_at = ? WHERE id IN ? AND weak_until <= ? AND substr(password_hash, 1, ?) = ? RETURNING id",
			none, now, over, now, len(imported), imported).Scan(&gone).Error
		if err != nil {
			return 0, err
		}
		var told []Event
		for _, u := range gone {
			one := e
			one.UserID, one.ID, one.At = u.ID, NewID(e.At), now
			told = append(told, one)
		}
		if len(told) > 0 {
			if err := tx.CreateInBatches(told, eventsAtOnce).Error; err != nil {
				return 0, err
			}
		}
		dropped += int64(len(gone))
		return int64(len(over)), tx.Model(&User{}).Where("id IN ?", over).UpdateColumn("weak_until", nil).Error
	})
	return dropped, wrapErr("drop weak password hashes", err)
}
