package models

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// An account has at most 20 known origins: the ten that it has known longest and the ten that it signed in from last. A thief who signs
// in from one new origin after another cannot displace the owner's.
const (
	oldestOrigins = 10
	latestOrigins = 10
)

// KnownOrigin reports whether the account signed in from one of these origins after since.
func (s *Store) KnownOrigin(ctx context.Context, userID uuid.UUID, origins [][]byte, since time.Time) (bool, error) {
	var n int64
	err := s.read(ctx).Table("known_places").Where("user_id = ? AND place IN ? AND last_at > ?", userID, origins, dbTime(since)).
		Count(&n).Error
	return n > 0, wrapErr("find known origin", err)
}

// addKnownOrigins adds origins to an account and deletes those past oldestOrigins and latestOrigins. The caller has locked the user's row.
func addKnownOrigins(tx *gorm.DB, userID uuid.UUID, origins [][]byte, at time.Time) error {
	if len(origins) == 0 {
		return nil
	}
	var args []any
	for _, origin := range origins {
		args = append(args, userID, dbTime(at), dbTime(at), origin)
	}
	err := tx.Exec(`INSERT INTO known_places (user_id, first_at, last_at, place) VALUES `+strings.TrimSuffix(strings.Repeat("(?, ?, ?, ?), ", len(origins)), ", ")+
		` ON CONFLICT (user_id, place) DO UPDATE SET last_at = excluded.last_at, first_at = coalesce(known_places.first_at, known_places.last_at)`, args...).Error
	if err != nil {
		return err
	}
	// Origins dated by a clock that was far ahead would otherwise count as the latest until that time comes.
	ahead := dbTime(at.Add(time.Hour))
	return tx.Exec(`DELETE FROM known_places WHERE user_id = ? AND (last_at > ? OR place NOT IN
		(SELECT place FROM known_places WHERE user_id = ? AND last_at <= ? ORDER BY last_at DESC, place LIMIT ?) AND place NOT IN
		(SELECT place FROM known_places WHERE user_id = ? AND last_at <= ? ORDER BY coalesce(first_at, last_at), place DESC LIMIT ?))`,
		userID, ahead, userID, ahead, latestOrigins, userID, ahead, oldestOrigins).Error
}

// forgetKnownOrigins deletes all known origins of an account.
func forgetKnownOrigins(tx *gorm.DB, userID uuid.UUID) error {
	return tx.Exec("DELETE FROM known_places WHERE user_id = ?", userID).Error
}

// forgetOriginsSince deletes the origins that an account has known since a moment or a later one.
func forgetOriginsSince(tx *gorm.DB, userID uuid.UUID, at time.Time) error {
	return tx.Exec("DELETE FROM known_places WHERE user_id = ? AND coalesce(first_at, last_at) >= ?", userID, dbTime(at)).Error
}

// FreshStart is what an account gets together with a new password.
type FreshStart struct {
	KnownOrigins [][]byte // of the browser that set the password; they replace all others
	Counters     [][]byte // keys of counters that start again at 0
}

// applyFreshStart removes what a person who knew the old password may have left behind. The caller has locked the user's row.
func applyFreshStart(tx *gorm.DB, userID uuid.UUID, f FreshStart, at time.Time) error {
	if err := forgetKnownOrigins(tx, userID); err != nil {
		return err
	}
	if err := addKnownOrigins(tx, userID, f.KnownOrigins, at); err != nil {
		return err
	}
	return resetCounters(tx, f.Counters, at)
}

// Origin is from where an account signed in.
type Origin struct {
	Place     []byte // the hash of a network or a browser; empty: CreatedIP is known
	CreatedIP string
	FirstAt   *time.Time // nil: in a release that did not note it
}

// Origins lists from where an account signed in, as far as it is kept: the known origins, and the addresses from which the devices
// signed in that were not signed out.
func (s *Store) Origins(ctx context.Context, userID uuid.UUID) ([]Origin, error) {
	var known, devices []Origin
	err := s.read(ctx).Raw("SELECT place, first_at FROM known_places WHERE user_id = ?", userID).Scan(&known).Error
	if err == nil {
		err = s.read(ctx).Model(&Device{}).Where("user_id = ? AND revoked_at IS NULL AND created_ip <> ''", userID).Select("created_ip, created_at AS first_at").Find(&devices).Error
	}
	return append(known, devices...), wrapErr("list origins", err)
}
