package models

import (
	"bytes"
	"context"
	"errors"
	"math"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// FormerAddress is an address that an account had, with a link that takes it back: a way back. Until it expires the
// address is held: nobody else can have it, or a thief would move the account away and the address to another one. An
// address can have several, each mailed at another time.
type FormerAddress struct {
	Hash            []byte // SHA-256 of the link's secret
	UserID          uuid.UUID
	Email, EmailKey string
	Seq             int64      // the order in which the rows were written, whatever the replicas' clocks say; filled in when it is written
	Since           *time.Time // since when the account had the address; nil: from the start, or an operator gave it
	CreatedAt       time.Time  // when the account left the address
	ExpiresAt       time.Time
	UsedAt          *time.Time // when its link was used; ExpiresAt is that moment then, for releases that do not read UsedAt
}

// FindFormerAddress reads what a link takes back, without using it. It returns ErrNotFound when the link is unknown,
// overruled by an older one, or expired. One that was used within UsedLinkLife is returned too, with UsedAt set.
func (s *Store) FindFormerAddress(ctx context.Context, hash []byte, now time.Time) (f FormerAddress, err error) {
	err = s.read(ctx).Where("hash = ? AND (expires_at > ? AND used_at IS NULL OR used_at > ?)", hash, dbTime(now), dbTime(now.Add(-UsedLinkLife))).
		Take(&f).Error
	return f, wrapErr("find former address", err)
}

// FormerAddresses lists the addresses that are kept for an account, those it can take back no more included until they are swept,
// in the order in which it left them.
func (s *Store) FormerAddresses(ctx context.Context, userID uuid.UUID) ([]FormerAddress, error) {
	list, err := formerAddresses(s.read(ctx), userID)
	return list, wrapErr("list former addresses", err)
}

func formerAddresses(db *gorm.DB, userID uuid.UUID) (list []FormerAddress, err error) {
	err = db.Where("user_id = ? AND used_at IS NULL", userID).Order("seq").Find(&list).Error
	return list, err
}

// waysBack are those that are open.
func waysBack(db *gorm.DB, userID uuid.UUID, at time.Time) (list []FormerAddress, err error) {
	err = db.Where("user_id = ? AND used_at IS NULL AND expires_at > ?", userID, dbTime(at)).Order("seq").Find(&list).Error
	return list, err
}

// AddressHeld tells whether an address is held for another account than the given one.
func (s *Store) AddressHeld(ctx context.Context, emailKey string, userID uuid.UUID, now time.Time) (bool, error) {
	err := refuseHeld(s.read(ctx), emailKey, userID, now)
	if errors.Is(err, ErrHeld) {
		return true, nil
	}
	return false, wrapErr("find held address", err)
}

// refuseHeld returns ErrHeld when an address is held for another account. Inside a transaction it is asked after the
// address was written to the users row: whoever leaves the address at the same moment is then waited for.
func refuseHeld(db *gorm.DB, emailKey string, userID uuid.UUID, at time.Time) error {
	var n int64
	err := db.Model(&FormerAddress{}).Where("email_key = ? AND user_id <> ? AND expires_at > ?", emailKey, userID, dbTime(at)).Count(&n).Error
	if err == nil && n > 0 {
		return ErrHeld
	}
	return err
}

// addFormer writes a way back; the account's row is held by the caller.
func addFormer(tx *gorm.DB, f FormerAddress) error {
	if err := tx.Raw("SELECT coalesce(max(seq), 0) + 1 FROM former_addresses WHERE user_id = ?", f.UserID).Scan(&f.Seq).Error; err != nil {
		return err
	}
	f.CreatedAt, f.ExpiresAt = dbTime(f.CreatedAt), dbTime(f.ExpiresAt)
	return tx.Create(&f).Error
}

// addressRank is an address's place in the order in which an account came to its addresses. The server cannot tell the
// owner from a thief by what they do, only by who was there first: a way back is never ended in favour of a later address.
type addressRank struct {
	since *time.Time
	seq   int64 // decides where since is the same: addresses that a release left which did not note it
}

// rankOf is the rank of an address among open ways back: the earliest of its own, or the account's present address's.
func rankOf(list []FormerAddress, key string, present User) addressRank {
	rank := addressRank{present.EmailSince, math.MaxInt64}
	found := key == present.EmailKey
	for _, f := range list {
		if f.EmailKey == key && (!found || before(f.Since, rank.since)) {
			rank.since, found = f.Since, true
		}
		if f.EmailKey == key {
			rank.seq = min(rank.seq, f.Seq)
		}
	}
	return rank
}

func (r addressRank) before(other addressRank) bool {
	return before(r.since, other.since) || !before(other.since, r.since) && r.seq < other.seq
}

// before compares two times of which nil is the first.
func before(a, b *time.Time) bool { return b != nil && (a == nil || a.Before(*b)) }

// laterThan lists the ways back to addresses that the account came to after the given one.
func laterThan(list []FormerAddress, key string, present User) (later []FormerAddress) {
	rank := rankOf(list, key, present)
	for _, f := range list {
		if f.EmailKey != key && rank.before(rankOf(list, f.EmailKey, present)) {
			later = append(later, f)
		}
	}
	return later
}

// endWays ends ways back, and returns how many they were.
func endWays(tx *gorm.DB, userID uuid.UUID, list []FormerAddress) (ended int64, err error) {
	for _, f := range list {
		done := tx.Where("user_id = ? AND hash = ?", userID, bytes.Clone(f.Hash)).Delete(&FormerAddress{})
		if done.Error != nil {
			return 0, done.Error
		}
		ended += done.RowsAffected
	}
	return ended, nil
}

// endLaterWays ends the ways back to addresses later than the account's present one, never to an earlier one: a thief who
// moved the account away would otherwise end its owner's. The caller holds the account's row.
func endLaterWays(tx *gorm.DB, userID uuid.UUID, at time.Time) (ended int64, err error) {
	list, err := waysBack(tx, userID, at)
	if err != nil || len(list) == 0 {
		return 0, err
	}
	var u User
	if err := tx.Where("id = ?", userID).Take(&u).Error; err != nil {
		return 0, err
	}
	return endWays(tx, userID, laterThan(list, u.EmailKey, u))
}

// WayBack is an address that can take an account back.
type WayBack struct {
	Email string
	Until time.Time // when its last link ends
	Later bool      // the account came to it after its present address
}

// WaysBack lists the addresses that can take an account back now, in the order in which the account left them.
func (s *Store) WaysBack(ctx context.Context, u User, now time.Time) ([]WayBack, error) {
	list, err := waysBack(s.read(ctx), u.ID, now)
	if err != nil {
		return nil, wrapErr("list ways back", err)
	}
	later := map[string]bool{}
	for _, f := range laterThan(list, u.EmailKey, u) {
		later[f.EmailKey] = true
	}
	var ways []WayBack
	at := map[string]int{}
	for _, f := range list {
		i, seen := at[f.EmailKey]
		if !seen {
			i = len(ways)
			at[f.EmailKey], ways = i, append(ways, WayBack{Email: f.Email, Later: later[f.EmailKey]})
		}
		if f.ExpiresAt.After(ways[i].Until) {
			ways[i].Until = f.ExpiresAt
		}
	}
	return ways, nil
}

// EndWaysBack ends the ways back to addresses later than the account's present one, with the event when there was any.
func (s *Store) EndWaysBack(ctx context.Context, userID uuid.UUID, e Event) (ended int64, err error) {
	err = s.tx(ctx, func(tx *gorm.DB) error {
		if err := lockUserRow(tx, userID); err != nil {
			return err
		}
		if ended, err = endLaterWays(tx, userID, e.At); err != nil || ended == 0 {
			return err
		}
		return addEvent(tx, e)
	})
	return ended, wrapErr("end ways back", err)
}
