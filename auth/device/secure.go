package device

import (
	"context"
	"time"

	"latchkey/auth/browser"
	"latchkey/models"
)

// alarmsFor is how long an alarm, or the sign-out of a device, is what "Secure your account" is about. Without one it is about the last day.
const (
	alarmsFor = 30 * 24 * time.Hour
	noAlarm   = 24 * time.Hour
)

// Secured is how far a person has got after an alarm.
type Secured struct {
	Others   int  // live devices besides this one
	Devices  bool // this is the only one
	Password bool // changed since the alarm
}

// Secured returns how far a person has got in securing the account. It is told from the account: what the activity holds, when the
// password was changed, and which devices are signed in.
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
	alarm, err := s.newest(ctx, by, now, models.EventDeviceReused, models.EventSecondStepMissed, models.EventFactorClosed, models.EventLocked)
	if err != nil {
		return o, err
	}
	acted, err := s.newest(ctx, by, now, models.EventDeviceRevoked, models.EventDevicesRevoked, models.EventDevicesRevokedSince)
	if err != nil {
		return o, err
	}
	o.Devices = o.Others == 0
	since := alarm
	if acted.After(since) { // a device that the person did not know, perhaps
		since = acted
	}
	if since.IsZero() {
		since = now.Add(-noAlarm)
	}
	o.Password = by.User.PasswordChangedAt.After(since) && !by.User.PasswordChangedAt.Equal(by.User.CreatedAt)
	return o, nil
}

// newest returns when the newest event of some kinds was, or the zero time.
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
