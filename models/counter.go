package models

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"
)

// Counter counts what happened under one key within a window of time: failed sign-ins, mails asked for, sign-ins of an account.
// Keys are keyed hashes made by the caller.
type Counter struct {
	Key         []byte
	WindowStart time.Time
	EndsAt      time.Time
	Count       int64
}

// TableName is where counters are stored. At first they counted only attempts to sign in.
func (Counter) TableName() string { return "attempts" }

// counterClockError is how far the clocks of replicas may differ. A window that starts further in the future comes from a wrong
// clock and counts as over.
const counterClockError = 10 * time.Second

// Counters returns the counters of the given keys whose window is not over. The result has no entry for other keys.
func (s *Store) Counters(ctx context.Context, keys [][]byte, at time.Time) ([]Counter, error) {
	var list []Counter
	err := s.read(ctx).Where("key IN ? AND ends_at > ? AND window_start <= ?", keys, dbTime(at), dbTime(at.Add(counterClockError))).Find(&list).Error
	return list, wrapErr("read counters", err)
}

// incrementOrRestart adds 1 to a counter, or starts a new window at 1 when the last one is over.
const incrementOrRestart = `ON CONFLICT (key) DO UPDATE SET
	count = CASE WHEN ` + windowRuns + ` THEN attempts.count + 1 ELSE 1 END,
	window_start = CASE WHEN ` + windowRuns + ` THEN attempts.window_start ELSE excluded.window_start END,
	ends_at = CASE WHEN ` + windowRuns + ` THEN attempts.ends_at ELSE excluded.ends_at END`

const windowRuns = `attempts.ends_at > excluded.window_start AND attempts.window_start <= ?`

// IncrementCounters adds 1 to the counter of each key, in one upsert, and returns the new values. All replicas share the counters.
// A counter whose window is over starts a new window at the time at, which lasts at.Sub(since). A key that occurs twice counts
// once.
func (s *Store) IncrementCounters(ctx context.Context, keys [][]byte, at, since time.Time) ([]Counter, error) {
	keys = slices.SortedFunc(slices.Values(keys), bytes.Compare) // every caller locks in this order: no deadlock
	keys = slices.CompactFunc(keys, bytes.Equal)                 // an upsert cannot change a row twice
	if len(keys) == 0 {
		return nil, nil
	}
	var args []any
	for _, key := range keys {
		args = append(args, dbTime(at), dbTime(at.Add(at.Sub(since))), key) // the time first: gorm would spread a []byte that follows a parenthesis
	}
	latest := dbTime(at.Add(counterClockError))
	var list []Counter
	err := s.write(ctx, func(db *gorm.DB) error {
		return db.Raw("INSERT INTO attempts (window_start, ends_at, key, count) VALUES "+rowsOfFour(len(keys), "1")+" "+incrementOrRestart+
			" RETURNING key, window_start, ends_at, count", append(args, latest, latest, latest)...).Scan(&list).Error
	})
	return list, wrapErr("increment counters", err)
}

func rowsOfFour(n int, count string) string {
	return strings.TrimSuffix(strings.Repeat("(?, ?, ?, "+count+"), ", n), ", ")
}

// DecrementCounters subtracts 1 from each of the counters that IncrementCounters returned, unless a new window has started since.
func (s *Store) DecrementCounters(ctx context.Context, counted []Counter) error {
	if len(counted) == 0 {
		return nil
	}
	return wrapErr("decrement counters", s.tx(ctx, func(tx *gorm.DB) error { return decrementCounters(tx, counted) }))
}

// decrementCounters uses an upsert, although the rows exist, because an upsert locks them in the order in which they are given, and
// every caller uses that order. Counters that reach 0 are deleted.
func decrementCounters(tx *gorm.DB, counted []Counter) error {
	if len(counted) == 0 {
		return nil
	}
	counted = slices.SortedFunc(slices.Values(counted), func(a, b Counter) int { return bytes.Compare(a.Key, b.Key) })
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

// resetCounters sets counters to 0.
func resetCounters(tx *gorm.DB, keys [][]byte, at time.Time) error {
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

// Budget limits how much may be counted under a key in one window.
type Budget struct {
	Key    []byte
	Most   int64
	Window time.Duration
}

// spend adds 1 to the counter of each budget, or returns ErrSpent when one of them is used up. The caller has locked the user's
// row, and the keys belong to that user.
func spend(tx *gorm.DB, budgets []Budget, at time.Time) error {
	latest := dbTime(at.Add(counterClockError))
	for _, b := range budgets {
		done := tx.Exec("INSERT INTO attempts (window_start, ends_at, key, count) VALUES (?, ?, ?, 1) "+incrementOrRestart+
			" WHERE NOT ("+windowRuns+" AND attempts.count >= ?) OR attempts.ends_at IS NULL",
			dbTime(at), dbTime(at.Add(b.Window)), b.Key, latest, latest, latest, latest, b.Most)
		if done.Error != nil || done.RowsAffected == 0 {
			return errors.Join(done.Error, ErrSpent)
		}
	}
	return nil
}
