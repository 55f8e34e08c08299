package factor

import (
	"context"
	"errors"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/notify"
	"latchkey/models"
)

var errNoFactor = &auth.Error{Kind: auth.KindNotFound, Message: "Your account no longer has this passkey or app."}

// errLastFactor refuses the removal of the last factor where one is required.
var errLastFactor = &auth.Error{Kind: auth.KindNotAllowed, Message: "This is your last passkey or authenticator app, and this service requires one. Add another one first."}

// MayRemoveLast reports whether the person may do without a second factor.
func (s *Service) MayRemoveLast(by *browser.Session) bool {
	without := by.User
	without.SecondFactor = false
	return !s.policy.MustSetUp(without)
}

// RemovePasskey removes a passkey. With the last factor, the recovery codes go, too. It returns KindNotFound, KindNotAllowed,
// KindInvalidRequest, KindInvalidChallenge, and the errors of confirm.Service.Confirm.
func (s *Service) RemovePasskey(ctx context.Context, by *browser.Session, id string, act Act, from auth.Caller) (Added, error) {
	o, err := s.Overview(ctx, by)
	if err != nil {
		return Added{}, err
	}
	f, ok := o.Passkey(id)
	if !ok {
		return Added{}, errNoFactor
	}
	return s.remove(ctx, by, o, f, act, from)
}

// RemoveApp removes the authenticator app. See RemovePasskey.
func (s *Service) RemoveApp(ctx context.Context, by *browser.Session, act Act, from auth.Caller) (Added, error) {
	o, err := s.Overview(ctx, by)
	if err != nil {
		return Added{}, err
	}
	if o.App == nil {
		return Added{}, errNoFactor
	}
	return s.remove(ctx, by, o, *o.App, act, from)
}

func (s *Service) remove(ctx context.Context, by *browser.Session, o Overview, f models.Factor, act Act, from auth.Caller) (Added, error) {
	if o.Last() && !s.MayRemoveLast(by) {
		return Added{}, errLastFactor
	}
	if _, err := s.confirm.Confirm(ctx, by, act.Confirmation); err != nil {
		return Added{}, err
	}
	now := s.clock.Now()
	e := auth.NewEvent(models.EventFactorRemoved, by.User.ID, from, now)
	e.Detail, e.DeviceName = string(f.Kind), f.Name
	l := notify.NewNotification(notify.KindFactorRemoved, from, now)
	l.DeviceName, l.Factor = f.Name, string(f.Kind)
	revoked, err := s.store.RemoveFactors(ctx, models.FactorRemoval{
		UserID: by.User.ID, ID: f.ID, Kind: f.Kind, Version: by.User.FactorsVersion, At: now, Event: e,
		Mail: s.notify.ComposeNotMe(by.User.ID, l, ""), KeepDevice: act.keep(by),
	})
	if errors.Is(err, models.ErrNotFound) {
		return Added{}, errNoFactor
	}
	if err != nil {
		return Added{}, changed(err)
	}
	s.notify.Wake()
	return Added{Name: f.Name, Last: o.Last(), Revoked: revoked}, nil
}
