package models

import (
	"context"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

const (
	// maxEnded is how many devices of one account are kept after their end.
	maxEnded = 500
	// mostPruned is how many one sign-in deletes: more than it can end.
	mostPruned = 200
)

// keptEnded is how many ended devices an account with so many live ones keeps: there must not be more than maxEnded either when
// those are signed out at once. An account with very many live ones keeps some all the same, for its owner to see.
func keptEnded(live int) int64 { return int64(max(maxEnded-live, maxEnded/2)) }

// pruneDevices deletes the longest ended devices of an account that has too many. What they were is told by the events.
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

// dropEnded deletes up to limit ended devices of an account, but for the latest ones. Their places in the status lists stay revoked
// until no access token of theirs can live.
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
			continue // it has no access token any more, and its place may be another's by now
		}
		if err := tx.Exec("UPDATE status_indexes SET revoked_at = ? WHERE idx = ?", d.RevokedAt, *d.StatusIndex).Error; err != nil {
			return 0, err
		}
	}
	done := tx.Exec("DELETE FROM devices WHERE user_id = ? AND id IN ? AND revoked_at IS NOT NULL", userID, ids)
	return done.RowsAffected, done.Error
}
