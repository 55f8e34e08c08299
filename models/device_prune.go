package models

import (
	"context"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

const (
	// maxEnded is how many revoked devices of one account are kept.
	maxEnded = 500
	// mostPruned is how many revoked devices one sign-in deletes at most. It is more than one sign-in can revoke.
	mostPruned = 200
)

// keptEnded returns how many revoked devices an account with that many live ones keeps. It leaves room for the live ones, so that
// signing them all out does not exceed maxEnded. An account with very many live devices still keeps maxEnded/2, for its owner to
// see.
func keptEnded(live int) int64 { return int64(max(maxEnded-live, maxEnded/2)) }

// pruneDevices deletes the devices of an account that were revoked first, when it has too many. The events still tell what
// happened.
func (s *Store) pruneDevices(ctx context.Context, userID uuid.UUID, at time.Time) error {
	return wrapErr("prune devices", s.tx(ctx, func(tx *gorm.DB) error {
		if err := s.lockBulkWrites(tx); err != nil {
			return err
		}
		var live int64
		if err := tx.Model(&Device{}).Where("user_id = ? AND revoked_at IS NULL", userID).Count(&live).Error; err != nil {
			return err
		}
		_, err := dropEnded(tx, userID, keptEnded(int(live)), mostPruned, at)
		return err
	}))
}

// dropEnded deletes up to limit revoked devices of an account and keeps the latest ones. Their indexes in the status lists stay
// revoked until their last access token has expired.
func dropEnded(tx *gorm.DB, userID uuid.UUID, keep int64, limit int, at time.Time) (int64, error) {
	var list []Device
	err := tx.Select("id", "status_index", "expires_at", "revoked_at").Where("user_id = ? AND revoked_at IS NOT NULL", userID).
		Order("revoked_at DESC, id DESC").Offset(int(keep)).Limit(limit).Find(&list).Error
	if err != nil || len(list) == 0 {
		return 0, err
	}
	ids := make([]uuid.UUID, 0, len(list))
	for _, d := range list {
		ids = append(ids, d.ID)
		if d.StatusIndex == nil || !d.ExpiresAt.After(dbTime(at)) {
			continue // its access tokens have expired, and another device may have its index by now
		}
		if err := tx.Exec("UPDATE status_indexes SET revoked_at = ? WHERE idx = ?", d.RevokedAt, *d.StatusIndex).Error; err != nil {
			return 0, err
		}
	}
	done := tx.Exec("DELETE FROM devices WHERE user_id = ? AND id IN ? AND revoked_at IS NOT NULL", userID, ids)
	return done.RowsAffected, done.Error
}
