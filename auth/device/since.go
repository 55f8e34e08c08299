package device

import (
	"context"
	"errors"
	"slices"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/confirm"
	"latchkey/auth/notify"
	"latchkey/auth/ratelimit"
	"latchkey/models"
)

// Since is a device that its owner does not recognise, and what the account got since it signed in.
type Since struct {
	Device   models.NamedDevice
	End      models.Ending        // zero: it is signed in
	Later    []models.NamedDevice // live, without the browser that asks; most recently active first
	Passkeys []models.Factor
	App      bool
	Codes    bool // recovery codes that were not used
	Trusted  int  // trusted browsers, of any age: all of them end
}

// Young reports whether a factor was added since: it goes, and cannot confirm that it goes.
func (o Since) Young(f models.Factor) bool { return o.Device.Device.Precedes(f) }

// HasFactors reports whether factors were added since.
func (o Since) HasFactors() bool { return len(o.Passkeys) > 0 || o.App || o.Codes }

// None reports whether there is nothing to end.
func (o Since) None() bool {
	return !o.End.Live() && len(o.Later) == 0 && !o.HasFactors() && o.Trusted == 0
}

// Since returns what RevokeSince would end. The device may have ended. Since returns KindNotFound for a device that is unknown, another person's, or
// the browser that asks.
func (s *Service) Since(ctx context.Context, by *browser.Session, id string) (o Since, err error) {
	key, err := deviceKey(by.User.ID, id)
	if err != nil {
		return o, err
	}
	found, err := s.store.NamedDevices(ctx, key.UserID, key.ID)
	switch {
	case err != nil:
		return o, err
	case len(found) == 0 || key.ID == by.Device.ID:
		return o, errUnknownDevice
	}
	now := s.clock.Now()
	live := s.idle.Live(now)
	o.Device, o.End = found[0], models.DeviceEnd(found[0].Device, live, by.User.Role)
	if o.Later, err = s.store.LiveSince(ctx, o.Device.Device, live, by.Device.ID); err != nil {
		return o, err
	}
	trusted, err := s.store.TrustedBrowsers(ctx, key.UserID, now)
	if err != nil {
		return o, err
	}
	o.Trusted = len(trusted)
	factors, err := s.store.Factors(ctx, key.UserID)
	for _, f := range slices.DeleteFunc(factors, func(f models.Factor) bool { return !o.Young(f) }) {
		switch f.Kind {
		case models.FactorPasskey:
			o.Passkeys = append(o.Passkeys, f)
		case models.FactorTOTP:
			o.App = true
		case models.FactorRecoveryCode:
			o.Codes = o.Codes || f.UsedAt == nil
		}
	}
	return o, err
}

// RevokeSince signs out a device of the person and every device that signed in since, except this browser, and ends trusted browsers, open
// challenges and codes. With a confirmation it also removes the factors that were added since; without one, c is nil and they stay. It returns
// KindNotFound as Since does, KindRateLimited past ratelimit.MaxSince without a confirmation, the errors of confirm.Service.Act, and KindInvalidCode for a confirmation with a factor that was added since. Then
// nothing was changed.
func (s *Service) RevokeSince(ctx context.Context, by *browser.Session, id string, c *confirm.Confirmation, from auth.Caller) (done models.SinceDone, err error) {
	key, err := deviceKey(by.User.ID, id)
	if err != nil {
		return done, err
	}
	if _, err := s.store.Device(ctx, key.UserID, key.ID); errors.Is(err, models.ErrNotFound) || key.ID == by.Device.ID {
		return done, errUnknownDevice // before a password or a code is judged
	} else if err != nil {
		return done, err
	}
	r := s.sinceRevocation(key, from)
	r.Keep = by.Device.ID
	if c == nil {
		// It makes what others have begun fail: a thief with a copied cookie must not do it all the time.
		quota := s.limits.Quota(ratelimit.MaxSince, "everything since", by.Device.ID.String())
		if err := s.limits.CountRequest(ctx, quota); err != nil {
			return done, err
		}
		if done, err = s.store.RevokeSince(ctx, r); err == nil {
			s.notify.Wake()
		}
		return done, signedOut(err)
	}
	err = s.confirm.Act(ctx, by, *c, func(p models.Proof) (err error) {
		r.Proof = &p
		done, err = s.store.RevokeSince(ctx, r)
		if errors.Is(err, models.ErrYoungFactor) {
			return &auth.Error{Kind: auth.KindInvalidCode, Message: youngFactor, Cause: err, OfPasskey: p.Challenge != nil}
		}
		return signedOut(err)
	})
	return done, err
}

// signedOut says that the browser was signed out while it acted.
func signedOut(err error) error {
	if errors.Is(err, models.ErrAppGone) {
		return &auth.Error{Kind: auth.KindSignedOut, Message: "You’re signed out.", Cause: err}
	}
	return err
}

const youngFactor = "This was added after that device signed in, so it can’t confirm this. Use one that you had before."

// sinceRevocation is the act, without who acts.
func (s *Service) sinceRevocation(key models.DeviceKey, from auth.Caller) models.SinceRevocation {
	now := s.clock.Now()
	return models.SinceRevocation{
		Device: key, Event: auth.NewEvent(models.EventDevicesRevokedSince, key.UserID, from, now),
		Mail: func(done models.SinceDone) models.MailWithLinks {
			l := notify.NewNotification(notify.KindSignedOutSince, from, now)
			l.DeviceName, l.Devices, l.Removed = done.Name, done.Devices, done.Factors.String()
			return s.notify.ComposeNotMe(key.UserID, l, "")
		},
	}
}

// SinceAct is a request by an app to sign out a device and everything that was signed in after it.
type SinceAct struct {
	confirm.AppAct
	ID          string
	KeepFactors bool
}

// RevokeSinceByToken is RevokeSince for an app. Only a confirmation will do, as for RevokeOthersByToken, and the app stays signed in. The errors are
// those of confirm.Service.ByApp, KindNotFound, KindInvalidRequest for the app's own device, and KindYoungFactor.
func (s *Service) RevokeSinceByToken(ctx context.Context, a SinceAct) (done models.SinceDone, err error) {
	a.AnyPassword, a.WhileLocked = true, true
	err = s.confirm.ByApp(ctx, a.AppAct, func(by confirm.ActingApp, p models.Proof) error {
		key, err := deviceKey(by.User.ID, a.ID)
		switch {
		case a.ID == "current" || err == nil && key.ID == by.Device.ID:
			return auth.InvalidField("id", "This is the device that asks. Name the device that you don’t recognise.")
		case err != nil:
			return err
		}
		r := s.sinceRevocation(key, a.From)
		r.Keep, r.KeepFactors = by.Device.ID, a.KeepFactors
		r.Proof = &models.Proof{Version: p.Version, Challenge: p.Challenge} // not the password: it may be locked
		done, err = s.store.RevokeSince(ctx, r)
		switch {
		case errors.Is(err, models.ErrYoungFactor):
			return &auth.Error{Kind: auth.KindYoungFactor, Message: "This was confirmed with a passkey, an app or a code that was added since. Confirm with an older one.", Cause: err}
		case errors.Is(err, models.ErrNotFound):
			return errUnknownDevice
		}
		return err
	})
	return done, err
}
