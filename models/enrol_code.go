package models

import (
	"context"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// EnrolPurpose is the purpose of a challenge whose answer is a code that lets its account add its first factor. The challenge's hash is
// that of the code. A change of the password does not end it: a generated password must be changed before the code is used.
const EnrolPurpose = "enrol"

// AddEnrolCode writes a code and the mail with it. Earlier codes stay good. It returns ErrChanged when the account is disabled.
func (s *Store) AddEnrolCode(ctx context.Context, c Challenge, mail MailWithLinks) error {
	return wrapErr("add enrolment code", s.tx(ctx, func(tx *gorm.DB) error {
		if err := lockVerifiedUser(tx, c.UserID, "", "", c.CreatedAt); err != nil {
			return err
		}
		if err := addEnrolCode(tx, c); err != nil {
			return err
		}
		return addMail(tx, mail)
	}))
}

func addEnrolCode(tx *gorm.DB, c Challenge) error {
	c.Purpose, c.CreatedAt, c.ExpiresAt = EnrolPurpose, dbTime(c.CreatedAt), dbTime(c.ExpiresAt)
	c.Data, c.Answer = nonNil(c.Data), nonNil(c.Answer)
	return tx.Create(&c).Error
}

// TryEnrolCodes counts an attempt against every code of an account that is good, and returns the hashes of those codes. A code that had
// most attempts before is not among them. The caller compares the one that was typed.
func (s *Store) TryEnrolCodes(ctx context.Context, userID uuid.UUID, at time.Time, most int64) (hashes [][]byte, err error) {
	var rows []Challenge
	err = s.write(ctx, func(db *gorm.DB) error {
		return db.Raw(`UPDATE challenges SET attempts = attempts + 1
			WHERE user_id = ? AND purpose = ? AND used_at IS NULL AND expires_at > ? AND attempts < ? RETURNING hash`,
			userID, EnrolPurpose, dbTime(at), most).Scan(&rows).Error
	})
	for _, c := range rows {
		hashes = append(hashes, c.Hash)
	}
	return hashes, wrapErr("try enrolment codes", err)
}

// FactorReset removes everything beside the password that an account signs in with.
type FactorReset struct {
	UserID uuid.UUID
	At     time.Time
	Event  Event         // written when there was something to remove
	Mail   MailWithLinks // likewise
	Code   *Challenge    // an enrolment code; nil: none
}

// ResetFactors removes all factors, trusted browsers and open challenges of an account in any state. It returns what there was. Its
// devices stay signed in. It returns ErrNotFound for an unknown account.
func (s *Store) ResetFactors(ctx context.Context, r FactorReset) (gone FactorsGone, browsers int64, err error) {
	err = s.tx(ctx, func(tx *gorm.DB) error {
		if err := lockExistingUsers(tx, r.UserID); err != nil {
			return err
		}
		if gone, err = deleteFactors(tx, r.UserID, rowCondition{sql: "1 = 1"}); err != nil {
			return err
		}
		done := tx.Where("user_id = ?", r.UserID).Delete(&TrustedBrowser{})
		if browsers = done.RowsAffected; done.Error != nil {
			return done.Error
		}
		if err := endTrust(tx, r.UserID); err != nil {
			return err
		}
		if err := countFactorsChange(tx, r.UserID, r.At); err != nil {
			return err
		}
		if r.Code != nil {
			if err := addEnrolCode(tx, *r.Code); err != nil {
				return err
			}
		}
		if gone.None() && browsers == 0 {
			return nil
		}
		return addEventAndMails(tx, r.Event, r.Mail)
	})
	return gone, browsers, wrapErr("reset factors", err)
}
