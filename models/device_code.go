package models

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
)

// DeviceCode is the code of an app without a browser, which a person approves in a browser elsewhere (RFC 8628). It belongs to no account.
type DeviceCode struct {
	Hash      []byte // SHA-256 of the device code
	UserCode  []byte // a keyed hash of the code that people type
	Network   []byte // a keyed hash of the app's network; empty: not known
	ClientID  string
	Data      []byte // sealed by the caller
	CreatedAt time.Time
	ExpiresAt time.Time
	Answer    DeviceAnswer
	Pause     int64 // between two polls, in microseconds
	Polled    int64 // the latest poll, in microseconds since 1970; 0: none yet
	Early     bool  // that poll came too early
}

// DeviceAnswer is what a person answered. The words are stored.
type DeviceAnswer string

// The answers.
const (
	DeviceWaits    DeviceAnswer = "" // for a person
	DeviceApproved DeviceAnswer = "approved"
	DeviceDenied   DeviceAnswer = "denied"
)

// CodeBounds is how many device codes may wait for a person at a time.
type CodeBounds struct{ All, Network int64 }

var (
	// ErrTooManyCodes says that as many device codes wait for a person as may.
	ErrTooManyCodes = fmt.Errorf("%w: too many device codes", ErrSpent)
	// ErrTooManyNetworkCodes says that as many device codes of one network wait as may. It wraps ErrTooManyCodes.
	ErrTooManyNetworkCodes = fmt.Errorf("of one network: %w", ErrTooManyCodes)
)

// deviceCodesLock is the key of the counter whose row makes additions of device codes run one after another.
var deviceCodesLock = []byte("device codes")

// AddDeviceCode adds a device code that waits for a person. It returns ErrTooManyCodes or ErrTooManyNetworkCodes past a bound, however many are
// added at once, and ErrDuplicate if the user code is taken. A flood past a bound writes nothing.
func (s *Store) AddDeviceCode(ctx context.Context, c DeviceCode, most CodeBounds) error {
	c.CreatedAt, c.ExpiresAt = dbTime(c.CreatedAt), dbTime(c.ExpiresAt)
	c.Network, c.Data = nonNil(c.Network), nonNil(c.Data)
	if err := roomForCode(s.read(ctx), c, most); err != nil {
		return wrapErr("count device codes", err)
	}
	return wrapErr("add device code", s.tx(ctx, func(tx *gorm.DB) error {
		err := tx.Exec(`INSERT INTO attempts (window_start, ends_at, key, count) VALUES (?, ?, ?, 1)
			ON CONFLICT (key) DO UPDATE SET window_start = excluded.window_start, ends_at = excluded.ends_at`, c.CreatedAt, c.ExpiresAt, deviceCodesLock).Error
		if err != nil {
			return err
		}
		if err := roomForCode(tx, c, most); err != nil {
			return err
		}
		row := c
		return tx.Create(&row).Error
	}))
}

// roomForCode returns an error past a bound.
func roomForCode(db *gorm.DB, c DeviceCode, most CodeBounds) error {
	var n struct{ Everywhere, Here int64 }
	err := db.Raw(`SELECT count(*) AS everywhere, count(CASE WHEN network = ? THEN 1 END) AS here FROM device_codes WHERE answer = '' AND expires_at > ?`,
		c.Network, c.CreatedAt).Scan(&n).Error
	switch {
	case err != nil:
		return err
	case len(c.Network) > 0 && n.Here >= most.Network:
		return ErrTooManyNetworkCodes
	case n.Everywhere >= most.All:
		return ErrTooManyCodes
	}
	return nil
}

// CodePoll is a request that asks whether a device code was answered.
type CodePoll struct {
	Hash     []byte
	ClientID string
	At       time.Time
	Leeway   time.Duration // how much sooner than after the pause a poll may come
	Longer   time.Duration // by how much a poll that comes too early makes the pause longer
}

// PollDeviceCode notes a poll and returns the code as it is then, in one statement. It returns ErrNotFound for an unknown code and for another
// client's. Once the code was answered no poll is too early.
func (s *Store) PollDeviceCode(ctx context.Context, p CodePoll) (DeviceCode, error) {
	now, leeway := p.At.UnixMicro(), p.Leeway.Microseconds()
	var rows []DeviceCode
	err := s.write(ctx, func(db *gorm.DB) error {
		return db.Raw(`UPDATE device_codes SET
				early = (answer = '' AND polled > ? - pause + ? AND polled <= ?),
				pause = CASE WHEN answer = '' AND polled > ? - pause + ? AND polled <= ? THEN pause + ? ELSE pause END,
				polled = ?
			WHERE hash = ? AND client_id = ? RETURNING *`,
			now, leeway, now, now, leeway, now, p.Longer.Microseconds(), now, nonNil(p.Hash), p.ClientID).Scan(&rows).Error
	})
	if err != nil || len(rows) == 0 {
		return DeviceCode{}, wrapErr("poll device code", orRefuse(err, ErrNotFound))
	}
	return rows[0], nil
}

// DeviceCode returns a device code in any state, also after its end, or ErrNotFound.
func (s *Store) DeviceCode(ctx context.Context, hash []byte) (DeviceCode, error) {
	var c DeviceCode
	err := s.read(ctx).Where("hash = ?", nonNil(hash)).Take(&c).Error
	return c, wrapErr("find device code", err)
}

// WaitingDeviceCode finds the device code that waits for a person under a user code, or returns ErrNotFound.
func (s *Store) WaitingDeviceCode(ctx context.Context, userCode []byte, at time.Time) (DeviceCode, error) {
	var c DeviceCode
	err := s.read(ctx).Where("user_code = ? AND answer = '' AND expires_at > ?", nonNil(userCode), dbTime(at)).Take(&c).Error
	return c, wrapErr("find user code", err)
}

// DenyDeviceCode denies a device code that waits for a person. It returns ErrNotFound if it was answered before or has expired.
func (s *Store) DenyDeviceCode(ctx context.Context, hash []byte, at time.Time) error {
	return wrapErr("deny device code", s.write(ctx, func(db *gorm.DB) error { return answerDeviceCode(db, hash, DeviceDenied, at) }))
}

// answerDeviceCode answers a device code: one conditional UPDATE. Of many concurrent answers one wins; the others get ErrNotFound.
func answerDeviceCode(db *gorm.DB, hash []byte, answer DeviceAnswer, at time.Time) error {
	done := db.Exec("UPDATE device_codes SET answer = ? WHERE hash = ? AND answer = '' AND expires_at > ?", answer, nonNil(hash), dbTime(at))
	if done.Error != nil || done.RowsAffected == 0 {
		return orRefuse(done.Error, ErrNotFound)
	}
	return nil
}

// SweepDeviceCodes deletes the device codes that expired before a time, in small batches. Strangers can make many, so call it often.
func (s *Store) SweepDeviceCodes(ctx context.Context, before time.Time) (deleted int64, err error) {
	return s.sweep(ctx, deletion{"device_codes", "hash", pastRows{"expires_at < ?", []time.Time{before}}})
}
