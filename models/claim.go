package models

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// On Citus no index spans the shards of users. There each address, and each external id, is the key of a row of a table of its own, which lies
// by that key. The transaction that gives an account its address writes that row, too: Citus commits both or neither.

// claimAddress gives an account an address on Citus. It returns ErrDuplicate when another account has it, and ErrHeld when another may take
// it back. Elsewhere the unique index and refuseHeld do this.
func claimAddress(tx *gorm.DB, key string, userID uuid.UUID, at time.Time) error {
	if !isCitus(tx) {
		return nil
	}
	done := tx.Exec(`INSERT INTO addresses (email_key, user_id) VALUES (?, ?) ON CONFLICT (email_key) DO UPDATE SET user_id = excluded.user_id, held_until = NULL
		WHERE addresses.user_id = excluded.user_id OR addresses.held_until <= ?`, key, userID, dbTime(at))
	if done.Error != nil || done.RowsAffected > 0 {
		return done.Error
	}
	var held bool
	if err := tx.Raw("SELECT held_until IS NOT NULL FROM addresses WHERE email_key = ?", key).Scan(&held).Error; err != nil {
		return err
	}
	if held {
		return ErrHeld
	}
	return ErrDuplicate
}

// settleAddresses writes on Citus what became of addresses that an account left, or whose ways back have changed: each is held until its last
// way back ends, or free. The address that the account has now stays as it is. The caller has locked the account's row.
func settleAddresses(tx *gorm.DB, userID uuid.UUID, present string, keys ...string) error {
	if !isCitus(tx) {
		return nil
	}
	seen := map[string]bool{present: true}
	for _, key := range keys {
		if seen[key] {
			continue
		}
		seen[key] = true
		var until []time.Time
		err := tx.Model(&FormerAddress{}).Where("user_id = ? AND email_key = ?", userID, key).Order("expires_at DESC").Limit(1).Pluck("expires_at", &until).Error
		switch {
		case err != nil:
			return err
		case len(until) == 0:
			err = tx.Exec("DELETE FROM addresses WHERE email_key = ? AND user_id = ?", key, userID).Error
		default:
			err = tx.Exec("UPDATE addresses SET held_until = ? WHERE email_key = ? AND user_id = ?", until[0], key, userID).Error
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// keysOf are the folded addresses of ways back.
func keysOf(list []FormerAddress) (keys []string) {
	for _, f := range list {
		keys = append(keys, f.EmailKey)
	}
	return keys
}

// claimExternalID gives an account an external id on Citus, or returns ErrExternalID when another account has it. Elsewhere the unique index
// does this.
func claimExternalID(tx *gorm.DB, id string, userID uuid.UUID) error {
	if !isCitus(tx) || id == "" {
		return nil
	}
	done := tx.Exec(`INSERT INTO external_ids (external_id, user_id) VALUES (?, ?) ON CONFLICT (external_id) DO UPDATE SET user_id = excluded.user_id
		WHERE external_ids.user_id = excluded.user_id`, id, userID)
	if done.Error == nil && done.RowsAffected == 0 {
		return ErrExternalID
	}
	return done.Error
}

// changeExternalID is claimExternalID for an account that may have another one, which is free afterwards. It locks the account's row.
func changeExternalID(tx *gorm.DB, id string, userID uuid.UUID) error {
	if !isCitus(tx) {
		return nil
	}
	var had []string
	err := tx.Raw("UPDATE users SET updated_at = updated_at WHERE id = ? AND role <> ? RETURNING external_id", userID, RoleSupport).Scan(&had).Error
	if err != nil || len(had) == 0 {
		return orRefuse(err, ErrNotFound)
	}
	if had[0] == id {
		return nil
	}
	if err := claimExternalID(tx, id, userID); err != nil {
		return err
	}
	return tx.Exec("DELETE FROM external_ids WHERE external_id = ? AND user_id = ?", had[0], userID).Error
}

// freeClaims frees on Citus the addresses and the external id of an account that goes.
func freeClaims(tx *gorm.DB, userID uuid.UUID, keys []string, externalID string) error {
	if !isCitus(tx) {
		return nil
	}
	for _, key := range keys {
		if err := tx.Exec("DELETE FROM addresses WHERE email_key = ? AND user_id = ?", key, userID).Error; err != nil {
			return err
		}
	}
	return tx.Exec("DELETE FROM external_ids WHERE external_id = ? AND user_id = ?", externalID, userID).Error
}

// claimAll claims on Citus what rows of new accounts need, and returns the rows that got it.
func claimAll(tx *gorm.DB, rows []User, at time.Time) (got []User, err error) {
	if !isCitus(tx) {
		return rows, nil
	}
	for _, u := range rows {
		err := claimAddress(tx, u.EmailKey, u.ID, at)
		if err == nil {
			if err = claimExternalID(tx, u.ExternalID, u.ID); errors.Is(err, ErrExternalID) {
				if err := freeClaims(tx, u.ID, []string{u.EmailKey}, ""); err != nil {
					return nil, err
				}
			}
		}
		switch {
		case err == nil:
			got = append(got, u)
		case !errors.Is(err, ErrDuplicate):
			return nil, err
		}
	}
	return got, nil
}

// ownerOf returns which account has an address or an external id on Citus. Where none has, it returns an id that no account has.
func (s *Store) ownerOf(ctx context.Context, table, column, key string) (uuid.UUID, error) {
	condition := ""
	if table == "addresses" {
		condition = " AND held_until IS NULL"
	}
	var owners []uuid.UUID
	err := s.read(ctx).Raw("SELECT user_id FROM "+table+" WHERE "+column+" = ?"+condition, key).Scan(&owners).Error
	return append(owners, noAccountFor(key))[0], wrapErr("find user", err)
}

// userOn finds the account that has an address or an external id on Citus. One that no account has costs the same statements.
func (s *Store) userOn(ctx context.Context, table, column, key string) (u User, err error) {
	id, err := s.ownerOf(ctx, table, column, key)
	if err != nil {
		return u, err
	}
	err = s.read(ctx).Where("id = ? AND "+column+" = ?", id, key).Take(&u).Error
	return u, wrapErr("find user", err)
}

// citusAddressHeld is AddressHeld in two statements that each ask one shard. An address that no account holds costs both, too.
func (s *Store) citusAddressHeld(ctx context.Context, emailKey string, userID uuid.UUID, now time.Time) (held bool, language string, err error) {
	var owners []uuid.UUID
	err = s.read(ctx).Raw("SELECT user_id FROM addresses WHERE email_key = ? AND user_id <> ? AND held_until > ?", emailKey, userID, dbTime(now)).Scan(&owners).Error
	if err != nil {
		return false, "", wrapErr("find held address", err)
	}
	owner := append(owners, noAccountFor(emailKey))[0]
	err = s.read(ctx).Raw("SELECT language FROM users WHERE id = ?", owner).Scan(&language).Error
	return len(owners) > 0, language, wrapErr("find held address", err)
}
