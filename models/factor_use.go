package models

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// FactorUse is the use of a factor that the caller has verified.
type FactorUse struct {
	ID        uuid.UUID
	Kind      FactorKind
	Step      int64 // an authenticator app's: the time step of the code; it must be later than that of the last one
	MaxWrong  int64 // an authenticator app's: after so many wrong codes in a row it is refused; 0: not checked
	SignCount int64 // a passkey's
	BackedUp  bool  // a passkey's
	At        time.Time
	Event     *Event // written with the use; nil: none. At a sign-in AddDevice fills in the device
	Mail      MailWithLinks
}

// useFactor uses a factor: one conditional UPDATE. Of many concurrent uses of one code one wins; the others get ErrUsed. So does the
// use of a factor that is gone, and that of an authenticator app after MaxWrong wrong codes in a row. A use forgets those wrong codes.
// The caller has locked the user's row, and writes the event and the mail.
func useFactor(tx *gorm.DB, userID uuid.UUID, u FactorUse) error {
	at := dbTime(u.At)
	q := tx.Model(&Factor{}).Where("user_id = ? AND id = ? AND kind = ?", userID, u.ID, u.Kind)
	set := map[string]any{"used_at": at}
	switch u.Kind {
	case FactorTOTP:
		q = q.Where("last_step < ?", u.Step)
		if u.MaxWrong > 0 {
			q = q.Where("wrong < ?", u.MaxWrong)
		}
		set["last_step"], set["wrong"] = u.Step, 0
	case FactorRecoveryCode:
		q = q.Where("used_at IS NULL")
	case FactorPasskey:
		set["sign_count"], set["backed_up"] = u.SignCount, u.BackedUp
	default:
		return fmt.Errorf("use a factor of kind %q: %w", u.Kind, ErrUsed)
	}
	done := q.UpdateColumns(set)
	if done.Error != nil || done.RowsAffected == 0 {
		return orRefuse(done.Error, ErrUsed)
	}
	if u.Kind == FactorTOTP {
		return nil
	}
	return forgetWrongCodes(tx, userID)
}

// Proof is what confirmed an act: the password hash and the version of the account's factors that the caller read and, where there is a
// second factor, the one that was verified. The transaction of the act uses it up, so that a refused act leaves a code to be typed again.
type Proof struct {
	Verified  string // User.PasswordHash; empty: neither the password nor its lock is a condition
	Version   int64  // User.FactorsVersion
	Factor    *FactorUse
	Challenge *ChallengeUse
	Method    SignInMethod // how the owner was verified
}

// use locks the row of an enabled account whose factors, and whose password with it, are those that were verified, and uses the factor
// and the challenge. It returns ErrChanged and ErrUsed as UseFactor does.
func (p Proof) use(tx *gorm.DB, userID uuid.UUID, at time.Time) error {
	if err := lockVerifiedUser(tx.Where("factors_version = ?", p.Version), userID, p.Verified, "", at); err != nil {
		return err
	}
	return p.useUp(tx, userID, at)
}

// useUp is use for a caller that has locked the account's row and checked its version.
func (p Proof) useUp(tx *gorm.DB, userID uuid.UUID, at time.Time) error {
	if p.Challenge != nil {
		var by uuid.NullUUID
		if p.Factor != nil && p.Factor.Event != nil {
			by = p.Factor.Event.DeviceID
		}
		if err := useChallenge(tx, userID, *p.Challenge, by, at); err != nil {
			return err
		}
	}
	if p.Factor == nil {
		return nil
	}
	if err := useFactor(tx, userID, *p.Factor); err != nil {
		return err
	}
	if p.Factor.Event != nil {
		if err := addEvent(tx, *p.Factor.Event); err != nil {
			return err
		}
	}
	return addMail(tx, p.Factor.Mail)
}

// factor returns the factor that the proof was made with, or the nil UUID for the password alone. The confirmation of an app keeps it; that of an
// earlier release does not.
func (p Proof) factor(tx *gorm.DB, userID uuid.UUID) (id uuid.UUID, err error) {
	switch {
	case p.Factor != nil:
		return p.Factor.ID, nil
	case p.Challenge == nil:
		return id, nil
	}
	var kept []Challenge
	err = tx.Where("hash = ? AND user_id = ?", nonNil(p.Challenge.Hash), userID).Limit(1).Find(&kept).Error
	if err != nil || len(kept) == 0 || len(kept[0].Data) != len(id) {
		return id, err
	}
	return uuid.UUID(kept[0].Data), nil
}

// AddConfirmedEvent writes the event of an act that leaves nothing else, and uses what confirmed it. It returns ErrChanged when the
// account is disabled or gone, or its password or its factors have changed, ErrUsed as UseFactor does, and a LimitError past a limit of
// the event.
func (s *Store) AddConfirmedEvent(ctx context.Context, e Event, p Proof) error {
	return wrapErr("add confirmed event", s.tx(ctx, func(tx *gorm.DB) error {
		if err := p.use(tx, e.UserID, e.At); err != nil {
			return err
		}
		return addEvent(tx, e)
	}))
}

// UseFactor uses a factor by itself, to confirm an act. A challenge, if there is one, is used with it; the event's device becomes the
// challenge's. It returns ErrChanged when the account is disabled or its factors have changed since the caller read the version,
// ErrUsed when the code or the challenge was used before (see useFactor and ChallengeUse), and a LimitError past a limit of the event.
func (s *Store) UseFactor(ctx context.Context, userID uuid.UUID, version int64, u FactorUse, c *ChallengeUse) error {
	return wrapErr("use factor", s.tx(ctx, func(tx *gorm.DB) error {
		return Proof{Version: version, Factor: &u, Challenge: c}.use(tx, userID, u.At)
	}))
}
