package device

import (
	"context"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/models"
)

// Story is everything that is stored about one device.
type Story struct {
	Device models.NamedDevice
	End    models.Ending  // zero: the device is live
	Theft  *models.Event  // the newest of Events that reports a copied token; nil if there is no such event on this page
	Events []models.Event // a page of them, newest first
	Next   string         // the cursor of the next page; "" on the last one
}

// Story returns what is stored about a device of the person, live or not, with one page of its events. The page starts after the
// cursor, as in Activity. Story returns KindNotFound if the person has no such device.
func (s *Service) Story(ctx context.Context, by *browser.Session, id, cursor string) (o Story, err error) {
	key, err := deviceKey(by.User.ID, id)
	if err != nil {
		return o, err
	}
	found, err := s.store.NamedDevices(ctx, key.UserID, key.ID)
	switch {
	case err != nil:
		return o, err
	case len(found) == 0:
		return o, errUnknownDevice
	}
	o.Device = found[0]
	o.End = models.DeviceEnd(o.Device.Device, s.idle.Live(s.clock.Now()), by.User.Role)
	if o.Device.Device.ID == by.Device.ID {
		o.Device.Device.LastSeenAt = by.Device.LastSeenAt
	}
	list, err := s.store.EventsOfDevice(ctx, key, parseCursor(cursor), activityPage+1)
	if err != nil {
		return o, err
	}
	o.Events, o.Next = cutPage(list)
	for i, e := range o.Events {
		if e.Kind == models.EventDeviceReused && o.Theft == nil {
			o.Theft = &o.Events[i]
		}
	}
	return o, nil
}

var errUnknownDevice = &auth.Error{Kind: auth.KindNotFound, Message: "We can’t find this device."}
