package device

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/models"
)

// MaxSelected is how many devices a person can select and sign out at once: as many as a page lists.
const MaxSelected = ListPage

// Selection holds the devices that a person selected.
type Selection struct {
	Live  []models.NamedDevice // in the order of the list: most recently active first
	Ended int                  // how many have already ended: signed out, expired or idle
}

// Selected returns the selected devices. It returns KindNotFound if an id is that of this browser, or of none of the person's
// devices, and KindInvalidRequest for more than MaxSelected ids.
func (s *Service) Selected(ctx context.Context, by *browser.Session, ids []string) (o Selection, err error) {
	keys, err := selection(by, ids)
	if err != nil || len(keys) == 0 {
		return o, err
	}
	found, err := s.store.NamedDevices(ctx, by.User.ID, keys...)
	switch {
	case err != nil:
		return o, err
	case len(found) < len(keys):
		return o, errNoDevice
	}
	live := s.idle.Live(s.clock.Now())
	for _, d := range found {
		if models.DeviceEnd(d.Device, live, by.User.Role).Live() {
			o.Live = append(o.Live, d)
		} else {
			o.Ended++
		}
	}
	return o, nil
}

// RevokeSelected signs out the selected devices, all of them or none. It returns how many it signed out, not counting those that
// were signed out already. Its errors are those of Selected.
func (s *Service) RevokeSelected(ctx context.Context, by *browser.Session, ids []string, from auth.Caller) (int, error) {
	keys, err := selection(by, ids)
	if err != nil {
		return 0, err
	}
	e := auth.NewEvent(models.EventDeviceRevoked, by.User.ID, from, s.clock.Now())
	e.Detail = string(models.RevokedByOwner)
	n, err := s.store.RevokeSelected(ctx, by.User.ID, keys, e)
	if errors.Is(err, models.ErrNotFound) {
		return 0, errNoDevice
	}
	return n, err
}

// selection parses the ids of a form and drops duplicates. It returns errNoDevice for the id of this browser.
func selection(by *browser.Session, ids []string) (keys []uuid.UUID, err error) {
	if len(ids) > MaxSelected {
		return nil, &auth.Error{Kind: auth.KindInvalidRequest, Message: "Select at most 100 devices at a time. Nothing was changed."}
	}
	for _, id := range ids {
		key, err := deviceKey(by.User.ID, id)
		if err != nil || key.ID == by.Device.ID {
			return nil, errNoDevice
		}
		if !slices.Contains(keys, key.ID) {
			keys = append(keys, key.ID)
		}
	}
	return keys, nil
}
