package device

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/confirm"
	"latchkey/auth/ratelimit"
	"latchkey/auth/token"
	"latchkey/models"
)

// List returns a person's live devices, most recently active first. The current device's LastSeenAt is the time of this request.
func (s *Service) List(ctx context.Context, by *browser.Session) ([]models.Device, error) {
	list, err := s.store.LiveDevices(ctx, by.User.ID, s.idle.Live(s.clock.Now()))
	for i := range list {
		if list[i].ID == by.Device.ID {
			list[i].LastSeenAt = by.Device.LastSeenAt
		}
	}
	return list, err
}

// Find returns a live device of the signed-in person, or KindNotFound.
func (s *Service) Find(ctx context.Context, by *browser.Session, id string) (models.Device, error) {
	key, err := deviceKey(by.User.ID, id)
	if err != nil {
		return models.Device{}, err
	}
	d, err := s.store.LiveDevice(ctx, key.UserID, key.ID, s.idle.Live(s.clock.Now()))
	if errors.Is(err, models.ErrNotFound) {
		return d, errNoDevice
	}
	return d, err
}

var errNoDevice = &auth.Error{Kind: auth.KindNotFound, Message: "We can’t find this device. It may already be signed out."}

// Revoke signs out a device of the person and returns it. If the device was already signed out, Revoke changes nothing and
// returns no error.
func (s *Service) Revoke(ctx context.Context, by *browser.Session, id string, from auth.Caller) (models.Device, error) {
	key, err := deviceKey(by.User.ID, id)
	if err != nil {
		return models.Device{}, err
	}
	return s.revoke(ctx, key, by.Device.ID, from)
}

// RevokeOthers signs out all devices of the person except this browser, and returns how many there were.
func (s *Service) RevokeOthers(ctx context.Context, by *browser.Session, from auth.Caller) (int64, error) {
	e := auth.NewEvent(models.EventDevicesRevoked, by.User.ID, from, s.clock.Now())
	e.Detail = string(models.RevokedByOwner)
	return s.store.RevokeOthers(ctx, by.User.ID, by.Device.ID, e)
}

// Rename renames a live device of the person and returns it. If another device has the name, Rename adds a number to it. All
// renames in an account count towards ratelimit.RenameLimit; past it, Rename returns KindRateLimited. If the device already has
// the name, Rename changes and counts nothing.
func (s *Service) Rename(ctx context.Context, by *browser.Session, id, name string, from auth.Caller) (models.Device, error) {
	key, err := deviceKey(by.User.ID, id)
	if err != nil {
		return models.Device{}, err
	}
	return s.rename(ctx, key, name, from)
}

func (s *Service) rename(ctx context.Context, key models.DeviceKey, name string, from auth.Caller, confirmed ...models.ChallengeUse) (models.Device, error) {
	name, problem := auth.DeviceName(name)
	if problem != "" {
		return models.Device{}, auth.InvalidField("name", problem)
	}
	now := s.clock.Now()
	d, err := s.store.RenameDevice(ctx, key, s.idle.Live(now), token.FreeName(name), auth.Limited(auth.NewEvent(models.EventDeviceRenamed, key.UserID, from, now), ratelimit.RenameLimit), confirmed...)
	switch {
	case errors.Is(err, models.ErrChanged):
		return d, &auth.Error{Kind: auth.KindSignedOut, Message: "You’re signed out.", Cause: err}
	case errors.Is(err, models.ErrUsed):
		return d, confirm.NotConfirmed(err)
	}
	return d, err
}

// revoke signs out a device for its owner, who acts from the device by. If both are the same device, the event is a sign-out.
func (s *Service) revoke(ctx context.Context, key models.DeviceKey, by uuid.UUID, from auth.Caller, confirmed ...models.ChallengeUse) (models.Device, error) {
	e := auth.NewEvent(models.EventDeviceRevoked, key.UserID, from, s.clock.Now())
	e.Detail = string(models.RevokedByOwner)
	if key.ID == by {
		e.Kind, e.Detail = models.EventSignOut, string(models.RevokedBySignOut)
	}
	d, _, err := s.store.RevokeDevice(ctx, key, e, confirmed...)
	if errors.Is(err, models.ErrUsed) {
		return d, confirm.NotConfirmed(err)
	}
	return d, err
}

// deviceKey parses the device id of a request. For an invalid id it returns errNoDevice.
func deviceKey(user uuid.UUID, id string) (models.DeviceKey, error) {
	parsed, ok := auth.ParseID(id)
	if !ok {
		return models.DeviceKey{}, errNoDevice // the cause would repeat the client's text
	}
	return models.DeviceKey{UserID: user, ID: parsed}, nil
}

// ListByToken returns the live devices of the owner of an access token, most recently active first. It returns token.ErrDeviceGone
// if the token's own device is not live, so this API refuses the tokens of revoked devices at once.
func (s *Service) ListByToken(ctx context.Context, c *token.Claims) (list []models.Device, current uuid.UUID, err error) {
	user, current, err := c.Key()
	if err != nil {
		return nil, current, err
	}
	now := s.clock.Now()
	if list, err = s.store.LiveDevices(ctx, user, s.idle.Live(now)); err != nil {
		return nil, current, err
	}
	at := slices.IndexFunc(list, func(d models.Device) bool { return d.ID == current && d.Kind == models.KindApp })
	if at < 0 {
		return nil, current, token.ErrDeviceGone
	}
	own := list[at]
	own.LastSeenAt = now
	list = slices.Insert(slices.Delete(list, at, at+1), 0, own) // this request is its latest activity
	return list, current, nil
}

// TokenAct is an app's request to rename or sign out one of its owner's devices.
type TokenAct struct {
	Claims       *token.Claims
	ID           string // "current" for the token's own device, or a device id
	Password     string // can confirm an act on another device; refused if the account has a second factor
	Confirmation string // from confirm.Service.App or FinishApp, instead of the password
	Name         string // the new name, for RenameByToken
	From         auth.Caller
}

// RenameByToken renames a device. It returns the device, and whether the token was issued to it.
func (s *Service) RenameByToken(ctx context.Context, a TokenAct) (d models.Device, current bool, err error) {
	key, current, confirmed, err := s.authorise(ctx, a)
	if err != nil {
		return d, current, err
	}
	d, err = s.rename(ctx, key, a.Name, a.From, confirmed...)
	if current {
		d.LastSeenAt = s.clock.Now()
	}
	return d, current, err
}

// RevokeByToken signs out a device. If the device was already signed out, RevokeByToken only uses up the confirmation, if there
// is one.
func (s *Service) RevokeByToken(ctx context.Context, a TokenAct) error {
	key, current, confirmed, err := s.authorise(ctx, a)
	if err != nil {
		return err
	}
	by := uuid.Nil
	if current {
		by = key.ID
	}
	_, err = s.revoke(ctx, key, by, a.From, confirmed...)
	return err
}

// authorise checks that the token's own device is live and that its owner has the device a.ID. An app sends its access token to
// many servers, so the token alone must not be enough to act on another device. For another device, authorise also requires one
// of these: a token that is bound to the key of the app's device, a confirmation or, if the account has no second factor, the
// password. A confirmation is not used up yet: the caller must pass confirmed to the store, whose transaction uses it up.
func (s *Service) authorise(ctx context.Context, a TokenAct) (key models.DeviceKey, current bool, confirmed []models.ChallengeUse, err error) {
	me, err := s.tokens.OwnDevice(ctx, a.Claims)
	if err != nil {
		return key, false, nil, err
	}
	own := models.DeviceKey{UserID: me.UserID, ID: me.ID}
	if a.ID == "current" {
		return own, true, nil, nil
	}
	if key, err = deviceKey(own.UserID, a.ID); err != nil || key == own {
		return key, true, nil, err
	}
	if _, err := s.store.Device(ctx, key.UserID, key.ID); err != nil {
		return key, false, nil, err
	}
	jkt := a.Claims.JKT()
	if me.JKT != "" && jkt == me.JKT {
		return key, false, nil, nil // a server that saw the token could not have made the proof
	}
	if a.Confirmation == "" {
		return key, false, nil, s.checkPassword(ctx, own.UserID, a)
	}
	use, err := confirm.AppUse(own, jkt, a.Confirmation)
	return key, false, []models.ChallengeUse{use}, err
}

// checkPassword checks the password that confirms an act. If the account has a second factor, it returns KindSecondFactor and
// does not check the password.
func (s *Service) checkPassword(ctx context.Context, user uuid.UUID, a TokenAct) error {
	owner, err := s.store.UserByID(ctx, user)
	switch {
	case err != nil:
		return err
	case owner.SecondFactor:
		return auth.Refuse(auth.KindSecondFactor, "This account has a second factor: confirm first, and send the confirmation.")
	case a.Password == "":
		return auth.Refuse(auth.KindReauthentication, "Signing out or renaming another device needs the password.")
	}
	if problem := auth.ProblemWithText(a.Password, auth.MaxPassword); problem != "" {
		return auth.InvalidField("password", problem)
	}
	return s.passwords.Confirm(ctx, owner, a.Password, a.From)
}
