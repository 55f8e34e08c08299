package auth

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"latchkey/models"
)

const (
	supportIdle   = 30 * time.Minute // browsers of the support staff, where LATCHKEY_BROWSER_IDLE is not shorter
	supportPage   = 20               // rows of a list
	supportLive   = 200              // live devices that one page shows of a person
	supportWithin = 2 * time.Second  // a search or a count that takes longer is given up
)

// Support tells whether this is a member of the support staff. The users row decided it with this request.
func (by *Session) Support() bool { return by.User.Role == models.RoleSupport }

// record writes the events of a search or a look, before anything is read for it. What cannot be recorded is not
// shown, whatever the reason.
func (s *Service) record(ctx context.Context, events ...models.Event) error {
	err := s.store.AddEvents(ctx, events...)
	if errors.Is(err, models.ErrNotFound) {
		return errNobody // deleted meanwhile
	}
	if err != nil {
		return &Error{Kind: KindUnavailable, RetryAfter: 5 * time.Second, Cause: err,
			Message: "Every search and every look is recorded, and this one could not be: so nothing is shown."}
	}
	return nil
}

// mayLook refuses everybody but the support staff with KindNotFound: for others there is nothing here.
func mayLook(by *Session) error {
	if !by.Support() {
		return refuse(KindNotFound, "There is no such page.")
	}
	return nil
}

// SupportLook names an account and the places in its lists ("" begins each).
type SupportLook struct {
	ID     string
	Before string // cursor of the activity
	Ended  string // cursor of the ended devices
	From   Caller
}

// SupportPerson is what support sees of a person.
type SupportPerson struct {
	Person     models.FoundPerson
	Live       []models.FoundDevice // newest activity first
	MoreLive   bool                 // there are more than are shown
	Ended      []models.FoundDevice // newest first
	MoreEnded  string               // cursor, "" on the last page
	Events     []models.Event       // newest first
	MoreEvents string
}

// LookAt shows an account to a member of the support staff, once the look stands in the activity of both: in the
// person's without the address and the user agent of whoever looked.
func (s *Service) LookAt(ctx context.Context, by *Session, look SupportLook) (p SupportPerson, err error) {
	if err := mayLook(by); err != nil {
		return p, err
	}
	id, ok := parseID(look.ID)
	if !ok {
		return p, errNobody
	}
	now := s.now()
	if p.Person, err = s.store.PersonByID(ctx, id, s.live(now)); err != nil {
		return SupportPerson{}, err
	}
	own := s.event(models.EventSupportLooked, by.User.ID, look.From, now)
	own.Actor, own.ActorID, own.Detail = models.ActorSupport, uuid.NullUUID{UUID: by.User.ID, Valid: true}, id.String()
	theirs := s.event(models.EventSeenBySupport, id, Caller{}, now)
	theirs.Actor, theirs.ActorID = models.ActorSupport, own.ActorID
	if err := s.desk.limit.admit(by.User.ID, now); err != nil {
		return SupportPerson{}, err
	}
	if err := s.record(ctx, own, theirs); err != nil {
		return SupportPerson{}, err
	}
	return s.person(ctx, p, look, now)
}

var errNobody = &Error{Kind: KindNotFound, Message: "There is no such account."}

func (s *Service) person(ctx context.Context, p SupportPerson, look SupportLook, now time.Time) (SupportPerson, error) {
	ctx, cancel := context.WithTimeout(ctx, s.desk.within)
	defer cancel()
	id, live := p.Person.ID, s.live(now)
	var err error
	if p.Live, err = s.store.RecentDevices(ctx, id, live, supportLive+1); err != nil {
		return SupportPerson{}, err
	}
	if len(p.Live) > supportLive {
		p.Live, p.MoreLive = p.Live[:supportLive], true
	}
	before, _ := parseID(look.Ended)
	if p.Ended, err = s.store.EndedDevices(ctx, id, before, live, supportPage+1); err != nil {
		return SupportPerson{}, err
	}
	if len(p.Ended) > supportPage {
		p.Ended = p.Ended[:supportPage]
		p.MoreEnded = p.Ended[supportPage-1].Device.ID.String()
	}
	if p.Events, p.MoreEvents, err = s.eventsOf(ctx, id, "", look.Before); err != nil {
		return SupportPerson{}, err
	}
	return p, nil
}

// browserIdle is how long a browser of somebody with this role may go unseen.
func (s *Service) browserIdle(role string) time.Duration {
	if role == models.RoleSupport {
		return min(s.BrowserIdle, supportIdle)
	}
	return s.BrowserIdle
}

// parseID reads a UUID in its one usual form.
func parseID(s string) (uuid.UUID, bool) {
	id, err := uuid.Parse(s)
	return id, err == nil && len(s) == 36
}
