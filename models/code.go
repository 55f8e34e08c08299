package models

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// NewCode is a code for a client, which its owner has just approved.
type NewCode struct {
	Code    Challenge    // its row
	Request ChallengeUse // the request that it answers, which is used up: a second code is given to no one
	// Device is the hash of the device code that it answers, instead of a request. It has the code's own hash.
	Device []byte
	Proof  Proof    // of the owner; its zero Factor: the browser's session was enough
	Spend  []Budget // each counts this code; past one, AddCode returns ErrSpent
	// Consent is remembered: the client may later get a code in this browser without a page. nil: it is not.
	Consent *Consent
	Silent  *SilentUse // for a code without a page; nil: the person saw one
}

// AddCode gives a code, in one transaction with what confirmed it. It returns ErrUsed when the request or the factor was used before,
// ErrChanged when the password or the factors have changed since the caller read them or the account is disabled, ErrSpent past a
// budget, ErrNoConsent without a consent that it needs, and ErrNotFound when the device code was answered before or has expired.
func (s *Store) AddCode(ctx context.Context, n NewCode) error {
	n.Code.CreatedAt, n.Code.ExpiresAt = dbTime(n.Code.CreatedAt), dbTime(n.Code.ExpiresAt)
	n.Code.Answer = []byte{}
	return wrapErr("add code", s.tx(ctx, func(tx *gorm.DB) error {
		user, at := n.Code.UserID, n.Code.CreatedAt
		if err := n.Proof.use(tx, user, at); err != nil {
			return err
		}
		if err := needConsent(tx, user, n.Silent); err != nil {
			return err
		}
		if err := spend(tx, n.Spend, at); err != nil {
			return err
		}
		if err := n.answer(tx, user, at); err != nil {
			return err
		}
		row := n.Code
		if err := tx.Create(&row).Error; err != nil {
			return err
		}
		return addConsent(tx, user, n.Consent, at)
	}))
}

// answer uses up what the code answers.
func (n NewCode) answer(tx *gorm.DB, user uuid.UUID, at time.Time) error {
	if n.Device != nil {
		return answerDeviceCode(tx, n.Device, DeviceApproved, at)
	}
	return useChallenge(tx, user, n.Request, uuid.NullUUID{}, at)
}

// ChallengeUsed reports whether a challenge of a purpose was used, or a sealed one, however long ago that is. It knows as long as the row is kept.
func (s *Store) ChallengeUsed(ctx context.Context, purpose string, hash []byte) (bool, error) {
	var n int64
	err := s.read(ctx).Model(&Challenge{}).Where("purpose = ? AND hash = ? AND used_at IS NOT NULL", purpose, nonNil(hash)).Count(&n).Error
	return n > 0, wrapErr("find used challenge", err)
}

// EndUnrefreshed signs out an app that has never refreshed, and reports whether it did. The event names the device.
func (s *Store) EndUnrefreshed(ctx context.Context, key DeviceKey, e Event) (bool, error) {
	return s.endOnce(ctx, "end unrefreshed device", key, "generation = 1 AND base = 0", e, nil)
}

// EndReused signs out an app whose code came back from elsewhere after it had refreshed: evidence of theft. It tells the owner, and
// reports whether it did. reused makes what the event keeps and the mail.
func (s *Store) EndReused(ctx context.Context, key DeviceKey, e Event, reused func(Device) (*Reuse, MailWithLinks)) (bool, error) {
	return s.endOnce(ctx, "end reused device", key, "generation > 1", e, reused)
}

// errNotEnded rolls back an end that changed nothing.
var errNotEnded = errors.New("the device had ended")

func (s *Store) endOnce(ctx context.Context, what string, key DeviceKey, condition string, e Event, reused func(Device) (*Reuse, MailWithLinks)) (bool, error) {
	err := s.tx(ctx, func(tx *gorm.DB) error {
		rows, err := revoke(tx, "*", revocation{e.At, e.Actor, EndReason(e.Detail)}, key.UserID, "id = ? AND kind = 'app' AND "+condition, key.ID)
		if err != nil || len(rows) == 0 {
			return orRefuse(err, errNotEnded)
		}
		e := e
		e.DeviceID, e.DeviceName = uuid.NullUUID{UUID: key.ID, Valid: true}, rows[0].Name
		var mail MailWithLinks
		if reused != nil {
			e.Reuse, mail = reused(rows[0])
		}
		if err := addEvent(tx, e); err != nil {
			return err
		}
		return addMail(tx, mail)
	})
	if errors.Is(err, errNotEnded) {
		return false, nil
	}
	return err == nil, wrapErr(what, err)
}
