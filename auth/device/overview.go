package device

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"latchkey/auth/browser"
	"latchkey/auth/token"
	"latchkey/models"
)

// How much of the past the devices page shows.
const (
	endedFor   = 30 * 24 * time.Hour // how long an ended device is shown
	EndedShown = 8                   // how many ended devices are shown; those with a copied token are chosen first
	alertsFor  = 90 * 24 * time.Hour // how long a warning is shown
	alertsMost = 5                   // how many warnings are shown
)

// Overview is what the devices page shows.
type Overview struct {
	Live []models.NamedDevice // most recently active first; the current one is active now
	Listing
	// SamePhone has, for an app that may be on the same phone as another one, the one that signed in before it.
	SamePhone map[uuid.UUID]models.Device
	Ended     []EndedDevice  // devices that were signed out, expired or became idle recently, latest first
	Alerts    []models.Event // warnings that were not dismissed, newest first: copied tokens, and third forks (token.ForkWarnAt)
}

// EndedDevice is a device that is no longer live.
type EndedDevice struct {
	Device models.Device
	End    models.Ending
}

// Overview returns a person's devices, the part of them that v selects, and the warnings that were not dismissed, in two queries.
func (s *Service) Overview(ctx context.Context, by *browser.Session, v View) (Overview, error) {
	now := s.clock.Now()
	live := s.idle.Live(now)
	var o Overview
	current, ended, err := s.store.DeviceOverview(ctx, by.User.ID, live, now.Add(-endedFor), EndedShown)
	if err != nil {
		return o, err
	}
	o.Live = current
	for _, d := range ended {
		if end := models.DeviceEnd(d.Device, live, by.User.Role); end.At.After(now.Add(-endedFor)) {
			o.Ended = append(o.Ended, EndedDevice{d.Device, end})
		}
	}
	slices.SortStableFunc(o.Ended, func(a, b EndedDevice) int { return b.End.At.Compare(a.End.At) })
	for i := range o.Live {
		if o.Live[i].Device.ID == by.Device.ID {
			o.Live[i].Device.LastSeenAt = by.Device.LastSeenAt
		}
	}
	o.SamePhone = samePhone(o.Live)
	o.Listing = List(o.Live, by.Device.ID, v)
	since := now.Add(-alertsFor)
	if seen := by.User.AlertsSeenAt; seen != nil && seen.After(since) {
		since = *seen
	}
	o.Alerts, err = s.store.EventsSince(ctx, by.User.ID, []models.EventFilter{
		{Kind: models.EventDeviceReused}, {Kind: models.EventDeviceForked, Detail: token.ForkWarnDetail},
	}, since, alertsMost)
	o.Alerts = slices.DeleteFunc(o.Alerts, func(e models.Event) bool {
		return e.Kind == models.EventDeviceForked && !o.isLive(e.DeviceID) // the owner need not act on a device that has ended
	})
	return o, err
}

func (o Overview) isLive(id uuid.NullUUID) bool {
	return slices.ContainsFunc(o.Live, func(d models.NamedDevice) bool { return id.Valid && d.Device.ID == id.UUID })
}

// DismissAlerts hides the warnings up to the time until, or up to now if until is later. The person's activity still lists them.
func (s *Service) DismissAlerts(ctx context.Context, by *browser.Session, until time.Time) error {
	if now := s.clock.Now(); until.After(now) {
		until = now
	}
	return s.store.DismissAlerts(ctx, by.User.ID, until)
}
