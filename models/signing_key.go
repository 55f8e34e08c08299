package models

import (
	"context"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// SigningKey is one key of the key ring. The caller has sealed its private part, which this package cannot read.
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

// AddSigningKey adds a key. It does nothing when another process has already added one with the same Alg and Seq.
func (s *Store) AddSigningKey(ctx context.Context, k SigningKey) error {
	k.CreatedAt, k.SignsFrom = dbTime(k.CreatedAt), dbTime(k.SignsFrom)
	return wrapErr("add signing key", s.write(ctx, func(db *gorm.DB) error {
		return db.Clauses(clause.OnConflict{DoNothing: true}).Create(&k).Error
	}))
}

// ResealSigningKey replaces the sealed form of a key, unless another process has already done so.
func (s *Store) ResealSigningKey(ctx context.Context, kid string, old, sealed []byte) error {
	return wrapErr("reseal signing key", s.write(ctx, func(db *gorm.DB) error {
		return db.Model(&SigningKey{}).Where("kid = ? AND sealed = ?", kid, old).UpdateColumn("sealed", sealed).Error
	}))
}

// AdvanceSigningKey makes a key sign from at on, which is earlier than planned. It returns ErrNotFound when the key is unknown or
// signs by then anyway.
func (s *Store) AdvanceSigningKey(ctx context.Context, kid string, at time.Time) error {
	return wrapErr("advance signing key", s.write(ctx, func(db *gorm.DB) error {
		done := db.Model(&SigningKey{}).Where("kid = ? AND signs_from > ?", kid, dbTime(at)).UpdateColumn("signs_from", dbTime(at))
		if done.Error != nil || done.RowsAffected == 0 {
			return orRefuse(done.Error, ErrNotFound)
		}
		return nil
	}))
}

// RedateSigningKey sets the creation time of a key to at when it is later than that, because a wrong clock wrote it.
func (s *Store) RedateSigningKey(ctx context.Context, kid string, at time.Time) error {
	return wrapErr("redate signing key", s.write(ctx, func(db *gorm.DB) error {
		return db.Model(&SigningKey{}).Where("kid = ? AND created_at > ?", kid, dbTime(at)).UpdateColumn("created_at", dbTime(at)).Error
	}))
}

// DeleteSigningKeys deletes retired keys.
func (s *Store) DeleteSigningKeys(ctx context.Context, kids []string) error {
	if len(kids) == 0 {
		return nil
	}
	return wrapErr("delete signing keys", s.write(ctx, func(db *gorm.DB) error {
		return db.Where("kid IN ?", kids).Delete(&SigningKey{}).Error
	}))
}
