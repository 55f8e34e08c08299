package models

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// MissedSteps lists up to limit challenges of the given purposes that expired between after and at, oldest first, that no answer used,
// and that had fewer than most attempts.
func (s *Store) MissedSteps(ctx context.Context, purposes []string, after, at time.Time, most int64, limit int) ([]Challenge, error) {
	var list []Challenge
	err := s.read(ctx).Where("expires_at > ? AND expires_at <= ? AND used_at IS NULL AND attempts < ? AND purpose IN ?", dbTime(after), dbTime(at), most, purposes).
		Order("expires_at").Limit(limit).Find(&list).Error
	return list, wrapErr("list missed steps", err)
}

// EndMissedStep deletes a challenge that expired without an answer and, with an event, tells the owner in the same transaction. When a
// limit of the event is reached, the challenge goes without it. EndMissedStep returns ErrNotFound when another replica was faster or
// the account is gone.
func (s *Store) EndMissedStep(ctx context.Context, c Challenge, at time.Time, e *Event, mail MailWithLinks) error {
	return wrapErr("end missed step", s.tx(ctx, func(tx *gorm.DB) error {
		if err := lockExistingUsers(tx, c.UserID); err != nil {
			return err
		}
		done := tx.Where("hash = ? AND used_at IS NULL AND expires_at <= ?", bytes.Clone(c.Hash), dbTime(at)).Delete(&Challenge{})
		if done.Error != nil || done.RowsAffected == 0 {
			return orRefuse(done.Error, ErrNotFound)
		}
		if e == nil {
			return nil
		}
		if err := withinLimits(tx, *e); errors.Is(err, ErrLimit) {
			return nil
		} else if err != nil {
			return err
		}
		return addEventAndMails(tx, *e, mail)
	}))
}

// StepOrigin is where a sign-in began whose second step was to follow.
type StepOrigin struct {
	Browser       []byte // the known origin of a browser; empty: it was an app, or a browser that keeps no cookie
	IP, UserAgent string
	ClientID, JKT string // of an app
}

// SignedInFrom reports whether the account signed in from an origin at or after a time, and not by its password alone.
func (s *Store) SignedInFrom(ctx context.Context, userID uuid.UUID, from StepOrigin, since time.Time) (bool, error) {
	var n int64
	var q *gorm.DB
	if len(from.Browser) > 0 {
		q = s.read(ctx).Table("known_places").Where("user_id = ? AND place = ? AND last_at >= ?", userID, from.Browser, dbTime(since))
	} else {
		q = s.read(ctx).Model(&Device{}).Where("user_id = ? AND created_at >= ? AND created_ip = ? AND user_agent = ? AND client_id = ? AND jkt = ? AND signed_in_by NOT IN ?",
			userID, dbTime(since), from.IP, from.UserAgent, from.ClientID, from.JKT, []SignInMethod{"", ByPassword})
	}
	err := q.Count(&n).Error
	return n > 0, wrapErr("find sign-in", err)
}
