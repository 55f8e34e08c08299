package models

import (
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
)

// ErrLimit says that an account did something too often. Errors of this kind are of type *LimitError.
var ErrLimit = errors.New("done too often")

// LimitError says that an account has done something as often as it may. Nothing was changed. It wraps ErrLimit.
type LimitError struct {
	Kind EventKind     // of the event that would have been one too many
	Wait time.Duration // until the account may do it again
}

func (e *LimitError) Error() string { return fmt.Sprintf("%v, for another %v", ErrLimit, e.Wait) }

// Unwrap returns ErrLimit.
func (e *LimitError) Unwrap() error { return ErrLimit }

// EventLimit bounds how often an account may cause events of one kind within any span of the given length. The events themselves
// are counted, so there is no counter that can get lost or that another account can fill.
type EventLimit struct {
	OfDevice bool // count only the events of the same device
	Most     int  // at least 1
	Within   time.Duration
	// AfterNewPassword is how many more acts each new password allows. Otherwise a thief could use up the owner's limit. A new
	// password is an event of one of the kinds in NewPassword.
	AfterNewPassword int
	NewPassword      []EventKind
}

// maxCountedResets is how many new passwords of a day that were set by mail or by an operator let an account begin again.
const maxCountedResets = 20

// eventClockError is how much later than the new event an event may be dated and still count. A request takes its time before it
// waits for other requests, and the clocks of replicas differ.
const eventClockError = time.Minute

// refuse returns a LimitError when the event would exceed the limit. The count is exact while the caller has the user's row locked.
// An event dated more than eventClockError later comes from a wrong clock and does not count.
func (l EventLimit) refuse(tx *gorm.DB, e Event) error {
	at := dbTime(e.At)
	q := tx.Model(&Event{}).Where("user_id = ? AND kind = ? AND at > ? AND at <= ?", e.UserID, e.Kind, at.Add(-l.Within), at.Add(eventClockError))
	if l.OfDevice {
		q = q.Where("device_id = ?", e.DeviceID)
	}
	var oldest []Event // the oldest of the last l.Most events, if there are so many
	err := q.Session(&gorm.Session{}).Select("at").Order("at DESC").Offset(l.Most - 1).Limit(1).Find(&oldest).Error
	if err != nil || len(oldest) == 0 {
		return err
	}
	if again, err := l.afresh(tx, q, e); err != nil || again {
		return err
	}
	return &LimitError{Kind: e.Kind, Wait: min(oldest[0].At.Add(l.Within).Sub(at), l.Within)}
}

// afresh tells whether an event past the limit is one of those that a new password allows. since are the events that count.
func (l EventLimit) afresh(tx, since *gorm.DB, e Event) (bool, error) {
	if l.AfterNewPassword == 0 {
		return false, nil
	}
	at := dbTime(e.At)
	var set []Event
	err := tx.Model(&Event{}).Where("user_id = ? AND kind IN ? AND at > ? AND at <= ?", e.UserID, l.NewPassword, at.Add(-24*time.Hour), at.Add(eventClockError)).
		Select("kind, at").Order("at DESC").Limit(1000).Find(&set).Error
	if err != nil || len(set) == 0 {
		return false, err
	}
	resets, atOnce := 0, 0
	for _, p := range set {
		if p.Kind == EventPasswordReset {
			resets++
		}
		if p.At.Equal(set[0].At) {
			atOnce++
		}
	}
	if resets > maxCountedResets {
		return false, nil
	}
	var n struct{ AtOnce, Later int }
	err = since.Session(&gorm.Session{}).Select("count(CASE WHEN at = ? THEN 1 END) AS at_once, count(CASE WHEN at > ? THEN 1 END) AS later", set[0].At, set[0].At).Scan(&n).Error
	// Of the moment itself as many may have been done before each of its passwords as the account may.
	return n.Later+max(0, n.AtOnce-l.Most*atOnce) < l.AfterNewPassword, err
}

// withinLimits returns a LimitError when one of an event's limits is reached.
func withinLimits(tx *gorm.DB, e Event) error {
	for _, l := range e.Limits {
		if err := l.refuse(tx, e); err != nil {
			return err
		}
	}
	return nil
}
