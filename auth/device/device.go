package device

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/ratelimit"
	"latchkey/auth/signin"
	"latchkey/auth/token"
	"latchkey/models"
)

// List lists a person's live devices, newest activity first, with the current one's activity being now.
func (s *Service) List(ctx context.Context, by *signin.Session) ([]models.Device, error) {
	list, err := s.store.LiveDevices(ctx, by.User.ID, s.idle.Live(s.clock.Now()))
	for i := range list {
		if list[i].ID == by.Device.ID {
			list[i].LastSeenAt = by.Device.LastSeenAt
		}
	}
	return list, err
}

// Find finds one live device of the person who is signed in, or returns KindNotFound.
func (s *Service) Find(ctx context.Context, by *signin.Session, id string) (models.Device, error) {
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

var errNoDevice = &auth.Error{Kind: auth.KindNotFound, Message: "There is no such device, or it is signed out already."}

// Revoke signs one device of the person out and returns it. One that was out before stays so, without an error.
func (s *Service) Revoke(ctx context.Context, by *signin.Session, id string, from auth.Caller) (models.Device, error) {
	key, err := deviceKey(by.User.ID, id)
	if err != nil {
		return models.Device{}, err
	}
	return s.revoke(ctx, key, by.Device.ID, from)
}

// RevokeOthers signs out every device of the person but this browser, and tells how many there were.
func (s *Service) RevokeOthers(ctx context.Context, by *signin.Session, from auth.Caller) (int64, error) {
	e := auth.NewEvent(models.EventDevicesRevoked, by.User.ID, from, s.clock.Now())
	e.Detail = string(models.RevokedByOwner)
	return s.store.RevokeOthers(ctx, by.User.ID, by.Device.ID, e)
}

// Rename renames a live device of the person and returns it: a name that is taken comes back numbered. An account may rename
// 20 times in an hour, all its devices together; past that it gets KindRateLimited. A name that the device has already costs nothing.
func (s *Service) Rename(ctx context.Context, by *signin.Session, id, name string, from auth.Caller) (models.Device, error) {
	key, err := deviceKey(by.User.ID, id)
	if err != nil {
		return models.Device{}, err
	}
	return s.rename(ctx, key, name, from)
}

func (s *Service) rename(ctx context.Context, key models.DeviceKey, name string, from auth.Caller) (models.Device, error) {
	name, problem := auth.DeviceName(name)
	if problem != "" {
		return models.Device{}, auth.InvalidField("name", problem)
	}
	now := s.clock.Now()
	d, err := s.store.RenameDevice(ctx, key, s.idle.Live(now), token.FreeName(name), auth.Limited(auth.NewEvent(models.EventDeviceRenamed, key.UserID, from, now), ratelimit.RenameLimit))
	if errors.Is(err, models.ErrChanged) {
		return d, &auth.Error{Kind: auth.KindSignedOut, Message: "You are signed out.", Cause: err}
	}
	return d, err
}

// revoke signs out a device on behalf of its owner, who acts from the device by.
func (s *Service) revoke(ctx context.Context, key models.DeviceKey, by uuid.UUID, from auth.Caller) (models.Device, error) {
	e := auth.NewEvent(models.EventDeviceRevoked, key.UserID, from, s.clock.Now())
	e.Detail = string(models.RevokedByOwner)
	if key.ID == by {
		e.Kind, e.Detail = models.EventSignOut, string(models.RevokedBySignOut)
	}
	d, _, err := s.store.RevokeDevice(ctx, key, e)
	return d, err
}

// deviceKey reads an id as it came in a path: what is no UUID is simply not found.
func deviceKey(user uuid.UUID, id string) (models.DeviceKey, error) {
	parsed, ok := auth.ParseID(id)
	if !ok {
		return models.DeviceKey{}, errNoDevice // the cause would repeat what the client wrote
	}
	return models.DeviceKey{UserID: user, ID: parsed}, nil
}

// ListByToken lists the live devices of the owner of an access token, newest activity first. It returns
// KindInvalidToken when the token's own device is not among them: a revoked device's token is refused at once here.
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
	list = slices.Insert(slices.Delete(list, at, at+1), 0, own) // its activity is this request: the newest there is
	return list, current, nil
}

// TokenAct is a request that an app makes about a device of its owner: "current", its own, or another.
type TokenAct struct {
	Claims   *token.Claims
	ID       string // "current" or a device id
	Password string // needed for another device than the token's own
	Name     string // of a rename
	From     auth.Caller
}

// RenameByToken renames a device and returns it, and whether it is the token's own.
func (s *Service) RenameByToken(ctx context.Context, a TokenAct) (d models.Device, current bool, err error) {
	key, current, err := s.authorise(ctx, a)
	if err != nil {
		return d, current, err
	}
	d, err = s.rename(ctx, key, a.Name, a.From)
	if current {
		d.LastSeenAt = s.clock.Now()
	}
	return d, current, err
}

// RevokeByToken signs a device out; one that was out before stays so.
func (s *Service) RevokeByToken(ctx context.Context, a TokenAct) error {
	key, current, err := s.authorise(ctx, a)
	if err != nil {
		return err
	}
	by := uuid.Nil
	if current {
		by = key.ID
	}
	_, err = s.revoke(ctx, key, by, a.From)
	return err
}

// authorise checks that the token's device is still live, that the device named is of the same owner, and, when it is
// another one, the password: an access token travels to many servers, and alone it must not sign people out.
func (s *Service) authorise(ctx context.Context, a TokenAct) (key models.DeviceKey, current bool, err error) {
	me, err := s.tokens.OwnDevice(ctx, a.Claims)
	if err != nil {
		return key, false, err
	}
	user, own := me.UserID, me.ID
	if a.ID == "current" {
		return models.DeviceKey{UserID: user, ID: own}, true, nil
	}
	if key, err = deviceKey(user, a.ID); err != nil || key.ID == own {
		return key, true, err
	}
	if _, err := s.store.Device(ctx, key.UserID, key.ID); err != nil {
		return key, false, err
	}
	if me.JKT != "" && a.Claims.Cnf != nil && a.Claims.Cnf.JKT == me.JKT {
		return key, false, nil // no server that saw the token could have made the proof
	}
	if a.Password == "" {
		return key, false, auth.Refuse(auth.KindReauthentication, "Signing out or renaming another device needs the password.")
	}
	if problem := auth.ProblemWithText(a.Password, auth.MaxPassword); problem != "" {
		return key, false, auth.InvalidField("password", problem)
	}
	owner, err := s.store.UserByID(ctx, user)
	if err != nil {
		return key, false, err
	}
	return key, false, s.signIn.ConfirmPassword(ctx, owner, a.Password, a.From)
}
