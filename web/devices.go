package web

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/device"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/catalog"
)

// devices shows everything that holds the person's account. ?q= searches it, ?all= shows it page by page.
func (s *Server) listDevices(w http.ResponseWriter, r *http.Request, by *browser.Session) error {
	return s.renderDevices(w, r, by, http.StatusOK, nil)
}

func (s *Server) renderDevices(w http.ResponseWriter, r *http.Request, by *browser.Session, status int, refusal *views.RenameRefusal) error {
	view := deviceView(r)
	if done := s.cookies.readFlash(r); done != nil {
		view.Keep = append(view.Keep, done.Devices...)
	}
	if refusal != nil {
		view.Keep = append(view.Keep, refusal.DeviceID)
	}
	o, err := s.devices.Overview(r.Context(), by, view)
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
	page := views.DevicesPage{Now: by.Device.LastSeenAt, Rename: refusal, Picked: r.URL.Query()["device"]}
	if o.Current != nil {
		row := where.row(say(r), *o.Current, by)
		page.Current = &row
	}
	page.Groups, page.Others, page.Apps, page.Browsers = deviceGroups(say(r), where, o, by), o.Others, o.Apps, o.Found-o.Apps
	page.Part = devicePart(view, o.Listing)
	for _, d := range o.Ended {
		page.Ended = append(page.Ended, endedRow(say(r), d.Device, d.End, by))
	}
	if len(page.Ended) == device.EndedShown {
		page.EndedMost = device.EndedShown
	}
	page.Alerts, page.AlertsSeen = alertRows(where, o.Alerts)
	page.PasswordChanged = changedSinceTheft(by.User, o.Alerts)
	page.Shell = s.shell(w, r, say(r).DevicesTitle(), "devices")
	if slices.ContainsFunc(page.Alerts, func(a views.Alert) bool { return a.Theft }) {
		page.PasswordOffer = "" // it waits until the theft was seen
	}
	page.TellInPlace()
	return render(w, r, status, views.Devices(page))
}

// endedRow is a device that is signed in no more.
func endedRow(p catalog.Printer, d models.Device, end models.Ending, by *browser.Session) views.Ended {
	row := deviceRow(p, d, by)
	return views.Ended{
		ID: row.ID, Name: row.Name, Icon: row.Icon, Reason: endTextOf(end.Reason).owner(p), Alarm: end.Reason == models.RevokedByReuse, Owner: end.Reason == models.RevokedByOwner, At: end.At,
	}
}

// changedSinceTheft tells whether the password is newer than every theft among the warnings.
func changedSinceTheft(u models.User, alerts []models.Event) bool {
	newer := slices.ContainsFunc(alerts, func(e models.Event) bool {
		return e.Kind == models.EventDeviceReused && !e.At.Before(u.PasswordChangedAt)
	})
	return !newer
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

// row is deviceRow with the name under which the app is registered, and what is known of its address.
func (where places) row(p catalog.Printer, d models.NamedDevice, by *browser.Session) views.Device {
	row := deviceRow(p, d.Device, by)
	row.Place = where.at(d.Device.LastIP, d.Device.LastSeenAt)
	if d.ClientName != "" {
		row.Client = d.ClientName
	}
	return row
}

// deviceRow is a device as the pages show it.
func deviceRow(p catalog.Printer, d models.Device, by *browser.Session) views.Device {
	agent := auth.DescribeAgent(d.UserAgent)
	row := views.Device{
		ID: d.ID.String(), Name: d.Name, Icon: agent.Icon, App: d.Kind == models.KindApp, Current: d.ID == by.Device.ID, Bound: d.JKT != "",
		Client: d.ClientID, Agent: agent.Name, Address: d.LastIP, CreatedAt: d.CreatedAt, LastSeenAt: d.LastSeenAt, ExpiresAt: d.ExpiresAt,
		Method: signInWord(p, d.SignedInBy),
	}
	if d.ThroughAgent != "" && row.Method != "" {
		row.Method = p.MethodThrough(row.Method, p.Program(auth.DescribeAgent(d.ThroughAgent).Name))
	}
	switch {
	case row.App && agent.Name == auth.UnknownBrowser:
		row.Agent, row.Icon = "", "phone" // an app's HTTP library says little; its client_id and its name say more
	case !row.App && row.Icon == "unknown":
		row.Icon = "browser"
	}
	return row
}

// aboutText says how long something may take at most, to the half minute: people do not act on seconds.
func aboutText(p catalog.Printer, d time.Duration) string {
	const half, slack = 30 * time.Second, 5 * time.Second
	return durationText(p, max(half, (d-slack+half-1)/half*half))
}

// durationText says a duration as people do: "15 minutes".
func durationText(p catalog.Printer, d time.Duration) string {
	switch {
	case d >= 2*time.Hour && d%time.Hour == 0:
		return p.DurationHours(int(d / time.Hour))
	case d >= 2*time.Minute || d == time.Minute:
		return p.DurationMinutes(int((d + time.Minute - 1) / time.Minute))
	}
	return p.DurationSeconds(int(d / time.Second))
}
