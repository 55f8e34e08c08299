package token

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"latchkey/auth"
	"latchkey/auth/devicetoken"
	"latchkey/auth/ratelimit"
	"latchkey/models"
)

// Verified is an account whose owner was verified, by a password or by a passkey. User.PasswordHash is the hash that was current then.
// Acts that rely on a Verified succeed only while the account still has that hash.
type Verified struct {
	User     models.User
	Rehashed string // a hash with today's parameters, if the stored one has weaker parameters
}

// NewDevice prepares the row of a device that signs in now, and returns it with the device's secret.
func (s *Service) NewDevice(v Verified, kind string, from auth.Caller, lifetime time.Duration) (models.NewDevice, [devicetoken.SecretSize]byte) {
	now := s.clock.Now()
	var secret [devicetoken.SecretSize]byte
	_, _ = rand.Read(secret[:]) // never fails
	n := models.NewDevice{
		Device: models.Device{
			UserID: v.User.ID, ID: models.NewID(now), Kind: kind, UserAgent: from.UserAgent,
			CreatedAt: now, CreatedIP: from.Address(), LastSeenAt: now, LastIP: from.Address(),
			ExpiresAt: now.Add(lifetime), SecretHash: devicetoken.SecretHash(secret),
			Generation: 1, Base: 0, Floor: 1, RotatedAt: now,
		},
		Verified: v.User.PasswordHash, Rehashed: v.Rehashed, FactorsVersion: v.User.FactorsVersion,
		Room: &models.Room{Mail: func(gone []models.Device) models.MailWithLinks { return s.notify.RoomMail(v.User.ID, gone, from, now) }},
		Max:  s.config.MaxDevices, Live: s.idle.Live(now), KnownOrigins: s.limits.Origins(from),
		Event: auth.NewEvent(models.EventSignIn, v.User.ID, from, now), Alert: s.notify.SignInAlert(from, now), BrowserKey: s.limits.BrowserOrigin(from),
	}
	if kind == models.KindApp {
		n.StatusIndex = s.revocations.PickIndex
	}
	return n, secret
}

// AddDevice writes a new device with its events and mails. For an app, it first adds the client's own scopes to the device's scope and
// applies the client's limits. It returns KindTooManyDevices, KindRateLimited if the budget of sign-ins is used up, KindUnavailable, or
// KindInvalidCredential with the cause models.ErrChanged if the password or the factors have changed since they were checked, or the
// account has been locked or disabled.
func (s *Service) AddDevice(ctx context.Context, n models.NewDevice) (d models.Device, err error) {
	if n.Device.Kind == models.KindApp {
		if n.Device.Scope, err = s.clients.GrantedScope(ctx, n.Device.ClientID, n.Device.Scope); err != nil {
			return d, err
		}
		if err = s.limitByClient(ctx, &n); err != nil {
			return d, err
		}
	}
	err = s.gate.Query(ctx, func() (err error) {
		d, err = s.store.AddDevice(ctx, n)
		return err
	})
	switch {
	case errors.Is(err, models.ErrTooManyDevices):
		return d, &auth.Error{Kind: auth.KindTooManyDevices, Message: "This account is signed in on too many devices. Sign one out first.", Cause: err}
	case errors.Is(err, models.ErrSpent):
		return d, auth.RateLimited("sign_ins", ratelimit.AttemptWindow)
	case errors.Is(err, models.ErrChanged):
		return d, &auth.Error{Kind: auth.ErrBadCredentials.Kind, Message: auth.ErrBadCredentials.Message, Cause: err}
	}
	if err == nil {
		s.countSignIn(d)
		s.notify.Wake()
	}
	return d, err
}

// limitByClient applies the limits of an app's client to its row.
func (s *Service) limitByClient(ctx context.Context, n *models.NewDevice) error {
	limits, err := s.clients.LimitsOf(ctx, n.Device.ClientID)
	if err != nil {
		return err
	}
	if end := n.Device.CreatedAt.Add(limits.Lifetime); limits.Lifetime > 0 && end.Before(n.Device.ExpiresAt) {
		n.Device.ExpiresAt = end
	}
	n.Room.Max, n.Room.ReplaceOldest = limits.MaxDevices, limits.ReplaceOldest
	n.Room.Budget = s.limits.RoomBudget(n.Device.UserID, n.Device.ClientID, limits.MaxDevices)
	return nil
}
