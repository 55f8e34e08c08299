package passwordcheck

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/models"
)

// Limits on the events of wrong passwords. Past them, failures share one event, which counts them.
const (
	MaxFailureEvents = 10 // of one account in a window, for origins that it knows and for others each
	UnknownSlots     = 16 // of all addresses without an account together, in an hour
	KeepFailures     = 90 * 24 * time.Hour
)

// LockedDetail marks a failed sign-in with the right password while the password was locked.
const LockedDetail = "locked"

// recordFailure writes the event of a wrong password and returns auth.ErrBadCredentials.
func (s *Service) recordFailure(ctx context.Context, c *Check, kind models.EventKind, detail string) error {
	e := s.failureEvent(c, kind, detail)
	c.failed()
	err := s.gate.Query(ctx, func() error { return s.store.AddFailure(ctx, e) })
	if err != nil && !errors.Is(err, models.ErrNotFound) { // the account may have been deleted since: then nothing is kept
		return err
	}
	return auth.About(c.user.ID, auth.ErrBadCredentials)
}

func (s *Service) failureEvent(c *Check, kind models.EventKind, detail string) models.Event {
	e := auth.NewEvent(kind, c.user.ID, c.from, s.clock.Now())
	e.Detail = detail
	if kind == models.EventSignInFailed {
		e.Actor = models.ActorSystem // the person is unknown
	}
	own := c.limits.Failures[len(c.limits.Failures)-1].Key // the account's counter
	if c.user.ID == uuid.Nil {
		// These events are only counted. They are spread over several rows, so that simultaneous failures do not all wait for one
		// row.
		return s.shared(e, e.At.Truncate(time.Hour), []byte{own[0] % UnknownSlots})
	}
	for _, counted := range c.reserved {
		if bytes.Equal(counted.Key, own) && counted.Count > MaxFailureEvents {
			return s.shared(e, counted.WindowStart, own)
		}
	}
	return e
}

// shared turns e into an event that stands for all of its kind since a time. Its id is derived from what they have in common; it
// tells no IP address and no user agent. That of an account has the time of the first: the operator's systems read events by their times, and
// would not see one that is written among those of before.
func (s *Service) shared(e models.Event, since time.Time, of []byte) models.Event {
	e.IP, e.UserAgent = "", ""
	if e.UserID == uuid.Nil {
		e.At = since.UTC()
	}
	e.ID = models.NewID(since.UTC())
	copy(e.ID[6:], s.limits.KeyedHash("failures", string(e.Kind), e.Detail, since.UTC().Format(time.RFC3339Nano), string(of)))
	e.ID[6], e.ID[8] = e.ID[6]&0x0f|0x70, e.ID[8]&0x3f|0x80 // RFC 9562 §5.7
	return e
}
