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

// NotMeDone is what the answer "This wasn't me" has done.
type NotMeDone struct {
	Revoked int64 // devices
	Factors FactorsGone
}

// EveryDevice is the prefix of the subject of a link about all devices of its account. The rest of the subject tells such links
// apart.
const EveryDevice = "all "

// EveryDeviceAndCodes is the prefix of the subject of such a link that also removes the recovery codes that were made since. Releases
// that do not know it take it for EveryDevice.
const EveryDeviceAndCodes = EveryDevice + "codes "

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

// ReportNotMe consumes the link, locks the account's password, revokes devices and removes factors. Depending on the link these are one
// device and all that signed in after it, all that signed in since a certain time, or all devices; the factors are those that were
// added since the sign-in, the time or the mail that the link is about. A link about a factor removes that factor and every later one,
// and revokes the devices that signed in since. The account loses its known origins, trusted browsers, open challenges, links for a new
// address, and ways back to addresses later than the present one. ReportNotMe changes nothing and
// returns ErrNotFound when the link is used or expired, when it went to an address that the account can no longer take back, and
// when the account is deleted or disabled.
func (s *Store) ReportNotMe(ctx context.Context, r NotMeReport) (done NotMeDone, err error) {
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
		since, err := scopeOf(tx, link)
		if err != nil {
			return err
		}
		if done.Revoked, err = since.revoke(tx, link.UserID, &e); err != nil {
			return err
		}
		if done.Factors, err = expelFactors(tx, link.UserID, e, since.factors()...); err != nil {
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
	return done, wrapErr("report not me", err)
}

// notMeScope is what a link "This wasn't me" is about: everything since a moment.
type notMeScope struct {
	since  moment
	every  bool    // all devices are signed out, those before since, too
	device *Device // the one that the link is about; nil: none
	factor bool    // the link is about a factor
	codes  bool    // of a link about every device: recovery codes that were made since then go even when an older factor confirmed them
}

// scopeOf finds out what a link is about. It returns ErrNotFound for a subject of a later release.
func scopeOf(tx *gorm.DB, link OneTime) (s notMeScope, err error) {
	s = notMeScope{since: moment{at: link.CreatedAt}, every: strings.HasPrefix(link.Subject, EveryDevice), codes: strings.HasPrefix(link.Subject, EveryDeviceAndCodes)}
	if s.every {
		return s, nil
	}
	if since, ok := SubjectSince(link.Subject); ok {
		s.since.at = since
		return s, nil
	}
	if id, ok := SubjectFactor(link.Subject); ok {
		s.factor = true
		var found []Factor
		if err := tx.Where("user_id = ? AND id = ?", link.UserID, id).Limit(1).Find(&found).Error; err != nil {
			return s, err
		}
		if len(found) > 0 { // otherwise it was removed: by then the mail about it was written
			s.since = moment{found[0].Seq, found[0].Since}
		}
		return s, nil
	}
	id, err := uuid.Parse(link.Subject)
	if err != nil {
		return s, ErrNotFound
	}
	var rows []Device
	if err := tx.Where("user_id = ? AND id = ?", link.UserID, id).Limit(1).Find(&rows).Error; err != nil {
		return s, err
	}
	if len(rows) == 0 { // pruned: a thief may have signed in and out until the first device was gone; revoke the later ones too
		s.every = true
		return s, nil
	}
	s.device, s.since = &rows[0], rows[0].moment()
	return s, nil
}

// factors are the factors that go.
func (s notMeScope) factors() []rowCondition {
	switch {
	case s.codes:
		return []rowCondition{addedSince(s.since.at), codesMadeSince(s.since.at)}
	case s.every, s.factor:
		return []rowCondition{addedSince(s.since.at)}
	}
	return []rowCondition{s.since.factors()}
}

// revoke revokes the devices that the link is about. The event names the device, if the link is about one. The event's detail is
// how many other devices were signed out; it stays empty when every device was.
func (s notMeScope) revoke(tx *gorm.DB, userID uuid.UUID, e *Event) (int64, error) {
	if s.every {
		return revokeAll(tx, userID, uuid.Nil, e.At, e.Actor, RevokedByNotMe)
	}
	which := s.since.devices()       // the thief may have signed in again from the same origin, which causes no mail
	if s.factor && s.since.seq > 0 { // the session that added it may have signed in at the very same time
		which = rowCondition{"(seq >= ? OR created_at >= ?)", []any{s.since.seq, dbTime(s.since.at)}}
	}
	rows, err := revoke(tx, noticeColumns, revocation{e.At, e.Actor, RevokedByNotMe}, userID, which.sql, which.args...)
	if err == nil {
		err = endConsents(tx, userID) // the thief may have given some
	}
	others := int64(len(rows))
	if s.device != nil {
		e.DeviceID, e.DeviceName = uuid.NullUUID{UUID: s.device.ID, Valid: true}, s.device.Name
		if s.device.RevokedAt == nil {
			others--
		}
	}
	e.Detail = strconv.FormatInt(max(0, others), 10)
	return int64(len(rows)), err
}
