package device

import (
	"context"
	"time"

	"latchkey/auth/browser"
	"latchkey/models"
)

// "Secure your account" asks what the person has done since the newest alarm or sign-out of a device. alarmsFor is how far back
// it looks for these. If it finds nothing, it asks about the last day (noAlarm).
const (
	alarmsFor = 30 * 24 * time.Hour
	noAlarm   = 24 * time.Hour
)

// Secured says which steps a person has taken to secure the account.
type Secured struct {
	Others   int  // live devices besides this one
	Devices  bool // no other device is signed in
	Password bool // changed since the alarm or sign-out, or else in the last day
}

// Secured returns which steps the person has taken to secure the account. Nothing records these steps: Secured derives them from
// the events, the time of the last password change and the live devices.
func (s *Service) Secured(ctx context.Context, by *browser.Session) (o Secured, err error) {
	now := s.clock.Now()
	list, err := s.List(ctx, by)
	if err != nil {
		return o, err
	}
	for _, d := range list {
		if d.ID != by.Device.ID {
			o.Others++
		}
	}
	alarm, err := s.newest(ctx, by, now, models.EventDeviceReused, models.EventSecondStepMissed, models.EventFactorClosed, models.EventLocked, models.EventIncident)
	if err != nil {
		return o, err
	}
	acted, err := s.newest(ctx, by, now, models.EventDeviceRevoked, models.EventDevicesRevoked, models.EventDevicesRevokedSince)
	if err != nil {
		return o, err
	}
	o.Devices = o.Others == 0
	since := alarm
	if acted.After(since) { // perhaps the person did not recognise that device
		since = acted
	}
	if since.IsZero() {
		since = now.Add(-noAlarm)
	}
	o.Password = by.User.PasswordChangedAt.After(since) && !by.User.PasswordChangedAt.Equal(by.User.CreatedAt)
	return o, nil
}

// newest returns the time of the newest event of the given kinds within alarmsFor, or the zero time.
func (s *Service) newest(ctx context.Context, by *browser.Session, now time.Time, kinds ...models.EventKind) (time.Time, error) {
	var filters []models.EventFilter
	for _, k := range kinds {
		filters = append(filters, models.EventFilter{Kind: k})
	}
	list, err := s.store.EventsSince(ctx, by.User.ID, filters, now.Add(-alarmsFor), 1)
	if err != nil || len(list) == 0 {
		return time.Time{}, err
	}
	return list[0].At, nil
}
