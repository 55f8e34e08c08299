package models

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// Attempt counts what failed under one key since its window began. Keys are keyed hashes made by the caller.
type Attempt struct {
	Key         []byte
	WindowStart time.Time
	Count       int64
}

// Attempts reads the counters of the given keys whose window began after since; others are absent.
func (s *Store) Attempts(ctx context.Context, keys [][]byte, since time.Time) ([]Attempt, error) {
	var list []Attempt
	err := s.read(ctx).Where("key IN ? AND window_start > ?", keys, moment(since)).Find(&list).Error
	return list, fault("read attempts", err)
}

// CountAttempts adds one to each key in one upsert, which replicas share, and returns the counters afterwards. A
// counter whose window began at or before since starts anew at the given moment.
func (s *Store) CountAttempts(ctx context.Context, keys [][]byte, at, since time.Time) ([]Attempt, error) {
	keys = slices.SortedFunc(slices.Values(keys), bytes.Compare) // one order of locks for everybody: no deadlock
	keys = slices.CompactFunc(keys, bytes.Equal)                 // an upsert cannot change a row twice
	if len(keys) == 0 {
		return nil, nil
	}
	args := make([]any, 0, 2*len(keys)+2)
	for _, key := range keys {
		args = append(args, moment(at), key) // the time first: gorm would spread a []byte that follows a parenthesis
	}
	args = append(args, moment(since), moment(since))
	var list []Attempt
	err := s.write(ctx, func(db *gorm.DB) error {
		return db.Raw(`INSERT INTO attempts (window_start, key, count) VALUES `+
			strings.TrimSuffix(strings.Repeat("(?, ?, 1), ", len(keys)), ", ")+`
			ON CONFLICT (key) DO UPDATE SET
			count = CASE WHEN attempts.window_start > ? THEN attempts.count + 1 ELSE 1 END,
			window_start = CASE WHEN attempts.window_start > ? THEN attempts.window_start ELSE excluded.window_start END
			RETURNING key, window_start, count`, args...).Scan(&list).Error
	})
	return list, fault("count attempts", err)
}

// KnownPlace tells whether the account signed in from one of these places after since.
func (s *Store) KnownPlace(ctx context.Context, userID uuid.UUID, places [][]byte, since time.Time) (bool, error) {
	var n int64
	err := s.read(ctx).Table("known_places").Where("user_id = ? AND place IN ? AND last_at > ?", userID, places, moment(since)).
		Count(&n).Error
	return n > 0, fault("find known place", err)
}

// rememberPlaces makes the places the account's own. The caller holds the user's row.
func rememberPlaces(tx *gorm.DB, userID uuid.UUID, places [][]byte, at time.Time) error {
	for _, place := range places {
		err := tx.Exec(`INSERT INTO known_places (user_id, place, last_at) VALUES (?, ?, ?)
			ON CONFLICT (user_id, place) DO UPDATE SET last_at = excluded.last_at`, userID, place, moment(at)).Error
		if err != nil {
			return err
		}
	}
	return nil
}
