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

// Counter counts what happened under one key within a window of time: failed sign-ins, mails asked for, sign-ins of an account. Keys
// are keyed hashes made by the caller.
type Counter struct {
	Key         []byte
	WindowStart time.Time
	EndsAt      time.Time
	Count       int64
}

// TableName is where counters are stored. At first they counted only attempts to sign in.
func (Counter) TableName() string { return "attempts" }

// counterClockError is how far the clocks of replicas may differ. A window that begins further in the future was begun by a
// clock that was wrong, and is over.
const counterClockError = 10 * time.Second

// Counters reads the counters of the given keys whose window is not over; others are absent.
func (s *Store) Counters(ctx context.Context, keys [][]byte, at time.Time) ([]Counter, error) {
	var list []Counter
	err := s.read(ctx).Where("key IN ? AND ends_at > ? AND window_start <= ?", keys, dbTime(at), dbTime(at.Add(counterClockError))).Find(&list).Error
	return list, wrapErr("read counters", err)
}

// incrementOrRestart adds one to a counter, or begins its next window when the last one is over.
const incrementOrRestart = `ON CONFLICT (key) DO UPDATE SET
	count = CASE WHEN ` + windowRuns + ` THEN attempts.count + 1 ELSE 1 END,
	window_start = CASE WHEN ` + windowRuns + ` THEN attempts.window_start ELSE excluded.window_start END,
	ends_at = CASE WHEN ` + windowRuns + ` THEN attempts.ends_at ELSE excluded.ends_at END`

const windowRuns = `attempts.ends_at > excluded.window_start AND attempts.window_start <= ?`

// IncrementCounters adds one to each key in one upsert, which replicas share, and returns the counters afterwards. A counter
// whose window is over starts a new one at the given moment, which is as long as from since until then.
func (s *Store) IncrementCounters(ctx context.Context, keys [][]byte, at, since time.Time) ([]Counter, error) {
	keys = slices.SortedFunc(slices.Values(keys), bytes.Compare) // one order of locks for everybody: no deadlock
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

// DecrementCounters takes one from each of the counters, as IncrementCounters returned them, unless their window has ended since.
func (s *Store) DecrementCounters(ctx context.Context, counted []Counter) error {
	if len(counted) == 0 {
		return nil
	}
	return wrapErr("decrement counters", s.tx(ctx, func(tx *gorm.DB) error { return decrementCounters(tx, counted) }))
}

// decrementCounters begins with an upsert although it only ever changes rows: an upsert takes them in the order in which they are
// given, the one that everybody keeps to. What counts nothing then goes.
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

// resetCounters begins counters again from nothing.
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

// Budget is how much may be counted under a key in a window of that length.
type Budget struct {
	Key    []byte
	Most   int64
	Window time.Duration
}

// spend counts one under each budget, or returns ErrSpent when one of them is used up. The caller holds the user's row, and
// the keys are of that user's.
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
