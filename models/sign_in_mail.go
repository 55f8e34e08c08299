package models

import (
	"context"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// SignInAlert makes the mails about sign-ins that the owner should know of. After three such mails within Every, one summary covers
// the sign-ins that follow. Otherwise a thief with the password could hide the important mail among a hundred others.
type SignInAlert struct {
	Single  func(Device) MailWithLinks                    // makes the mail about one sign-in
	Summary func(d Device, since time.Time) MailWithLinks // makes the mail about all sign-ins since a time; its Mail.NextAt says when it is sent
	Every   time.Duration
	Always  bool // also about the first sign-in, and from a browser that the account knows
}

// addSignInMail writes the mail about a sign-in, or makes sure that a summary covers it. The caller has locked the user's row.
func addSignInMail(tx *gorm.DB, d Device, alert SignInAlert) error {
	var rows []struct {
		Since  *time.Time
		MailID uuid.NullUUID
	}
	at, hour := dbTime(d.CreatedAt), dbTime(d.CreatedAt.Add(-alert.Every))
	// A time in the future comes from a clock that was ahead and does not count.
	err := tx.Raw(`INSERT INTO sign_in_mails (user_id, last_at) VALUES (?, ?) ON CONFLICT (user_id) DO UPDATE SET
		since = CASE WHEN sign_in_mails.at3 > ? AND sign_in_mails.at3 <= excluded.last_at THEN coalesce(sign_in_mails.since, sign_in_mails.at3) END,
		at3 = sign_in_mails.at2, at2 = sign_in_mails.last_at, last_at = excluded.last_at
		RETURNING since, mail_id`, d.UserID, at, hour).Scan(&rows).Error
	if err != nil || len(rows) == 0 {
		return err
	}
	if rows[0].Since == nil {
		return addMail(tx, alert.Single(d))
	}
	// A waiting summary covers this sign-in too, because its list is read when it is sent. The UPDATE locks the mail's row: a
	// replica that claims the mail now waits until this sign-in is committed.
	var waits []uuid.UUID
	err = tx.Raw("UPDATE mails SET next_at = next_at WHERE id = ? AND tries = 0 RETURNING id", rows[0].MailID).Scan(&waits).Error
	if err != nil || len(waits) > 0 {
		return err
	}
	n := alert.Summary(d, *rows[0].Since)
	if n.Mail == nil {
		return nil
	}
	// A summary that was tried before has a shorter list. Replace it.
	if err := tx.Exec("DELETE FROM mails WHERE id = ?", rows[0].MailID).Error; err != nil {
		return err
	}
	if err := addMail(tx, n); err != nil {
		return err
	}
	return tx.Exec("UPDATE sign_in_mails SET mail_id = ? WHERE user_id = ?", n.Mail.ID, d.UserID).Error
}

// DevicesSince lists the first limit devices that signed in at since or later, oldest first, and counts all of them.
func (s *Store) DevicesSince(ctx context.Context, userID uuid.UUID, since time.Time, limit int) (list []Device, total int64, err error) {
	q := func() *gorm.DB {
		return s.read(ctx).Model(&Device{}).Where("user_id = ? AND created_at >= ?", userID, dbTime(since))
	}
	if err = q().Order("created_at, id").Limit(limit).Find(&list).Error; err == nil {
		err = q().Count(&total).Error
	}
	return list, total, wrapErr("list sign-ins", err)
}
