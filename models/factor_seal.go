package models

import (
	"context"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// SealedFactors lists authenticator apps of all accounts in the order of UserID and ID, at most limit of them, after the given ones. The
// zero UUIDs start from the first. Only UserID, ID and Data are filled in.
func (s *Store) SealedFactors(ctx context.Context, afterUser, after uuid.UUID, limit int) ([]Factor, error) {
	var list []Factor
	err := s.read(ctx).Select("user_id, id, data").Where("kind = ? AND (user_id, id) > (?, ?)", FactorTOTP, afterUser, after).
		Order("user_id, id").Limit(limit).Find(&list).Error
	return list, wrapErr("list sealed factors", err)
}

// ResealFactor replaces the sealed secret of a factor, unless the factor has another by now or is gone.
func (s *Store) ResealFactor(ctx context.Context, f Factor, sealed []byte) error {
	return wrapErr("reseal factor", s.write(ctx, func(db *gorm.DB) error {
		return db.Model(&Factor{}).Where("user_id = ? AND id = ? AND data = ?", f.UserID, f.ID, f.Data).UpdateColumn("data", sealed).Error
	}))
}
