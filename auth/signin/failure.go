package signin

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/models"
)

// How many events of wrong passwords there are at most. Past it they share one, which counts them.
const (
	MaxFailureEvents = 10 // of one account in a window, each of those that it knows and that it does not
	UnknownSlots     = 16 // of all addresses without an account together, in an hour
	KeepFailures     = 90 * 24 * time.Hour
)

// LockedDetail marks a sign-in that failed with the right password, because that is locked.
const LockedDetail = "locked"

// recordFailure writes the event of a wrong password and then says that it was one.
func (s *Service) recordFailure(ctx context.Context, c *passwordCheck, kind models.EventKind, detail string) error {
	e := s.failureEvent(c, kind, detail)
	c.failed()
	err := s.gate.Query(ctx, func() error { return s.store.AddFailure(ctx, e) })
	if err != nil && !errors.Is(err, models.ErrNotFound) { // of an account deleted meanwhile nothing is kept
		return err
	}
	return auth.ErrBadCredentials
}

func (s *Service) failureEvent(c *passwordCheck, kind models.EventKind, detail string) models.Event {
	e := auth.NewEvent(kind, c.user.ID, c.from, s.clock.Now())
	e.Detail = detail
	if kind == models.EventSignInFailed {
		e.Actor = models.ActorSystem // nobody knows who it was
	}
	own := c.limits.Failures[len(c.limits.Failures)-1].Key // the account's counter
	if c.user.ID == uuid.Nil {
		// Nobody looks at these but to count them. Several rows in turn, so that failures at the same moment do not all wait for one.
		return s.shared(e, e.At.Truncate(time.Hour), []byte{own[0] % UnknownSlots})
	}
	for _, counted := range c.reserved {
		if bytes.Equal(counted.Key, own) && counted.Count > MaxFailureEvents {
			return s.shared(e, counted.WindowStart, own)
		}
	}
	return e
}

// shared makes an event of one that stands for all of its kind since a moment: its id follows from what they have in common, and
// where they came from is left out.
func (s *Service) shared(e models.Event, since time.Time, of []byte) models.Event {
	e.At, e.IP, e.UserAgent = since.UTC(), "", ""
	e.ID = models.NewID(e.At) // its time
	copy(e.ID[6:], s.limits.KeyedHash("failures", string(e.Kind), e.Detail, since.UTC().Format(time.RFC3339Nano), string(of)))
	e.ID[6], e.ID[8] = e.ID[6]&0x0f|0x70, e.ID[8]&0x3f|0x80 // RFC 9562 §5.7
	return e
}
