package models

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// NotMeReport is the owner's answer to a mail about a sign-in: "This wasn't me".
type NotMeReport struct {
	Purpose string
	Hash    []byte // of the link's secret
	At      time.Time
	// Event is the event of the locked password. ReportNotMe fills in its user and device.
	Event Event
}

// EveryDevice is the prefix of the subject of a link about all devices of its account. The rest of the subject tells such links
// apart.
const EveryDevice = "all "

// factorPrefix is the prefix of the subjects that FactorSubject makes. It is stored.
const factorPrefix = "factor "

// FactorSubject returns the subject of a link about a factor and everything that was added since.
func FactorSubject(id uuid.UUID) string { return factorPrefix + id.String() }

// SubjectFactor returns the factor in a subject that FactorSubject made, and false for any other subject.
func SubjectFactor(subject string) (id uuid.UUID, ok bool) {
	text, ok := strings.CutPrefix(subject, factorPrefix)
	if !ok {
		return id, false
	}
	id, err := uuid.Parse(text)
	return id, err == nil
}

// sincePrefix is the prefix of the subjects that DevicesFrom makes. It is stored.
const sincePrefix = "since "

// DevicesFrom returns the subject of a link about all devices that signed in at the given time or later. apart tells such links
// apart.
func DevicesFrom(at time.Time, apart string) string {
	return sincePrefix + dbTime(at).Format(time.RFC3339Nano) + " " + apart
}

// SubjectSince returns the time in a subject that DevicesFrom made, and false for any other subject.
func SubjectSince(subject string) (at time.Time, ok bool) {
	text, ok := strings.CutPrefix(subject, sincePrefix)
	if !ok {
		return at, false
	}
	text, _, _ = strings.Cut(text, " ")
	at, err := time.Parse(time.RFC3339Nano, text)
	return at, err == nil
}

// ReportNotMe consumes the link, locks the account's password and returns how many devices it revoked. Depending on the link these
// are one device and all that signed in after it, all that signed in since a certain time, or all devices. The account loses its
// known origins, trusted browsers, open challenges, links for a new address, and ways back to addresses later than the present one. ReportNotMe changes nothing and
// returns ErrNotFound when the link is used or expired, when it went to an address that the account can no longer take back, and
// when the account is deleted or disabled.
func (s *Store) ReportNotMe(ctx context.Context, r NotMeReport) (revoked int64, err error) {
	err = s.tx(ctx, func(tx *gorm.DB) error {
		var link OneTime
		if err := tx.Where("purpose = ? AND hash = ? AND expires_at > ? AND used_at IS NULL", r.Purpose, r.Hash, dbTime(r.At)).Take(&link).Error; err != nil {
			return err
		}
		at := dbTime(r.At) // lock the users row first, as every transaction that ends links does
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
		if err := endTrust(tx, link.UserID); err != nil {
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
	return revoked, wrapErr("report not me", err)
}

// revokeNotMe revokes the devices that the link is about. The event names the device, if the link is about one. The event's detail is
// how many other devices were signed out; it stays empty when every device was.
func revokeNotMe(tx *gorm.DB, link OneTime, e *Event) (int64, error) {
	if strings.HasPrefix(link.Subject, EveryDevice) {
		return revokeAll(tx, link.UserID, uuid.Nil, e.At, e.Actor, RevokedByNotMe)
	}
	if since, ok := SubjectSince(link.Subject); ok {
		done := tx.Exec(`UPDATE devices SET revoked_at = ?, revoked_by = ?, revoke_reason = ? WHERE user_id = ? AND created_at >= ? AND revoked_at IS NULL`,
			dbTime(e.At), e.Actor, RevokedByNotMe, link.UserID, dbTime(since))
		e.Detail = strconv.FormatInt(done.RowsAffected, 10)
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
	if len(rows) == 0 { // pruned: a thief may have signed in and out until the first device was gone; revoke the later ones too
		return revokeAll(tx, link.UserID, uuid.Nil, e.At, e.Actor, RevokedByNotMe)
	}
	e.DeviceID, e.DeviceName = uuid.NullUUID{UUID: id, Valid: true}, rows[0].Name
	// The thief may have signed in again from the same origin, which causes no mail.
	done := tx.Exec(`UPDATE devices SET revoked_at = ?, revoked_by = ?, revoke_reason = ? WHERE user_id = ? AND (id = ? OR created_at > ?) AND revoked_at IS NULL`,
		dbTime(e.At), e.Actor, RevokedByNotMe, link.UserID, id, rows[0].CreatedAt)
	others := done.RowsAffected
	if rows[0].RevokedAt == nil {
		others--
	}
	e.Detail = strconv.FormatInt(max(0, others), 10)
	return done.RowsAffected, done.Error
}
