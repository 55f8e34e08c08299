package models

import (
	"context"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// FactorKind says what a factor is. The words are stored: they may be added to, never renamed.
type FactorKind string

// The kinds of factor. A recovery code replaces another factor; an account with nothing but recovery codes has no second factor.
const (
	FactorPasskey      FactorKind = "passkey"
	FactorTOTP         FactorKind = "totp" // an authenticator app; an account has at most one
	FactorRecoveryCode FactorKind = "recovery_code"
)

// Factor is something that an account signs in with beside or instead of its password.
type Factor struct {
	UserID, ID uuid.UUID
	Kind       FactorKind
	Name       string
	Credential []byte // a passkey's credential id, a recovery code's SHA-256; empty for an authenticator app
	Data       []byte // a passkey's record (JSON), an authenticator app's secret, sealed by the caller; empty for a recovery code
	CreatedAt  time.Time
	Since      time.Time // its age counts from here: a recovery code is as old as the factor that confirmed it
	Seq        int64     // see Device.Seq. AddFactors fills it in
	UsedAt     *time.Time
	LastStep   int64 // an authenticator app's: the time step of the last code that was used (RFC 6238 §4.2)
	Wrong      int64 // an authenticator app's: wrong codes in a row
	SignCount  int64 // a passkey's signature counter (WebAuthn §6.1.1)
	Synced     bool  // the passkey can be on several devices (backup eligible, WebAuthn §6.1.3)
	BackedUp   bool  // the passkey is backed up (backup state)
}

// Factors lists the factors of an account, oldest first.
func (s *Store) Factors(ctx context.Context, userID uuid.UUID) ([]Factor, error) {
	var list []Factor
	err := s.read(ctx).Where("user_id = ?", userID).Order("created_at, id").Find(&list).Error
	return list, wrapErr("list factors", err)
}

// FactorAddition adds factors to an account.
type FactorAddition struct {
	UserID   uuid.UUID
	Version  int64         // User.FactorsVersion that the caller read
	Verified string        // the password hash that the caller checked; empty: neither the password nor its lock is a condition
	Add      []Factor      // AddFactors fills in UserID, and ID, CreatedAt and Since where they are zero
	Replace  FactorKind    // factors of this kind go first; empty: none goes
	Code     *ChallengeUse // the enrolment code that the addition uses up; nil: none
	At       time.Time
	Event    Event
	Mail     MailWithLinks
	// KeepDevice is the device that stays signed in while all others are signed out; nil: none is signed out.
	KeepDevice *uuid.UUID
}

// AddFactors adds factors in one transaction and returns how many devices it signed out. All trusted browsers and open challenges of
// the account end. It returns ErrChanged when the factors have changed since the caller read them, the account is disabled, or the
// verified password is another by now or locked, ErrUsed when the code was used, ErrDuplicate when the account has the factor or an authenticator app already, and a
// LimitError past a limit of the event.
func (s *Store) AddFactors(ctx context.Context, a FactorAddition) (revoked int64, err error) {
	err = s.tx(ctx, func(tx *gorm.DB) error {
		if err := lockVerifiedUser(tx.Where("factors_version = ?", a.Version), a.UserID, a.Verified, "", a.At); err != nil {
			return err
		}
		if a.Code != nil {
			if err := useChallenge(tx, a.UserID, *a.Code, uuid.NullUUID{}, a.At); err != nil {
				return err
			}
		}
		if a.Replace != "" {
			if err := tx.Where("user_id = ? AND kind = ?", a.UserID, a.Replace).Delete(&Factor{}).Error; err != nil {
				return err
			}
		}
		if err := a.create(tx); err != nil {
			return err
		}
		revoked, err = factorsChanged(tx, a.UserID, a.KeepDevice, a.Event)
		if err != nil {
			return err
		}
		return addEventAndMails(tx, a.Event, a.Mail)
	})
	return revoked, wrapErr("add factors", err)
}

// create writes the factors.
func (a FactorAddition) create(tx *gorm.DB) error {
	if len(a.Add) == 0 {
		return nil
	}
	seq, err := nextSeq(tx, a.UserID)
	if err != nil {
		return err
	}
	rows := a.rows(seq)
	return tx.Create(&rows).Error
}

// rows are the factors as they are stored.
func (a FactorAddition) rows(seq int64) []Factor {
	rows := make([]Factor, len(a.Add))
	for i, f := range a.Add {
		f.UserID, f.Seq = a.UserID, seq
		if f.ID == uuid.Nil {
			f.ID = NewID(a.At)
		}
		if f.CreatedAt.IsZero() {
			f.CreatedAt = a.At
		}
		if f.Since.IsZero() {
			f.Since = f.CreatedAt
		}
		f.CreatedAt, f.Since, f.UsedAt = dbTime(f.CreatedAt), dbTime(f.Since), dbTimeOrNil(f.UsedAt)
		f.Credential, f.Data = nonNil(f.Credential), nonNil(f.Data)
		rows[i] = f
	}
	return rows
}

// FactorRemoval removes factors from an account.
type FactorRemoval struct {
	UserID  uuid.UUID
	ID      uuid.UUID  // the factor; uuid.Nil: all of a kind
	Kind    FactorKind // the factor's; with ID nil and an empty kind all factors go
	Version int64      // User.FactorsVersion that the caller read
	At      time.Time
	Event   Event
	Mail    MailWithLinks
	// KeepDevice is the device that stays signed in while all others are signed out; uuid.Nil keeps none; nil: none is signed out.
	KeepDevice *uuid.UUID
}

// RemoveFactors removes factors in one transaction and returns how many devices it signed out. With the last passkey or authenticator
// app the recovery codes go, too. All trusted browsers and open challenges of the account end. The account may be disabled.
// RemoveFactors returns ErrNotFound when there is no such factor, ErrChanged when the factors have changed since the caller read them,
// and a LimitError past a limit of the event.
func (s *Store) RemoveFactors(ctx context.Context, r FactorRemoval) (revoked int64, err error) {
	err = s.tx(ctx, func(tx *gorm.DB) error {
		locked := tx.Exec("UPDATE users SET updated_at = ? WHERE id = ? AND factors_version = ?", dbTime(r.At), r.UserID, r.Version)
		if locked.Error != nil || locked.RowsAffected == 0 {
			return orRefuse(locked.Error, ErrChanged)
		}
		q := tx.Where("user_id = ?", r.UserID)
		if r.ID != uuid.Nil {
			q = q.Where("id = ?", r.ID)
		}
		if r.Kind != "" {
			q = q.Where("kind = ?", r.Kind)
		}
		gone := q.Delete(&Factor{})
		if gone.Error != nil || gone.RowsAffected == 0 {
			return orRefuse(gone.Error, ErrNotFound)
		}
		err := tx.Exec("DELETE FROM factors WHERE user_id = ? AND kind = ? AND NOT "+hasSecondFactor, r.UserID, FactorRecoveryCode, r.UserID, FactorRecoveryCode).Error
		if err != nil {
			return err
		}
		revoked, err = factorsChanged(tx, r.UserID, r.KeepDevice, r.Event)
		if err != nil {
			return err
		}
		return addEventAndMails(tx, r.Event, r.Mail)
	})
	return revoked, wrapErr("remove factors", err)
}

// hasSecondFactor is a condition: the account has a factor of another kind than FactorRecoveryCode. Its parameters are both.
const hasSecondFactor = "EXISTS (SELECT 1 FROM factors AS strong WHERE strong.user_id = ? AND strong.kind <> ?)"

// factorsChanged counts a change of factors and ends what rested on those before. The caller has locked the user's row.
func factorsChanged(tx *gorm.DB, userID uuid.UUID, keep *uuid.UUID, e Event) (revoked int64, err error) {
	if err := countFactorsChange(tx, userID, e.At); err != nil {
		return 0, err
	}
	if err := endTrust(tx, userID); err != nil || keep == nil {
		return 0, err
	}
	reason := RevokedByOwner
	if e.Actor == ActorOperator {
		reason = RevokedByOperator
	}
	return revokeAll(tx, userID, *keep, e.At, e.Actor, reason)
}

// endTrust ends the trusted browsers and the open challenges of an account. Used challenges stay, so that none works twice. The caller
// has locked the user's row.
func endTrust(tx *gorm.DB, userID uuid.UUID) error { return endTrustBut(tx, userID, "") }

// endTrustBut is endTrust for all challenges but those of a purpose.
func endTrustBut(tx *gorm.DB, userID uuid.UUID, purpose string) error {
	if err := tx.Where("user_id = ?", userID).Delete(&TrustedBrowser{}).Error; err != nil {
		return err
	}
	return tx.Where("user_id = ? AND used_at IS NULL AND purpose <> ?", userID, purpose).Delete(&Challenge{}).Error
}

// endTrustWithPassword is endTrust for an account whose password is changed. Enrolment codes stay.
func endTrustWithPassword(tx *gorm.DB, userID uuid.UUID) error {
	if err := endTrustBut(tx, userID, EnrolPurpose); err != nil {
		return err
	}
	return forgetWrongCodes(tx, userID)
}

// RenameFactor gives a factor a name. The event's device name becomes that name, its detail the factor's kind. When the name is the
// same, nothing is written, not even the mail. RenameFactor returns ErrNotFound when the account has no such factor, ErrChanged when the account is
// disabled, and a LimitError past a limit of the event.
func (s *Store) RenameFactor(ctx context.Context, userID, id uuid.UUID, name string, e Event, mail MailWithLinks) error {
	return wrapErr("rename factor", s.tx(ctx, func(tx *gorm.DB) error {
		if err := lockVerifiedUser(tx, userID, "", "", e.At); err != nil {
			return err
		}
		var renamed []FactorKind
		err := tx.Raw("UPDATE factors SET name = ? WHERE user_id = ? AND id = ? AND name <> ? RETURNING kind", name, userID, id, name).Scan(&renamed).Error
		if err != nil {
			return err
		}
		if len(renamed) == 0 { // it has that name, or does not exist
			return tx.Where("user_id = ? AND id = ?", userID, id).Take(&Factor{}).Error
		}
		e.DeviceName, e.Detail = name, string(renamed[0])
		if err := addEvent(tx, e); err != nil {
			return err
		}
		return addMail(tx, mail)
	}))
}

// CountWrongCode counts a wrong code of the account's authenticator app and returns how many there were in a row. It returns
// ErrNotFound when the account has no such app.
func (s *Store) CountWrongCode(ctx context.Context, userID uuid.UUID, _ time.Time) (wrong int64, err error) {
	var rows []int64
	err = s.write(ctx, func(db *gorm.DB) error {
		return db.Raw("UPDATE factors SET wrong = wrong + 1 WHERE user_id = ? AND kind = ? RETURNING wrong", userID, FactorTOTP).Scan(&rows).Error
	})
	if err != nil || len(rows) == 0 {
		return 0, wrapErr("count wrong code", orRefuse(err, ErrNotFound))
	}
	return rows[0], nil
}

// forgetWrongCodes starts the count of wrong codes in a row from 0.
func forgetWrongCodes(tx *gorm.DB, userID uuid.UUID) error {
	return tx.Exec("UPDATE factors SET wrong = 0 WHERE user_id = ? AND kind = ? AND wrong > 0", userID, FactorTOTP).Error
}
