package models

import (
	"bytes"
	"context"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// usedChallengeLife is how long a used challenge is still found, so that a form that was sent twice gets the same answer.
const usedChallengeLife = time.Minute

// Challenge is a question that one answer may answer: the second step of a sign-in.
type Challenge struct {
	Hash      []byte // SHA-256 of the challenge's secret
	UserID    uuid.UUID
	Purpose   string
	Data      []byte // sealed by the caller
	Attempts  int64
	CreatedAt time.Time
	ExpiresAt time.Time
	UsedAt    *time.Time
	Answer    []byte        // SHA-256 of the answer that used it; empty before
	DeviceID  uuid.NullUUID // the device that the use signed in or confirmed
}

// AddChallenge writes a challenge. The account must be as the caller verified it, as for a sign-in; an empty verified does not check
// the password. Each of spend counts the challenge, and the failures in uncount, which were counted in advance, are taken back.
// AddChallenge returns ErrChanged when the password is another by now or locked, the factors have changed since the caller read the
// version or the account is disabled, and ErrSpent past a budget.
func (s *Store) AddChallenge(ctx context.Context, c Challenge, verified string, version int64, budgets []Budget, uncount []Counter) error {
	c.CreatedAt, c.ExpiresAt, c.UsedAt = dbTime(c.CreatedAt), dbTime(c.ExpiresAt), dbTimeOrNil(c.UsedAt)
	c.Data, c.Answer = nonNil(c.Data), nonNil(c.Answer)
	return wrapErr("add challenge", s.tx(ctx, func(tx *gorm.DB) error {
		if err := lockVerifiedUser(tx.Where("factors_version = ?", version), c.UserID, verified, "", c.CreatedAt); err != nil {
			return err
		}
		if err := spend(tx, budgets, c.CreatedAt); err != nil {
			return err
		}
		row := c
		if err := tx.Create(&row).Error; err != nil {
			return err
		}
		return decrementCounters(tx, uncount) // last: every sign-in from the same network waits for this row
	}))
}

// TryChallenge counts an attempt to answer a challenge and returns the challenge with that attempt in it. It returns ErrNotFound when
// the challenge is unknown, used, ended or expired, or when there were most attempts before. Of many concurrent attempts at most that
// many get the challenge.
func (s *Store) TryChallenge(ctx context.Context, purpose string, hash []byte, at time.Time, most int64) (Challenge, error) {
	var rows []Challenge
	err := s.write(ctx, func(db *gorm.DB) error {
		return db.Raw(`UPDATE challenges SET attempts = attempts + 1
			WHERE purpose = ? AND hash = ? AND used_at IS NULL AND expires_at > ? AND attempts < ? RETURNING *`,
			purpose, bytes.Clone(hash), dbTime(at), most).Scan(&rows).Error
	})
	if err != nil || len(rows) == 0 {
		return Challenge{}, wrapErr("try challenge", orRefuse(err, ErrNotFound))
	}
	return rows[0], nil
}

// FindChallenge returns a challenge without counting an attempt. It returns ErrNotFound when the challenge is unknown, ended or expired.
// A challenge that was used within the last minute is returned too, with UsedAt set.
func (s *Store) FindChallenge(ctx context.Context, purpose string, hash []byte, at time.Time) (Challenge, error) {
	var c Challenge
	err := s.read(ctx).Where("purpose = ? AND hash = ? AND (used_at IS NULL AND expires_at > ? OR used_at > ?)",
		purpose, nonNil(hash), dbTime(at), dbTime(at.Add(-usedChallengeLife))).Take(&c).Error
	return c, wrapErr("find challenge", err)
}

// EndChallenge ends a challenge that was not used. A challenge that is unknown or used stays as it is, without an error.
func (s *Store) EndChallenge(ctx context.Context, hash []byte) error {
	return wrapErr("end challenge", s.write(ctx, func(db *gorm.DB) error {
		return db.Where("hash = ? AND used_at IS NULL", nonNil(hash)).Delete(&Challenge{}).Error
	}))
}

// ChallengeUse is the use of a challenge by an answer that the caller has verified.
type ChallengeUse struct {
	Hash      []byte // SHA-256 of the challenge's secret
	Purpose   string
	Answer    []byte // SHA-256 of the answer
	ExpiresAt time.Time
	// Sealed says that the challenge was a sealed text and has no row. Its use adds one. ExpiresAt is then the challenge's end; the row
	// stays for longer than that.
	Sealed bool
	App    uuid.UUID // the app that the challenge confirms an act of; its use fails if the app is revoked. The nil UUID: not checked
}

// useChallenge uses a challenge. Of many concurrent uses one wins; the others get ErrUsed. So does the use of a challenge that is
// ended, expired or another account's, and with ErrAppGone that of a revoked app. The caller has locked the user's row.
func useChallenge(tx *gorm.DB, userID uuid.UUID, c ChallengeUse, device uuid.NullUUID, at time.Time) error {
	if c.App != uuid.Nil {
		if err := lockActingApp(tx, userID, c.App); err != nil {
			return err
		}
	}
	now, hash, answer := dbTime(at), nonNil(c.Hash), nonNil(c.Answer)
	var done *gorm.DB
	switch {
	case !c.Sealed:
		done = tx.Exec(`UPDATE challenges SET used_at = ?, answer = ?, device_id = ?
			WHERE hash = ? AND purpose = ? AND user_id = ? AND used_at IS NULL AND expires_at > ?`, now, answer, device, hash, c.Purpose, userID, now)
	case !c.ExpiresAt.After(now):
		return orRefuse(nil, ErrUsed)
	default:
		done = tx.Exec(`INSERT INTO challenges (user_id, hash, purpose, data, created_at, expires_at, used_at, answer, device_id)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (hash) DO NOTHING`,
			userID, hash, c.Purpose, []byte{}, now, dbTime(c.ExpiresAt), now, answer, device)
	}
	if done.Error != nil || done.RowsAffected == 0 {
		return orRefuse(done.Error, ErrUsed)
	}
	return nil
}

// lockActingApp locks the row of an app, or a browser, that acts, or returns ErrAppGone if it is revoked. A revocation then comes before the act, which
// fails, or waits until the act is committed: after it was answered, the app does nothing more.
func lockActingApp(tx *gorm.DB, userID, id uuid.UUID) error {
	done := tx.Exec("UPDATE devices SET proved_at = proved_at WHERE user_id = ? AND id = ? AND revoked_at IS NULL", userID, id)
	if done.Error != nil || done.RowsAffected == 0 {
		return orRefuse(done.Error, ErrAppGone)
	}
	return nil
}
