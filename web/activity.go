package web

import (
	"net/http"
	"net/url"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/device"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/catalog"
)

// activity shows what happened with the account, newest first; ?kind= keeps some kinds only.
func (s *Server) activity(w http.ResponseWriter, r *http.Request, by *browser.Session) error {
	cursor, filter := r.URL.Query().Get("before"), device.ActivityFilter(r.URL.Query().Get("kind"))
	list, next, err := s.devices.Activity(r.Context(), by, filter, cursor)
	if err != nil {
		return err
	}
	where, err := s.placesOf(r, by.User.ID)
	if err != nil {
		return err
	}
	page := views.ActivityPage{Shell: s.shell(w, r, say(r).ActivityTitle(), "activity"), Now: by.Device.LastSeenAt, Filters: activityFilters(say(r), filter)}
	kept, err := s.devices.Kept(r.Context(), by, list)
	if err != nil {
		return err
	}
	for _, e := range list {
		line := eventLine(say(r), where, e)
		if e.DeviceID.Valid && kept[e.DeviceID.UUID] {
			line.Device, line.Page = e.DeviceName, devicePath(e.DeviceID.UUID.String())
		}
		page.Events = append(page.Events, line)
	}
	if next != "" {
		page.Older = activityURL(filter, next)
	}
	if cursor != "" {
		page.Newest = activityURL(filter, "")
	}
	return render(w, r, http.StatusOK, views.Activity(page))
}

func activityFilters(p catalog.Printer, active string) []views.Filter {
	var list []views.Filter
	for _, f := range [][2]string{
		{"", p.ActivityFilterAll()}, {device.FilterWarnings, p.ActivityFilterWarnings()}, {device.FilterSignIns, p.ActivityFilterSignIns()},
		{device.FilterDevices, p.ActivityFilterDevices()}, {device.FilterAccount, p.ActivityFilterAccount()}, {device.FilterSupport, p.ActivityFilterSupport()},
	} {
		list = append(list, views.Filter{Text: f[1], URL: activityURL(f[0], ""), Active: f[0] == active})
	}
	return list
}

func activityURL(filter, before string) string {
	query := url.Values{}
	if filter != "" {
		query.Set("kind", filter)
	}
	if before != "" {
		query.Set("before", before)
	}
	if len(query) == 0 {
		return "/activity"
	}
	return "/activity?" + query.Encode()
}

func eventLine(p catalog.Printer, where places, e models.Event) views.Event {
	line := views.Event{Alarm: device.Alarming(e), At: e.At, Address: e.IP, Place: where.at(e.IP, e.At), Copied: where.copied(e.Reuse, e.At), Reason: lookReason(e)}
	said := sentence(p, e)
	line.Text, line.Names = said.Text, said.Names
	if agent := auth.DescribeAgent(e.UserAgent); agent.Name != auth.UnknownBrowser {
		line.Agent = agent.Name
	}
	return line
}

// lookReason is the reason for a look by support. The previous release, which may run beside this one, deletes accounts without taking
// the reason from the staff's event; it may name the person.
func lookReason(e models.Event) string {
	if e.Kind == models.EventSupportLooked && e.Detail == "" {
		return ""
	}
	return e.Reason
}
