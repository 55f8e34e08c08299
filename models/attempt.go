package models

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// Attempt counts what happened under one key since its window began. Keys are keyed hashes made by the caller.
type Attempt struct {
	Key         []byte
	WindowStart time.Time
	EndsAt      time.Time
	Count       int64
}

// attemptClockError is how far the clocks of replicas may differ. A window that begins further in the future was begun by a
// clock that was wrong, and is over.
const attemptClockError = 10 * time.Second

// Attempts reads the counters of the given keys whose window is not over; others are absent.
func (s *Store) Attempts(ctx context.Context, keys [][]byte, at time.Time) ([]Attempt, error) {
	var list []Attempt
	err := s.read(ctx).Where("key IN ? AND ends_at > ? AND window_start <= ?", keys, dbTime(at), dbTime(at.Add(attemptClockError))).Find(&list).Error
	return list, wrapErr("read attempts", err)
}

// countOrBegin adds one to a counter, or begins its next window when the last one is over.
const countOrBegin = `ON CONFLICT (key) DO UPDATE SET
	count = CASE WHEN ` + windowRuns + ` THEN attempts.count + 1 ELSE 1 END,
	window_start = CASE WHEN ` + windowRuns + ` THEN attempts.window_start ELSE excluded.window_start END,
	ends_at = CASE WHEN ` + windowRuns + ` THEN attempts.ends_at ELSE excluded.ends_at END`

const windowRuns = `attempts.ends_at > excluded.window_start AND attempts.window_start <= ?`

// CountAttempts adds one to each key in one upsert, which replicas share, and returns the counters afterwards. A counter
// whose window is over starts a new one at the given moment, which is as long as from since until then.
func (s *Store) CountAttempts(ctx context.Context, keys [][]byte, at, since time.Time) ([]Attempt, error) {
	keys = slices.SortedFunc(slices.Values(keys), bytes.Compare) // one order of locks for everybody: no deadlock
	keys = slices.CompactFunc(keys, bytes.Equal)                 // an upsert cannot change a row twice
	if len(keys) == 0 {
		return nil, nil
	}
	var args []any
	for _, key := range keys {
		args = append(args, dbTime(at), dbTime(at.Add(at.Sub(since))), key) // the time first: gorm would spread a []byte that follows a parenthesis
	}
	latest := dbTime(at.Add(attemptClockError))
	var list []Attempt
	err := s.write(ctx, func(db *gorm.DB) error {
		return db.Raw("INSERT INTO attempts (window_start, ends_at, key, count) VALUES "+rowsOfFour(len(keys), "1")+" "+countOrBegin+
			" RETURNING key, window_start, ends_at, count", append(args, latest, latest, latest)...).Scan(&list).Error
	})
	return list, wrapErr("count attempts", err)
}

func rowsOfFour(n int, count string) string {
	return strings.TrimSuffix(strings.Repeat("(?, ?, ?, "+count+"), ", n), ", ")
}

// UncountAttempts takes one from each of the counters, as CountAttempts returned them, unless their window has ended since.
func (s *Store) UncountAttempts(ctx context.Context, counted []Attempt) error {
	if len(counted) == 0 {
		return nil
	}
	return wrapErr("uncount attempts", s.tx(ctx, func(tx *gorm.DB) error { return uncountAttempts(tx, counted) }))
}

// uncountAttempts begins with an upsert although it only ever changes rows: an upsert takes them in the order in which they are
// given, the one that everybody keeps to. What counts nothing then goes.
func uncountAttempts(tx *gorm.DB, counted []Attempt) error {
	if len(counted) == 0 {
		return nil
	}
	counted = slices.SortedFunc(slices.Values(counted), func(a, b Attempt) int { return bytes.Compare(a.Key, b.Key) })
	var args []any
	var keys [][]byte
	for _, c := range counted {
		args, keys = append(args, dbTime(c.WindowStart), dbTime(c.EndsAt), c.Key), append(keys, c.Key)
	}
	err := tx.Exec("INSERT INTO attempts (window_start, ends_at, key, count) VALUES "+rowsOfFour(len(counted), "0")+
		` ON CONFLICT (key) DO UPDATE SET count = attempts.count - 1
		WHERE attempts.window_start = excluded.window_start AND attempts.count > 0`, args...).Error
	if err != nil {
		return err
	}
	return tx.Exec("DELETE FROM attempts WHERE key IN ? AND count = 0", keys).Error
}

// clearAttempts begins counters again from nothing.
func clearAttempts(tx *gorm.DB, keys [][]byte, at time.Time) error {
	keys = slices.CompactFunc(slices.SortedFunc(slices.Values(keys), bytes.Compare), bytes.Equal)
	if len(keys) == 0 {
		return nil
	}
	var args []any
	for _, key := range keys {
		args = append(args, dbTime(at), dbTime(at), key)
	}
	return tx.Exec("INSERT INTO attempts (window_start, ends_at, key, count) VALUES "+rowsOfFour(len(keys), "0")+
		" ON CONFLICT (key) DO UPDATE SET count = 0, window_start = excluded.window_start, ends_at = excluded.ends_at", args...).Error
}

// Budget is how much may be counted under a key in a window of that length.
type Budget struct {
	Key    []byte
	Most   int64
	Window time.Duration
}

// spend counts one under each budget, or returns ErrSpent when one of them is used up. The caller holds the user's row, and
// the keys are of that user's.
func spend(tx *gorm.DB, budgets []Budget, at time.Time) error {
	latest := dbTime(at.Add(attemptClockError))
	for _, b := range budgets {
		done := tx.Exec("INSERT INTO attempts (window_start, ends_at, key, count) VALUES (?, ?, ?, 1) "+countOrBegin+
			" WHERE NOT ("+windowRuns+" AND attempts.count >= ?) OR attempts.ends_at IS NULL",
			dbTime(at), dbTime(at.Add(b.Window)), b.Key, latest, latest, latest, latest, b.Most)
		if done.Error != nil || done.RowsAffected == 0 {
			return errors.Join(done.Error, ErrSpent)
		}
	}
	return nil
}

// maxKnownPlaces is how many places an account knows: those that it signed in from last.
const maxKnownPlaces = 20

// KnownPlace tells whether the account signed in from one of these places after since.
func (s *Store) KnownPlace(ctx context.Context, userID uuid.UUID, places [][]byte, since time.Time) (bool, error) {
	var n int64
	err := s.read(ctx).Table("known_places").Where("user_id = ? AND place IN ? AND last_at > ?", userID, places, dbTime(since)).
		Count(&n).Error
	return n > 0, wrapErr("find known place", err)
}

// rememberPlaces makes the places the account's own, and forgets the oldest past maxKnownPlaces. The caller holds the user's row.
func rememberPlaces(tx *gorm.DB, userID uuid.UUID, places [][]byte, at time.Time) error {
	if len(places) == 0 {
		return nil
	}
	var args []any
	for _, place := range places {
		args = append(args, userID, dbTime(at), place)
	}
	err := tx.Exec(`INSERT INTO known_places (user_id, last_at, place) VALUES `+strings.TrimSuffix(strings.Repeat("(?, ?, ?), ", len(places)), ", ")+
		` ON CONFLICT (user_id, place) DO UPDATE SET last_at = excluded.last_at`, args...).Error
	if err != nil {
		return err
	}
	// What a clock far ahead has left would otherwise be the latest for as long as it was ahead.
	ahead := dbTime(at.Add(time.Hour))
	return tx.Exec(`DELETE FROM known_places WHERE user_id = ? AND (last_at > ? OR place NOT IN
		(SELECT place FROM known_places WHERE user_id = ? AND last_at <= ? ORDER BY last_at DESC, place LIMIT ?))`,
		userID, ahead, userID, ahead, maxKnownPlaces).Error
}

// FreshStart is what a new password gives an account.
type FreshStart struct {
	Places   [][]byte // the only ones that the account knows from then on: of the browser that set the password
	Counters [][]byte // keys of attempts that are counted again from nothing
}

// startAfresh forgets what whoever knew the old password may have left behind. The caller holds the user's row.
func startAfresh(tx *gorm.DB, userID uuid.UUID, f FreshStart, at time.Time) error {
	if err := tx.Exec("DELETE FROM known_places WHERE user_id = ?", userID).Error; err != nil {
		return err
	}
	if err := rememberPlaces(tx, userID, f.Places, at); err != nil {
		return err
	}
	return clearAttempts(tx, f.Counters, at)
}
