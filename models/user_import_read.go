package models

import (
	"context"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

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
// imported begins a hash that was imported: any other was chosen or made since and stays. none takes the place of those that go.
func (s *Store) DropWeakHashes(ctx context.Context, imported, none string, now time.Time) (dropped int64, err error) {
	_, _, err = s.inBatches(ctx, func(tx *gorm.DB, limit int) (int64, error) {
		var over []uuid.UUID
		if err := tx.Model(&User{}).Where("weak_until <= ?", dbTime(now)).Limit(limit).Pluck("id", &over).Error; err != nil || len(over) == 0 {
			return 0, err
		}
		gone := tx.Model(&User{}).Where("id IN ? AND weak_until <= ? AND substr(password_hash, 1, ?) = ?", over, dbTime(now), len(imported), imported).
			UpdateColumns(map[string]any{"password_hash": none, "updated_at": dbTime(now)})
		if gone.Error != nil {
			return 0, gone.Error
		}
		dropped += gone.RowsAffected
		return int64(len(over)), tx.Model(&User{}).Where("id IN ?", over).UpdateColumn("weak_until", nil).Error
	})
	return dropped, wrapErr("drop weak password hashes", err)
}
