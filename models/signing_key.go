package models

import (
	"context"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// SigningKey is one key of the ring, sealed by the caller: this package never sees its inside.
type SigningKey struct {
	KID       string `gorm:"column:kid"`
	Alg       string
	Seq       int64 // 1, 2, 3 … per alg
	CreatedAt time.Time
	SignsFrom time.Time
	Sealed    []byte
}

// SigningKeys lists every key.
func (s *Store) SigningKeys(ctx context.Context) ([]SigningKey, error) {
	var list []SigningKey
	err := s.read(ctx).Order("alg, seq").Find(&list).Error
	return list, wrapErr("list signing keys", err)
}

// AddSigningKey adds a key, or does nothing when another process was first with this (alg, seq).
func (s *Store) AddSigningKey(ctx context.Context, k SigningKey) error {
	k.CreatedAt, k.SignsFrom = dbTime(k.CreatedAt), dbTime(k.SignsFrom)
	return wrapErr("add signing key", s.write(ctx, func(db *gorm.DB) error {
		return db.Clauses(clause.OnConflict{DoNothing: true}).Create(&k).Error
	}))
}

// ResealSigningKey replaces a key's seal, unless another process did so first.
func (s *Store) ResealSigningKey(ctx context.Context, kid string, old, sealed []byte) error {
	return wrapErr("reseal signing key", s.write(ctx, func(db *gorm.DB) error {
		return db.Model(&SigningKey{}).Where("kid = ? AND sealed = ?", kid, old).UpdateColumn("sealed", sealed).Error
	}))
}

// AdvanceSigningKey makes a key that is to sign later sign from the given moment on. It returns ErrNotFound when
// the key is unknown or signs already.
func (s *Store) AdvanceSigningKey(ctx context.Context, kid string, at time.Time) error {
	return wrapErr("advance signing key", s.write(ctx, func(db *gorm.DB) error {
		done := db.Model(&SigningKey{}).Where("kid = ? AND signs_from > ?", kid, dbTime(at)).UpdateColumn("signs_from", dbTime(at))
		if done.Error != nil || done.RowsAffected == 0 {
			return orRefuse(done.Error, ErrNotFound)
		}
		return nil
	}))
}

// RedateSigningKey notes of a key that was made at a time which is still to come that it was made by the given moment.
func (s *Store) RedateSigningKey(ctx context.Context, kid string, at time.Time) error {
	return wrapErr("redate signing key", s.write(ctx, func(db *gorm.DB) error {
		return db.Model(&SigningKey{}).Where("kid = ? AND created_at > ?", kid, dbTime(at)).UpdateColumn("created_at", dbTime(at)).Error
	}))
}

// DeleteSigningKeys forgets retired keys.
func (s *Store) DeleteSigningKeys(ctx context.Context, kids []string) error {
	if len(kids) == 0 {
		return nil
	}
	return wrapErr("delete signing keys", s.write(ctx, func(db *gorm.DB) error {
		return db.Where("kid IN ?", kids).Delete(&SigningKey{}).Error
	}))
}
