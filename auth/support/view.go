package support

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/models"
)

const (
	page     = 20              // rows of a list
	mostLive = 200             // live devices of a person that one page shows
	patience = 2 * time.Second // longest time of a search or a count
)

// audit writes the events of a search or a view before anything is read for it. If they cannot be written, nothing is shown.
func (s *Service) audit(ctx context.Context, events ...models.Event) error {
	err := s.store.AddEvents(ctx, events...)
	if errors.Is(err, models.ErrNotFound) {
		return errNoAccount // the account was deleted since
	}
	if err != nil {
		return &auth.Error{Kind: auth.KindUnavailable, RetryAfter: 5 * time.Second, Cause: err,
			Message: "Every search and every look is recorded, and this one could not be: so nothing is shown."}
	}
	return nil
}

// requireSupport returns KindNotFound unless the caller is support staff: for others these pages do not exist.
func requireSupport(by *browser.Session) error {
	if !by.Support() {
		return auth.Refuse(auth.KindNotFound, "This page doesn’t exist. Check the link and try again.")
	}
	return nil
}

// View names an account, and positions in its lists; "" is the beginning.
type View struct {
	ID     string
	Before string // cursor of the activity
	Ended  string // cursor of the ended devices
	Filter string // of the activity: see device.SupportFilter
	Reason string // for the look, in the words of the staff member; may be empty
	From   auth.Caller
}

// Account is what support sees of a person.
type Account struct {
	Person     models.FoundPerson
	Summary    Summary
	Live       []models.FoundDevice // most recently active first
	MoreLive   bool                 // there are more than these
	Ended      []models.FoundDevice // newest first
	MoreEnded  string               // cursor, "" on the last page
	Events     []models.Event       // newest first
	MoreEvents string
}

// ViewAccount returns an account to a member of the support staff. It first records the view in the activity of both; the person's
// does not show the member's IP address and user agent. Both keep the reason. It returns KindNotFound, KindInvalidRequest of the reason,
// KindRateLimited, or KindUnavailable if the view could not be recorded.
func (s *Service) ViewAccount(ctx context.Context, by *browser.Session, look View) (p Account, err error) {
	if err := requireSupport(by); err != nil {
		return p, err
	}
	id, ok := auth.ParseID(look.ID)
	if !ok {
		return p, errNoAccount
	}
	reason, problem := Reason(look.Reason)
	if problem != "" {
		return p, auth.InvalidField("reason", problem)
	}
	now := s.clock.Now()
	if p.Person, err = s.store.PersonByID(ctx, id, s.idle.Live(now)); err != nil {
		return Account{}, err
	}
	own := auth.NewEvent(models.EventSupportLooked, by.User.ID, look.From, now)
	own.Actor, own.ActorID, own.Detail = models.ActorSupport, uuid.NullUUID{UUID: by.User.ID, Valid: true}, id.String()
	theirs := auth.NewEvent(models.EventSeenBySupport, id, auth.Caller{}, now)
	theirs.Actor, theirs.ActorID = models.ActorSupport, own.ActorID
	own.Reason, theirs.Reason = reason, reason
	if err := s.stats.limit.admit(by.User.ID, now); err != nil {
		return Account{}, err
	}
	if err := s.audit(ctx, own, theirs); err != nil {
		return Account{}, err
	}
	return s.person(ctx, p, look, now)
}

var errNoAccount = &auth.Error{Kind: auth.KindNotFound, Message: "We can’t find this account."}

func (s *Service) person(ctx context.Context, p Account, look View, now time.Time) (Account, error) {
	ctx, cancel := context.WithTimeout(ctx, s.Patience)
	defer cancel()
	id, live := p.Person.ID, s.idle.Live(now)
	var err error
	if p.Summary, err = s.summary(ctx, p.Person, now); err != nil {
		return Account{}, err
	}
	if p.Live, err = s.store.RecentDevices(ctx, id, live, mostLive+1); err != nil {
		return Account{}, err
	}
	if len(p.Live) > mostLive {
		p.Live, p.MoreLive = p.Live[:mostLive], true
	}
	before, _ := auth.ParseID(look.Ended)
	if p.Ended, err = s.store.EndedDevices(ctx, id, before, live, page+1); err != nil {
		return Account{}, err
	}
	if len(p.Ended) > page {
		p.Ended = p.Ended[:page]
		p.MoreEnded = p.Ended[page-1].Device.ID.String()
	}
	if p.Events, p.MoreEvents, err = s.devices.EventsOf(ctx, id, look.Filter, look.Before); err != nil {
		return Account{}, err
	}
	return p, nil
}
