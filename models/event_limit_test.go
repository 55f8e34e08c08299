package models_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// Concurrent requests take their times before they wait for each other, so they are counted in another order than that of their
// times. The limit holds anyway. Events dated by a clock that was ahead do not count.
func TestALimitHoldsForWhatComesTogether(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		d := addApp(t, s, u.ID, "phone")
		n := 0
		rename := func(at time.Time) error {
			n++
			e := event(models.EventDeviceRenamed, u.ID, at)
			e.Limits = []models.EventLimit{{Most: 5, Within: time.Hour}}
			_, err := s.RenameDevice(t.Context(), models.DeviceKey{UserID: u.ID, ID: d.ID}, live(noon), named(fmt.Sprint("name ", n)), e)
			return err
		}
		for i := range 10 { // each began before the one that is done already
			err := rename(noon.Add(-time.Duration(i) * time.Millisecond))
			if i < 5 && err != nil || i >= 5 && !errors.Is(err, models.ErrLimit) {
				t.Errorf("rename %d: %v", i, err)
			}
			var limit *models.LimitError
			if errors.As(err, &limit) && limit.Wait > time.Hour {
				t.Errorf("to wait: %v", limit.Wait)
			}
		}
		if err := rename(noon.Add(-2 * time.Hour)); err != nil {
			t.Errorf("after a clock that was ahead by two hours: %v", err)
		}
	})
}
