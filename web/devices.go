package web

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/catalog"
)

// devices shows everything that holds the person's account.
func (s *Server) listDevices(w http.ResponseWriter, r *http.Request, by *browser.Session) error {
	return s.renderDevices(w, r, by, http.StatusOK, nil)
}

func (s *Server) renderDevices(w http.ResponseWriter, r *http.Request, by *browser.Session, status int, refusal *views.RenameRefusal) error {
	o, err := s.devices.Overview(r.Context(), by)
	if err != nil {
		return err
	}
	if refusal != nil && !slices.ContainsFunc(o.Live, func(d models.NamedDevice) bool { return d.Device.ID.String() == refusal.DeviceID }) {
		return &auth.Error{Kind: auth.KindNotFound, Message: "We can’t find this device."} // nowhere to show the refusal beside
	}
	where, err := s.placesOf(r, by.User.ID)
	if err != nil {
		return err
	}
	page := views.DevicesPage{Shell: s.shell(w, r, say(r).DevicesTitle(), "devices"), Now: by.Device.LastSeenAt, Rename: refusal}
	for _, d := range o.Live {
		row := deviceRow(say(r), d.Device, by)
		row.Place = where.at(d.Device.LastIP, d.Device.LastSeenAt)
		if d.ClientName != "" {
			row.Client = d.ClientName
		}
		switch {
		case row.App:
			page.Apps = append(page.Apps, row)
		case row.Current:
			page.Browsers = append([]views.Device{row}, page.Browsers...)
		default:
			page.Browsers = append(page.Browsers, row)
		}
		if !row.Current {
			page.Others++
		}
	}
	for _, d := range o.Ended {
		row := deviceRow(say(r), d.Device, by)
		page.Ended = append(page.Ended, views.Ended{
			Name: row.Name, Icon: row.Icon, Reason: endTextOf(d.End.Reason).owner(say(r)), Alarm: d.End.Reason == models.RevokedByReuse, At: d.End.At,
		})
	}
	page.Alerts, page.AlertsSeen = alertRows(where, o.Alerts)
	if slices.ContainsFunc(page.Alerts, func(a views.Alert) bool { return a.Theft }) {
		page.PasswordOffer = "" // it waits until the theft was seen
	}
	return render(w, r, status, views.Devices(page))
}

// alertRows are the warnings, and what dismissing them sends back: the moment of the newest.
func alertRows(where places, events []models.Event) (rows []views.Alert, seen string) {
	for _, e := range events {
		rows = append(rows, views.Alert{
			Theft: e.Kind == models.EventDeviceReused, Device: e.DeviceName, ID: e.DeviceID.UUID.String(), At: e.At, Address: e.IP,
			Place: where.at(e.IP, e.At), Copied: where.copied(e.Reuse, e.At),
		})
	}
	if len(events) > 0 {
		seen = strconv.FormatInt(events[0].At.UnixMicro(), 10)
	}
	return rows, seen
}

// deviceRow is a device as the pages show it.
func deviceRow(p catalog.Printer, d models.Device, by *browser.Session) views.Device {
	agent := auth.DescribeAgent(d.UserAgent)
	row := views.Device{
		ID: d.ID.String(), Name: d.Name, Icon: agent.Icon, App: d.Kind == models.KindApp, Current: d.ID == by.Device.ID, Bound: d.JKT != "",
		Client: d.ClientID, Agent: agent.Name, Address: d.LastIP, CreatedAt: d.CreatedAt, LastSeenAt: d.LastSeenAt, ExpiresAt: d.ExpiresAt,
		Method: signInWord(p, d.SignedInBy),
	}
	switch {
	case row.App && agent.Name == auth.UnknownBrowser:
		row.Agent, row.Icon = "", "phone" // an app's HTTP library says little; its client_id and its name say more
	case !row.App && row.Icon == "unknown":
		row.Icon = "browser"
	}
	return row
}

// durationText says a duration as people do: "15 minutes".
func durationText(p catalog.Printer, d time.Duration) string {
	switch {
	case d >= 2*time.Hour && d%time.Hour == 0:
		return p.DurationHours(int(d / time.Hour))
	case d >= time.Minute:
		return p.DurationMinutes(int((d + time.Minute - 1) / time.Minute))
	}
	return p.DurationSeconds(int(d / time.Second))
}
