package models_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// The event of an alarm tells how many devices it signed out beside the one that it names.
func TestTheEventOfAnAlarmCountsItsDevices(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		for name, c := range map[string]struct {
			about       func(second models.Device) string
			out         int // how many of the four are signed out before, the second one first
			device      string
			detail      string
			revokedHere int64
		}{
			"one device and those after it":          {func(d models.Device) string { return d.ID.String() }, 0, "device 1", "2", 3},
			"one that is out, and those after it":    {func(d models.Device) string { return d.ID.String() }, 1, "device 1", "2", 2},
			"one that is out, as are those after it": {func(d models.Device) string { return d.ID.String() }, 3, "device 1", "0", 0},
			"those since a moment":                   {func(d models.Device) string { return models.DevicesFrom(d.CreatedAt, "x") }, 0, "", "3", 3},
			"those since a moment, all out":          {func(d models.Device) string { return models.DevicesFrom(d.CreatedAt, "x") }, 3, "", "0", 0},
			"every device":                           {func(models.Device) string { return models.EveryDevice + "x" }, 0, "", "", 4},
		} {
			u := addUser(t, s)
			var list []models.Device
			for i := range 4 {
				d, err := s.AddDevice(t.Context(), signIn(u.ID, models.KindApp, fmt.Sprint("device ", i), noon.Add(time.Duration(i)*time.Minute)))
				if err != nil {
					t.Fatal(err)
				}
				list = append(list, d)
			}
			for _, d := range list[1 : 1+c.out] {
				if _, _, err := s.RevokeDevice(t.Context(), models.DeviceKey{UserID: u.ID, ID: d.ID}, event(models.EventDeviceRevoked, u.ID, noon)); err != nil {
					t.Fatal(err)
				}
			}
			alarm := link(u, "alarm", "alarm "+u.ID.String(), noon)
			alarm.Subject = c.about(list[1])
			if err := s.AddMail(t.Context(), mailTo(u, "alarm", u.Email, noon, alarm)); err != nil {
				t.Fatal(err)
			}
			at := noon.Add(time.Hour)
			done, err := s.ReportNotMe(t.Context(), models.NotMeReport{Purpose: "alarm", Hash: alarm.Hash, At: at, Event: event(models.EventLocked, uuid.Nil, at)})
			if err != nil || done.Revoked != c.revokedHere {
				t.Fatalf("%s: %d, %v", name, done.Revoked, err)
			}
			events, err := s.Events(t.Context(), u.ID, models.EventCursor{}, 1)
			if err != nil || len(events) != 1 || events[0].Kind != models.EventLocked || events[0].DeviceName != c.device || events[0].Detail != c.detail {
				t.Errorf("%s: %+v, %v", name, events, err)
			}
		}
	})
}
