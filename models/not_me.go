package models

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// Alarm is the owner's answer to a mail: "This wasn't me".
type NotMeReport struct {
	Purpose string
	Hash    []byte // of the link's secret
	At      time.Time
	// Event becomes that of the lock, its user filled in here; RevokeReason of what is signed out is RevokedByAlarm.
	Event Event
}

// EveryDevice begins the subject of a link that is about all devices of its account; what follows tells such links apart.
const EveryDevice = "all "

// sincePrefix begins the subject of a link that is about all devices that signed in at a moment or later.
const sincePrefix = "since "

// DevicesFrom is the subject of a link about all devices that signed in at a moment or later; what tells such links apart follows it.
func DevicesFrom(at time.Time, apart string) string {
	return sincePrefix + dbTime(at).Format(time.RFC3339Nano) + " " + apart
}

// SubjectSince reads a subject that DevicesFrom made.
func SubjectSince(subject string) (at time.Time, ok bool) {
	text, ok := strings.CutPrefix(subject, sincePrefix)
	if !ok {
		return at, false
	}
	text, _, _ = strings.Cut(text, " ")
	at, err := time.Parse(time.RFC3339Nano, text)
	return at, err == nil
}

// ReportNotMe uses the link up, locks the password of its account and revokes the device that the link is about and
// all that signed in after it, or all that signed in since a moment, or every device. The account is at home nowhere any more,
// and ways back to later addresses than the present one end. It returns ErrNotFound, and changes nothing, when the link is used
// or expired, went to an address that the account has left for good, or the account is gone or disabled.
func (s *Store) ReportNotMe(ctx context.Context, r NotMeReport) (revoked int64, err error) {
	err = s.tx(ctx, func(tx *gorm.DB) error {
		var link OneTime
		if err := tx.Where("purpose = ? AND hash = ? AND expires_at > ? AND used_at IS NULL", r.Purpose, r.Hash, dbTime(r.At)).Take(&link).Error; err != nil {
			return err
		}
		at := dbTime(r.At) // the users row first, as everywhere: whoever ends the link holds that row
		var keys []string
		err := tx.Raw("UPDATE users SET locked_at = ?, updated_at = ? WHERE id = ? AND disabled_at IS NULL RETURNING email_key", at, at, link.UserID).Scan(&keys).Error
		if err != nil || len(keys) == 0 {
			return orRefuse(err, ErrNotFound)
		}
		if ok, err := linkReaches(tx, link, keys[0], r.At); err != nil || !ok {
			return orRefuse(err, ErrNotFound)
		}
		if _, err := consumeOneTime(tx, r.Purpose, r.Hash, r.At); err != nil {
			return err
		}
		e := r.Event
		e.UserID = link.UserID
		if revoked, err = revokeNotMe(tx, link, &e); err != nil {
			return err
		}
		if err := forgetKnownOrigins(tx, link.UserID); err != nil {
			return err
		}
		if err := dropLinks(tx, link.UserID, EmailLink); err != nil {
			return err
		}
		if _, err := endLaterWays(tx, link.UserID, r.At); err != nil {
			return err
		}
		return addEvent(tx, e)
	})
	return revoked, wrapErr("answer alarm", err)
}

// revokeNotMe revokes what the link is about, and names the device in the event.
func revokeNotMe(tx *gorm.DB, link OneTime, e *Event) (int64, error) {
	if strings.HasPrefix(link.Subject, EveryDevice) {
		return revokeAll(tx, link.UserID, uuid.Nil, e.At, e.Actor, RevokedByAlarm)
	}
	if since, ok := SubjectSince(link.Subject); ok {
		done := tx.Exec(`UPDATE devices SET revoked_at = ?, revoked_by = ?, revoke_reason = ? WHERE user_id = ? AND created_at >= ? AND revoked_at IS NULL`,
			dbTime(e.At), e.Actor, RevokedByAlarm, link.UserID, dbTime(since))
		return done.RowsAffected, done.Error
	}
	id, err := uuid.Parse(link.Subject)
	if err != nil {
		return 0, ErrNotFound
	}
	var rows []Device
	if err := tx.Where("user_id = ? AND id = ?", link.UserID, id).Limit(1).Find(&rows).Error; err != nil {
		return 0, err
	}
	if len(rows) == 0 { // pruned: a thief who signs in and out until the first device is gone must not keep the later ones
		return revokeAll(tx, link.UserID, uuid.Nil, e.At, e.Actor, RevokedByAlarm)
	}
	e.DeviceID, e.DeviceName = uuid.NullUUID{UUID: id, Valid: true}, rows[0].Name
	// Whoever signed in there may have signed in again from the same place, which is told to nobody.
	done := tx.Exec(`UPDATE devices SET revoked_at = ?, revoked_by = ?, revoke_reason = ? WHERE user_id = ? AND (id = ? OR created_at > ?) AND revoked_at IS NULL`,
		dbTime(e.At), e.Actor, RevokedByAlarm, link.UserID, id, rows[0].CreatedAt)
	return done.RowsAffected, done.Error
}
