package confirm

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/passwordcheck"
	"latchkey/auth/token"
	"latchkey/models"
)

// MaxActTries is how many acts on the account one confirmation may try. An act that is refused leaves it good, and some refusals cost as much as a
// hash.
const MaxActTries = 10

// AppAct is a request by an app for an act on the account of its owner.
type AppAct struct {
	Claims       *token.Claims
	Confirmation string // of App or FinishApp. No act takes the password in its place
	From         auth.Caller
	// AnyPassword lets people act who must choose another password or set up a second factor first, as on the portal's page for a new password.
	AnyPassword bool
	WhileLocked bool // lets people act whose password is locked, as the portal lets them sign out devices
}

// ActingApp is an app whose owner confirmed an act.
type ActingApp struct {
	Device models.Device
	User   models.User
}

// Event returns the event of an act by the app.
func (by ActingApp) Event(e models.Event) models.Event {
	e.DeviceID, e.DeviceName = uuid.NullUUID{UUID: by.Device.ID, Valid: true}, by.Device.Name
	return e
}

// ByApp checks a confirmation and then runs an act on the account, like Act for the portal: act passes the proof to the store, and the
// transaction that makes the change also uses the confirmation up. So a refused act leaves it good, and of two acts with one confirmation only
// one is done. Nothing about the account is judged, or told, before the confirmation was found right: many servers see an access token.
//
// ByApp returns KindReauthentication without a confirmation, ErrNotConfirmed, token.ErrDeviceGone, passwordcheck.ErrLocked, KindChoosePassword,
// KindSetUpFactor or KindUnavailable without running the act. Of the act's errors it passes models.ErrUsed and models.ErrChanged to NotConfirmed: what
// was confirmed is no longer so.
func (s *Service) ByApp(ctx context.Context, a AppAct, act func(by ActingApp, p models.Proof) error) error {
	app, err := s.confirmingApp(ctx, a.Claims)
	if err != nil {
		return err
	}
	if a.Confirmation == "" {
		return ErrUnconfirmed
	}
	use, err := AppUse(models.DeviceKey{UserID: app.device.UserID, ID: app.device.ID}, app.jkt, a.Confirmation)
	if err != nil {
		return err
	}
	by := ActingApp{Device: app.device}
	if err := s.gate.Query(ctx, func() (err error) { by.User, err = s.tryConfirmation(ctx, app, use); return err }); err != nil {
		return err
	}
	switch {
	case by.User.LockedAt != nil && !a.WhileLocked: // a passkey confirms all the same: see FinishApp
		return passwordcheck.ErrLocked
	case a.AnyPassword:
	case by.User.MustChoosePassword():
		return auth.ErrChoosePassword
	case s.browsers.Config().SecondFactor.MustSetUp(by.User):
		return auth.ErrSetUpFactor
	}
	err = act(by, models.Proof{Verified: by.User.PasswordHash, Version: by.User.FactorsVersion, Challenge: &use})
	var own *auth.Error
	if !errors.As(err, &own) && (errors.Is(err, models.ErrUsed) || errors.Is(err, models.ErrChanged)) {
		return NotConfirmed(err)
	}
	if err == nil {
		s.notify.Wake()
	}
	return err
}

// tryConfirmation counts an act that a confirmation tries, and reads the account afterwards. A new password, a change of factors and a lock end
// the confirmations that came before them, so the account is as it was when its owner confirmed.
func (s *Service) tryConfirmation(ctx context.Context, app confirmingApp, use models.ChallengeUse) (models.User, error) {
	_, err := s.store.TryChallenge(ctx, use.Purpose, use.Hash, s.clock.Now(), MaxActTries)
	if errors.Is(err, models.ErrNotFound) {
		return models.User{}, ErrNotConfirmed
	}
	if err != nil {
		return models.User{}, err
	}
	user, err := s.store.UserByID(ctx, app.device.UserID)
	if errors.Is(err, models.ErrNotFound) {
		return user, token.ErrDeviceGone
	}
	return user, err
}

// ErrUnconfirmed refuses an act that comes without a confirmation.
var ErrUnconfirmed = &auth.Error{Kind: auth.KindReauthentication, Message: "This needs a confirmation: confirm first, and send it."}
