package support

import (
	"context"
	"errors"
	"slices"
	"time"

	"latchkey/auth/challenge"
	"latchkey/auth/device"
	"latchkey/models"
)

// WarningDays is over how many days a summary counts warnings.
const WarningDays = 30

// MostWarnings is how many warnings of a kind a summary counts.
const MostWarnings = 100

// Summary is what support wants to know of a person first.
type Summary struct {
	LastSignIn *models.Event       // nil: none is on record
	LastMethod models.SignInMethod // of that sign-in; empty: not known any more
	LastFailed *models.Event       // the last failed sign-in; nil: none is on record
	Warnings   int64               // in the last WarningDays days; MostWarnings or more: there may be more
	Factors    models.FactorCounts
	AppClosed  bool // too many wrong codes in a row: the app works on browsers that the account knows only
	Address    AddressState
	// EmailAsked is when the owner asked for a change of address that still waits for its mailed link; zero: none waits.
	EmailAsked      time.Time
	TrustedBrowsers int
}

// AddressState says whether the owner of an account has shown that mail to its address reaches them.
type AddressState int

// The states of an address.
const (
	AddressUnknown     AddressState = iota // events tell, and those are gone by now
	AddressConfirmed                       // a mailed link was followed
	AddressUnconfirmed                     // an operator set it, and no mailed link was followed since
)

// addressEvents are the kinds of events that tell of an account's address.
var addressEvents = []models.EventFilter{
	{Kind: models.EventAccountCreated}, {Kind: models.EventEmailChanged}, {Kind: models.EventEmailRestored}, {Kind: models.EventPasswordReset},
}

// summary reads what support wants to know of a person first, in five queries.
func (s *Service) summary(ctx context.Context, p models.FoundPerson, now time.Time) (sum Summary, err error) {
	latest, err := s.store.LatestEvents(ctx, p.ID, append([]models.EventFilter{{Kind: models.EventSignIn}, {Kind: models.EventSignInFailed}}, addressEvents...), 3)
	if err != nil {
		return Summary{}, err
	}
	sum.LastSignIn, sum.LastFailed = newest(latest, models.EventSignIn), newest(latest, models.EventSignInFailed)
	sum.Address = addressState(p, latest)
	sum.Warnings, err = s.store.CountEvents(ctx, p.ID, device.Warnings(), now.Add(-WarningDays*24*time.Hour), MostWarnings)
	if err != nil {
		return Summary{}, err
	}
	sum.Factors, err = s.store.FactorCounts(ctx, p.ID)
	sum.AppClosed = sum.Factors.WrongCodes >= challenge.MaxWrongInRow
	if err != nil {
		return Summary{}, err
	}
	link, err := s.store.LastEmailLink(ctx, p.ID, now)
	if err != nil && !errors.Is(err, models.ErrNotFound) {
		return Summary{}, err
	}
	sum.EmailAsked = link.CreatedAt
	trusted, err := s.store.TrustedBrowsers(ctx, p.ID, now)
	sum.TrustedBrowsers = len(trusted)
	return sum, err
}

// newest is the first event of a kind, or nil.
func newest(newestFirst []models.Event, kind models.EventKind) *models.Event {
	if at := slices.IndexFunc(newestFirst, func(e models.Event) bool { return e.Kind == kind }); at >= 0 {
		return &newestFirst[at]
	}
	return nil
}

// addressState judges an address by the newest event that tells of it. Each of them but those by an operator needed a mailed link.
func addressState(p models.FoundPerson, newestFirst []models.Event) AddressState {
	if p.EmailSince != nil {
		return AddressConfirmed
	}
	for _, e := range newestFirst {
		if !slices.Contains(addressEvents, models.EventFilter{Kind: e.Kind}) {
			continue
		}
		if e.Actor == models.ActorOwner {
			return AddressConfirmed
		}
		if e.Kind != models.EventPasswordReset { // by an operator it tells nothing of the address
			return AddressUnconfirmed
		}
	}
	return AddressUnknown
}
