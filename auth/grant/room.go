package grant

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/challenge"
	"latchkey/models"
)

// Room says whether an app has a place among the devices of an account. It is judged where the person is, before they approve the app: they
// can choose there. The place is not kept: AddDevice judges again when the app takes its tokens.
type Room struct {
	Full    bool            // the app can sign in only in the place of another device of its client
	Most    int             // of a full account: how many devices may be signed in
	OfAll   bool            // Most counts the apps of all clients
	Has     int             // devices of the client
	Devices []models.Device // of the client, longest unseen first, at most challenge.MaxOffered; of a full account
}

// Room returns whether another app of a client can sign in to the account. At the limit of a client with replace-oldest it can, until that
// has happened too often in a day.
func (s *codes) Room(ctx context.Context, by *browser.Session, clientID string) (r Room, err error) {
	limits, err := s.clients.LimitsOf(ctx, clientID)
	most := s.tokens.Config().MaxDevices
	if err != nil || limits.MaxDevices <= 0 && most <= 0 {
		return r, err
	}
	live := s.idle.Live(s.clock.Now())
	all, own, err := s.store.CountLiveApps(ctx, by.User.ID, clientID, live)
	if err != nil {
		return r, err
	}
	r.Has = own
	if limits.MaxDevices > 0 && own >= limits.MaxDevices {
		if r.Full, err = s.refusesMore(ctx, by.User.ID, clientID, limits); err != nil {
			return r, err
		}
		r.Most = limits.MaxDevices
		all -= own - limits.MaxDevices + 1 // they make room by themselves
	}
	if !r.Full && most > 0 && all >= most {
		r.Full, r.OfAll, r.Most = true, true, most
	}
	if r.Full {
		r.Devices, err = s.store.LiveDevicesOfClient(ctx, by.User.ID, clientID, live, challenge.MaxOffered)
	}
	return r, err
}

// refusesMore reports whether a client refuses a sign-in past its limit.
func (s *codes) refusesMore(ctx context.Context, user uuid.UUID, clientID string, limits models.ClientLimits) (bool, error) {
	if !limits.ReplaceOldest {
		return true, nil
	}
	budget := s.limits.RoomBudget(user, clientID, limits.MaxDevices)
	counted, err := s.store.Counters(ctx, [][]byte{budget.Key}, s.clock.Now())
	return len(counted) > 0 && counted[0].Count >= budget.Most, err
}

// makesRoom returns the device that the person chose to sign out for an app of a client, or uuid.Nil where there is room without. It adds what is
// wrong with the choice to bad, and returns KindTooManyDevices where no device can be chosen. The choice takes no proof of its own: the same
// person may sign devices out at /devices without one, and the page that asks has a fresh proof but for clients with SSO.
func (s *codes) makesRoom(ctx context.Context, bad *auth.Fields, by *browser.Session, clientID, chosen string) (uuid.UUID, error) {
	if id, err := uuid.Parse(chosen); err == nil {
		d, err := s.store.LiveDevice(ctx, by.User.ID, id, s.idle.Live(s.clock.Now()))
		switch {
		case err == nil && d.Kind == models.KindApp && d.ClientID == clientID:
			return d.ID, nil
		case err != nil && !errors.Is(err, models.ErrNotFound):
			return uuid.Nil, err
		}
	}
	room, err := s.Room(ctx, by, clientID)
	switch {
	case err != nil:
		return uuid.Nil, err
	case room.Full && len(room.Devices) == 0:
		return uuid.Nil, auth.Refuse(auth.KindTooManyDevices, "This account is signed in on too many devices. Sign one out first.")
	case room.Full:
		bad.Refuse("replace", "Choose the device to sign out.")
	}
	return uuid.Nil, nil
}
