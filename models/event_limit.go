package models

import (
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
)

// ErrLimit is what a LimitError is.
var ErrLimit = errors.New("done too often")

// LimitError says that an account did something as often as it may; nothing was changed.
type LimitError struct {
	Wait time.Duration // until it may do so once more
}

func (e *LimitError) Error() string { return fmt.Sprintf("%v, for another %v", ErrLimit, e.Wait) }

// Unwrap makes it an ErrLimit.
func (e *LimitError) Unwrap() error { return ErrLimit }

// EventLimit bounds how often an account may do what writes an event of one kind, in any span of the given length. The events themselves are
// counted, so there is no counter that could be lost or that another account could fill.
type EventLimit struct {
	OfDevice bool // only those of the event's device
	Most     int
	Within   time.Duration
}

// together is how much later an event may be dated that counts all the same: a request gets its time before it waits for others,
// and replicas' clocks differ.
const together = time.Minute

// refuse returns a LimitError when the event would be one too many. The count is exact while the caller holds the user's row. An event
// dated long after the given one, by a clock that was ahead, does not count.
func (l EventLimit) refuse(tx *gorm.DB, e Event) error {
	at := dbTime(e.At)
	q := tx.Model(&Event{}).Where("user_id = ? AND kind = ? AND at > ? AND at <= ?", e.UserID, e.Kind, at.Add(-l.Within), at.Add(together))
	if l.OfDevice {
		q = q.Where("device_id = ?", e.DeviceID)
	}
	var oldest []Event // of as many as there may be
	err := q.Select("at").Order("at DESC").Offset(l.Most - 1).Limit(1).Find(&oldest).Error
	if err != nil || len(oldest) == 0 {
		return err
	}
	return &LimitError{Wait: min(oldest[0].At.Add(l.Within).Sub(at), l.Within)}
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
