package services_test

import (
	"testing"
	"time"

	"latchkey/auth/incident"
	"latchkey/auth/services"
	"latchkey/models"
)

func TestAnIncidentIsSpreadOverATime(t *testing.T) {
	eachWithIncidents(t, func(t *testing.T, d *desk) {
		d.change(t, func(c *services.Config) { c.Budgets.Window, c.Budgets.Day = 1000, 1000 })
		const many, seconds = 20, 4
		for range many {
			d.appAt(t, "mobile", "phone", "192.0.2.1")
		}
		d.advance(time.Minute)
		i := d.preview(t, d.ofClients("mobile"))
		over := incident.Start{Over: seconds * time.Second}
		if i, err := d.Incidents.Confirm(t.Context(), i.ID, incident.Request{}, over); err != nil || i.OverSeconds != seconds {
			t.Fatalf("%+v, %v", i, err)
		}
		began, steps := time.Now(), map[int64]bool{}
		done, err := d.Incidents.Work(t.Context(), i.ID, func(i models.Incident, _ bool) {
			steps[i.Devices] = true
			if due := 1 + many/seconds*time.Since(began).Seconds(); float64(i.Devices) > due {
				t.Errorf("%d devices are signed out when %.1f are due", i.Devices, due)
			}
		})
		if err != nil || done.State != models.IncidentDone || done.Devices != many || len(steps) < 3 {
			t.Errorf("%+v in steps to %v, %v", done, steps, err)
		}
	})
}
