package models_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/models"
	"latchkey/models/modelstest"
)

func keyOf(d models.Device) models.DeviceKey { return models.DeviceKey{UserID: d.UserID, ID: d.ID} }

func TestEventsOfADeviceAreItsOwnInPages(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u, stranger := addUser(t, s), addUser(t, s)
		phone, other, hers := addApp(t, s, u.ID, "phone"), addApp(t, s, u.ID, "tablet"), addApp(t, s, stranger.ID, "phone")
		for i := range 7 {
			for _, d := range []models.Device{phone, other, hers} {
				e := event(models.EventConfirmed, d.UserID, noon.Add(time.Duration(i/2)*time.Minute))
				e.DeviceID, e.DeviceName = uuid.NullUUID{UUID: d.ID, Valid: true}, d.Name
				if err := s.AddEvent(t.Context(), e); err != nil {
					t.Fatal(err)
				}
			}
		}
		var all []models.Event
		for _, e := range events(t, s, u.ID) {
			if e.DeviceID.UUID == phone.ID {
				all = append(all, e)
			}
		}
		var paged []models.Event
		for cursor := (models.EventCursor{}); ; {
			page, err := s.EventsOfDevice(t.Context(), keyOf(phone), cursor, 3)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			paged = append(paged, page...)
			last := page[len(page)-1]
			cursor = models.EventCursor{At: last.At, ID: last.ID}
		}
		if len(all) != 8 || !slices.EqualFunc(all, paged, func(a, b models.Event) bool { return a.ID == b.ID }) {
			t.Errorf("%d events of the device, %d in pages, want 8", len(all), len(paged))
		}
		if list, err := s.EventsOfDevice(t.Context(), models.DeviceKey{UserID: stranger.ID, ID: phone.ID}, models.EventCursor{}, 9); err != nil || len(list) != 0 {
			t.Errorf("another person sees %d events of it, %v", len(list), err)
		}
	})
}

func TestADeviceIsFoundWithTheNameOfItsApp(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u, stranger := addUser(t, s), addUser(t, s)
		if err := s.AddClient(t.Context(), models.Client{ID: "app-1", Name: "Notes", CreatedAt: noon}); err != nil {
			t.Fatal(err)
		}
		d := addApp(t, s, u.ID, "phone")
		b := add(t, s, signIn(u.ID, models.KindBrowser, "browser", noon.Add(time.Minute)))
		hers := addApp(t, s, stranger.ID, "hers").ID
		got, err := s.NamedDevices(t.Context(), u.ID, uuid.New(), b.ID, hers, d.ID)
		if err != nil || !slices.Equal(names(got), []string{"browser", "phone Notes"}) {
			t.Errorf("%q, %v", names(got), err)
		}
		kept, err := s.KeptDevices(t.Context(), u.ID, []uuid.UUID{uuid.New(), d.ID, hers})
		if err != nil || !slices.Equal(kept, []uuid.UUID{d.ID}) {
			t.Errorf("kept: %v, %v", kept, err)
		}
	})
}

func TestSelectedDevicesAreRevokedTogetherOrNotAtAll(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u, stranger := addUser(t, s), addUser(t, s)
		one, two, out, kept := addApp(t, s, u.ID, "one"), addApp(t, s, u.ID, "two"), addApp(t, s, u.ID, "out"), addApp(t, s, u.ID, "kept")
		hers := addApp(t, s, stranger.ID, "hers")
		at := noon.Add(time.Hour)
		e := event(models.EventDeviceRevoked, u.ID, at)
		e.Detail = string(models.RevokedByOwner)
		if _, _, err := s.RevokeDevice(t.Context(), keyOf(out), e); err != nil {
			t.Fatal(err)
		}
		revoke := func(devices ...models.Device) (int, error) {
			var ids []uuid.UUID
			for _, d := range devices {
				ids = append(ids, d.ID)
			}
			return s.RevokeSelected(t.Context(), u.ID, ids, e)
		}
		for name, stranger := range map[string]models.Device{"another person's": hers, "unknown": {ID: uuid.New()}} {
			if n, err := revoke(one, stranger, two); !errors.Is(err, models.ErrNotFound) || n != 0 {
				t.Errorf("%s: %d, %v", name, n, err)
			}
			if device(t, s, one).RevokedAt != nil || device(t, s, hers).RevokedAt != nil || len(events(t, s, u.ID)) != 6 {
				t.Fatalf("%s: something was done", name)
			}
		}
		if n, err := revoke(two, out, one); err != nil || n != 2 {
			t.Errorf("%d, %v", n, err)
		}
		for _, d := range []models.Device{one, two} {
			got := device(t, s, d)
			list, err := s.EventsOfDevice(t.Context(), keyOf(d), models.EventCursor{}, 9)
			if got.RevokedAt == nil || !got.RevokedAt.Equal(at) || got.RevokeReason != models.RevokedByOwner || got.RevokedBy != models.ActorOwner ||
				err != nil || len(list) != 2 || list[0].Kind != models.EventDeviceRevoked || list[0].DeviceName != d.Name || list[0].Detail != "revoked" {
				t.Errorf("%s: %+v, %+v, %v", d.Name, got, list, err)
			}
		}
		if device(t, s, kept).RevokedAt != nil || len(events(t, s, u.ID)) != 8 {
			t.Error("more was done")
		}
		if n, err := revoke(one, two); err != nil || n != 0 || len(events(t, s, u.ID)) != 8 {
			t.Errorf("once more: %d, %v", n, err)
		}
	})
}
