package models

import (
	"bytes"
	"context"
	"math"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// FormerAddress is an address that an account had, with a link that takes it back: a way back. Until ExpiresAt the address is held:
// no other account can have it. Otherwise a thief could give the owner's address to another account. One address can have several
// ways back, each mailed at another time.
type FormerAddress struct {
	Hash            []byte // SHA-256 of the link's secret
	UserID          uuid.UUID
	Email, EmailKey string
	Seq             int64      // the order in which the rows were written, independent of clocks; filled in when the row is written
	Since           *time.Time // since when the account had the address; nil: from the start, or an operator gave it
	CreatedAt       time.Time  // when the account left the address
	ExpiresAt       time.Time
	UsedAt          *time.Time // when its link was used; ExpiresAt is set to the same time, for releases that do not read UsedAt
}

// FindFormerAddress returns the address that a link takes back, without using the link. It returns ErrNotFound when the link is
// unknown, ended or expired. A link that was used within the last UsedLinkLife is returned too, with UsedAt set.
func (s *Store) FindFormerAddress(ctx context.Context, hash []byte, now time.Time) (f FormerAddress, err error) {
	err = s.read(ctx).Where("hash = ? AND (expires_at > ? AND used_at IS NULL OR used_at > ?)", hash, dbTime(now), dbTime(now.Add(-UsedLinkLife))).
		Take(&f).Error
	return f, wrapErr("find former address", err)
}

// FormerAddresses lists the former addresses of an account in the order in which it left them. The list includes expired ones until
// they are swept.
func (s *Store) FormerAddresses(ctx context.Context, userID uuid.UUID) ([]FormerAddress, error) {
	list, err := formerAddresses(s.read(ctx), userID)
	return list, wrapErr("list former addresses", err)
}

func formerAddresses(db *gorm.DB, userID uuid.UUID) (list []FormerAddress, err error) {
	err = db.Where("user_id = ? AND used_at IS NULL", userID).Order("seq").Find(&list).Error
	return list, err
}

// waysBack lists the former addresses that the account can take back now.
func waysBack(db *gorm.DB, userID uuid.UUID, at time.Time) (list []FormerAddress, err error) {
	err = db.Where("user_id = ? AND used_at IS NULL AND expires_at > ?", userID, dbTime(at)).Order("seq").Find(&list).Error
	return list, err
}

// AddressHeld reports whether an address is held for another account than the given one, and in which language that account reads.
func (s *Store) AddressHeld(ctx context.Context, emailKey string, userID uuid.UUID, now time.Time) (held bool, language string, err error) {
	if citus, err := s.onCitus(ctx); err != nil || citus {
		if err != nil {
			return false, "", err
		}
		return s.citusAddressHeld(ctx, emailKey, userID, now)
	}
	var list []string
	err = s.read(ctx).Raw(`SELECT u.language FROM former_addresses f JOIN users u ON u.id = f.user_id
		WHERE f.email_key = ? AND f.user_id <> ? AND f.expires_at > ? LIMIT 1`, emailKey, userID, dbTime(now)).Scan(&list).Error
	if err != nil || len(list) == 0 {
		return false, "", wrapErr("find held address", err)
	}
	return true, list[0], nil
}

// refuseHeld returns ErrHeld when an address is held for another account. Inside a transaction, call it after writing the address
// to the users row: the unique index then waits for a transaction that leaves the address at the same time.
func refuseHeld(db *gorm.DB, emailKey string, userID uuid.UUID, at time.Time) error {
	var n int64
	err := db.Model(&FormerAddress{}).Where("email_key = ? AND user_id <> ? AND expires_at > ?", emailKey, userID, dbTime(at)).Count(&n).Error
	if err == nil && n > 0 {
		return ErrHeld
	}
	return err
}

// addFormer writes a way back. The caller has locked the account's row.
func addFormer(tx *gorm.DB, f FormerAddress) error {
	if err := tx.Raw("SELECT coalesce(max(seq), 0) + 1 FROM former_addresses WHERE user_id = ?", f.UserID).Scan(&f.Seq).Error; err != nil {
		return err
	}
	f.CreatedAt, f.ExpiresAt = dbTime(f.CreatedAt), dbTime(f.ExpiresAt)
	return tx.Create(&f).Error
}

// addressRank orders the addresses of an account by when the account got them. The server cannot tell the owner from a thief by
// what they do, only by who came first. So a later address never ends the way back to an earlier one.
type addressRank struct {
	since *time.Time
	seq   int64 // decides between equal values of since; an old release did not record since
}

// rankOf returns the rank of an address: the earliest among its ways back and, if the account has it now, its present use.
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

// before reports whether a is before b. nil is before every time.
func before(a, b *time.Time) bool { return b != nil && (a == nil || a.Before(*b)) }

// laterThan lists the ways back to addresses that the account got after the given one.
func laterThan(list []FormerAddress, key string, present User) (later []FormerAddress) {
	rank := rankOf(list, key, present)
	for _, f := range list {
		if f.EmailKey != key && rank.before(rankOf(list, f.EmailKey, present)) {
			later = append(later, f)
		}
	}
	return later
}

// endWays deletes ways back and returns how many there were.
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

// endLaterWays ends the ways back to addresses that are later than the account's present one. It never ends those to earlier
// addresses: a thief who has changed the address could end the owner's that way. The caller has locked the account's row.
func endLaterWays(tx *gorm.DB, userID uuid.UUID, at time.Time) (ended int64, err error) {
	list, err := waysBack(tx, userID, at)
	if err != nil || len(list) == 0 {
		return 0, err
	}
	var u User
	if err := tx.Where("id = ?", userID).Take(&u).Error; err != nil {
		return 0, err
	}
	later := laterThan(list, u.EmailKey, u)
	if ended, err = endWays(tx, userID, later); err != nil {
		return 0, err
	}
	return ended, settleAddresses(tx, userID, u.EmailKey, keysOf(later)...)
}

// WayBack is an address that can take an account back.
type WayBack struct {
	Email string
	Until time.Time // when its last link expires
	Later bool      // the account got it after its present address
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

// EndWaysBack ends the ways back to addresses later than the account's present one and returns how many there were. It writes the
// event when there were any, and uses what confirmed the act. It returns ErrChanged and ErrUsed as AddConfirmedEvent does.
func (s *Store) EndWaysBack(ctx context.Context, e Event, p Proof) (ended int64, err error) {
	err = s.tx(ctx, func(tx *gorm.DB) error {
		if err := p.use(tx, e.UserID, e.At); err != nil {
			return err
		}
		if ended, err = endLaterWays(tx, e.UserID, e.At); err != nil || ended == 0 {
			return err
		}
		return addEvent(tx, e)
	})
	return ended, wrapErr("end ways back", err)
}
