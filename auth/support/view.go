package support

import (
	"context"
	"errors"
	"slices"
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

	// lookSpan is how long the views of an account by one member, for one reason, share an event that counts them.
	lookSpan  = 15 * time.Minute
	mostEnded = 1000 // ended devices of a person that are read
)

// recorded judges the writing of the events of a search or a view, which comes before anything is read for it. If they could not be
// written, nothing is shown.
func recorded(err error) error {
	if errors.Is(err, models.ErrNotFound) {
		return ErrNoAccount // the account was deleted since
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
	Ended  string // the last ended device of the page before
	Device string // id of a device that must be on the page; may be empty
	Filter string // of the activity: see device.ActivityFilter
	Reason string // for the look, in the words of the staff member; may be empty
	From   auth.Caller
}

// Account is what support sees of a person.
type Account struct {
	Person     models.FoundPerson
	Summary    Summary
	Live       []models.FoundDevice // most recently active first
	MoreLive   bool                 // there are more than these
	Ended      []models.FoundDevice // the latest to end first
	AllEnded   int                  // how many there are on all pages
	MoreEnded  string               // cursor, "" on the last page
	Events     []models.Event       // newest first
	MoreEvents string
}

// ViewAccount returns an account to a member of the support staff. It first records the view in the activity of both; the person's
// does not show the member's IP address and user agent. Both keep the reason. Views within lookSpan that would write the same events
// are counted in those of the first one. It returns KindNotFound, KindInvalidRequest of the reason,
// KindRateLimited, or KindUnavailable if the view could not be recorded.
func (s *Service) ViewAccount(ctx context.Context, by *browser.Session, look View) (p Account, err error) {
	if err := requireSupport(by); err != nil {
		return p, err
	}
	id, ok := auth.ParseID(look.ID)
	if !ok {
		return p, ErrNoAccount
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
	if err := s.acts.admit(by.User.ID, now); err != nil {
		return Account{}, err
	}
	if err := recorded(s.store.AddOrCount(ctx, now.Add(-lookSpan), own, theirs)); err != nil {
		return Account{}, err
	}
	return s.person(ctx, p, look, now)
}

// ErrNoAccount says that an account does not exist, or does not any more.
var ErrNoAccount = &auth.Error{Kind: auth.KindNotFound, Message: "We can’t find this account."}

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
	ended, err := s.store.EndedDevices(ctx, id, live, mostEnded)
	if err != nil {
		return Account{}, err
	}
	p.AllEnded = len(ended)
	for _, d := range slices.Concat(p.Live, ended) {
		if last := p.Summary.LastSignIn; last != nil && last.DeviceID.UUID == d.Device.ID {
			p.Summary.LastMethod = d.Device.SignedInBy
		}
	}
	p.Ended, p.MoreEnded = endedPage(ended, look)
	if p.Events, p.MoreEvents, err = s.devices.EventsOf(ctx, id, look.Filter, look.Before); err != nil {
		return Account{}, err
	}
	return p, nil
}

// endedPage is a page of the ended devices, and the cursor of the next one: the page after a device, or else the page with the device
// that the view is about, or else the first one.
func endedPage(all []models.FoundDevice, look View) (list []models.FoundDevice, more string) {
	at := func(id string) int {
		return slices.IndexFunc(all, func(d models.FoundDevice) bool { return d.Device.ID.String() == id })
	}
	from := at(look.Ended) + 1
	if wanted := at(look.Device); look.Ended == "" && wanted >= 0 {
		from = wanted - wanted%page
	}
	list = all[from:]
	if len(list) <= page {
		return list, ""
	}
	return list[:page], list[page-1].Device.ID.String()
}
