package factor

import (
	"context"
	"time"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/notify"
	"latchkey/models"
)

// Added is what was done.
type Added struct {
	Name    string
	First   bool  // it is the account's first second factor
	Last    bool  // it was the account's last second factor, and is gone
	Revoked int64 // devices that were signed out
}

// add confirms the act and adds the factor, with its event and its mail.
func (s *Service) add(ctx context.Context, by *browser.Session, act Act, f models.Factor, from auth.Caller) (Added, error) {
	how, err := s.confirmAct(ctx, by, act.Confirmation)
	if err != nil {
		return Added{}, err
	}
	code, err := s.checkCode(ctx, by, act.EnrolCode)
	if err != nil {
		return Added{}, err
	}
	now := s.clock.Now()
	f.ID, f.CreatedAt = models.NewID(now), now
	f.Since = later(now, by.Device.CreatedAt) // "This wasn't me" about the sign-in must remove it, whatever this replica's clock says
	e := auth.Limited(auth.NewEvent(models.EventFactorAdded, by.User.ID, from, now), AddLimit)
	e.Detail, e.DeviceName = string(f.Kind), f.Name
	l := notify.NewNotification(notify.KindFactorAdded, from, now)
	l.DeviceName, l.Factor = f.Name, string(f.Kind)
	revoked, err := s.store.AddFactors(ctx, models.FactorAddition{
		UserID: by.User.ID, Version: by.User.FactorsVersion, Verified: how.verified, Add: []models.Factor{f}, Code: code, At: now, Event: e,
		Mail: s.notify.ComposeNotMe(by.User.ID, l, models.FactorSubject(f.ID)), KeepDevice: act.keep(by),
	})
	if err != nil {
		return Added{}, changed(err)
	}
	s.notify.Wake()
	return Added{Name: f.Name, First: !by.User.SecondFactor, Revoked: revoked}, nil
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
