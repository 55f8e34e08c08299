package models

import (
	"context"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// AppConfirmation is a proof by the owner of an app that the caller has verified.
type AppConfirmation struct {
	Device    DeviceKey
	Method    SignInMethod
	Verified  string        // the password hash that the caller checked; empty: no password was asked for
	Version   int64         // User.FactorsVersion that the caller read
	Challenge *ChallengeUse // used with the confirmation; nil without one
	Factor    *FactorUse    // used with the confirmation; nil: no factor was asked for
	Uncount   []Counter     // failures counted in advance, taken back because the answer was right
	// Issued is a challenge that is good for one act: RevokeDevice or RenameDevice use it. ConfirmApp notes Factor in its data.
	Issued Challenge
	Event  Event // ConfirmApp dates the proof by its time
}

// ConfirmApp records that the owner of a live app was verified again, which its next access tokens tell, and writes the challenge that
// is good for one act. What is used and what is written share a transaction. A proof that is recorded with a later time stays.
// ConfirmApp returns ErrNotFound when the app is not live, ErrChanged when the password or the factors changed, the password was
// locked or the account was disabled since the caller verified them, ErrUsed when the challenge or the factor was used before, and a
// LimitError past a limit of the event.
func (s *Store) ConfirmApp(ctx context.Context, c AppConfirmation) error {
	userID, at := c.Device.UserID, c.Event.At
	c.Issued.CreatedAt, c.Issued.ExpiresAt = dbTime(c.Issued.CreatedAt), dbTime(c.Issued.ExpiresAt)
	c.Issued.Data, c.Issued.Answer = []byte{}, nonNil(c.Issued.Answer)
	if c.Factor != nil {
		c.Issued.Data = nonNil(c.Factor.ID[:]) // see Proof.factor
	}
	return wrapErr("confirm an app", s.tx(ctx, func(tx *gorm.DB) error {
		if err := lockVerifiedUser(tx.Where("factors_version = ?", c.Version), userID, c.Verified, "", at); err != nil {
			return err
		}
		if err := useProofs(tx, Device{ID: c.Device.ID}, c.asSignIn()); err != nil {
			return err
		}
		if err := raiseProof(tx, c.Device, c.Method, at); err != nil {
			return err
		}
		row := c.Issued
		if err := tx.Create(&row).Error; err != nil {
			return err
		}
		if err := addEvent(tx, c.Event); err != nil {
			return err
		}
		if err := addSecondStep(tx, Device{Name: c.Event.DeviceName}, c.asSignIn()); err != nil {
			return err
		}
		return decrementCounters(tx, c.Uncount) // last: sign-ins from the same network wait for this row
	}))
}

// asSignIn holds what a confirmation uses as a sign-in would.
func (c AppConfirmation) asSignIn() NewDevice {
	return NewDevice{Device: Device{UserID: c.Device.UserID, CreatedAt: c.Event.At}, Challenge: c.Challenge, Factor: c.Factor, Event: c.Event}
}

// useForAct uses the challenges that confirm an act on a device. The caller has locked the user's row.
func useForAct(tx *gorm.DB, key DeviceKey, confirmed []ChallengeUse, at time.Time) error {
	for _, c := range confirmed {
		if err := useChallenge(tx, key.UserID, c, uuid.NullUUID{UUID: key.ID, Valid: true}, at); err != nil {
			return err
		}
	}
	return nil
}
