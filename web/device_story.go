package web

import (
	"net/http"
	"net/url"
	"strings"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/device"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/catalog"
)

// deviceStory shows what is kept of one device, live or not.
func (s *Server) deviceStory(w http.ResponseWriter, r *http.Request, by *browser.Session) error {
	return s.renderDeviceStory(w, r, by, http.StatusOK, nil)
}

func (s *Server) renderDeviceStory(w http.ResponseWriter, r *http.Request, by *browser.Session, status int, refusal *views.RenameRefusal) error {
	cursor := r.URL.Query().Get("before")
	o, err := s.devices.Story(r.Context(), by, r.PathValue("id"), cursor)
	if err != nil {
		return err
	}
	where, err := s.placesOf(r, by.User.ID)
	if err != nil {
		return err
	}
	d := o.Device.Device
	page := views.DeviceStoryPage{
		Now: by.Device.LastSeenAt, Device: where.row(say(r), o.Device, by), SignedInFrom: d.CreatedIP, SignedInPlace: where.at(d.CreatedIP, d.CreatedAt),
		Program: latestProgram(d), Key: shortKey(d.JKT), Rename: refusal,
	}
	if at := d.Proved(); at.After(d.CreatedAt) {
		page.ConfirmedAt, page.ConfirmedBy = at, signInWord(say(r), d.ProvedBy)
	}
	if !o.End.Live() {
		end := endedRow(say(r), d, o.End, by)
		page.End = &end
	}
	tellHistory(say(r), where, &page, o, cursor)
	page.Shell = s.shell(w, r, say(r).StoryFacts(), "devices")
	return render(w, r, status, views.DeviceStory(page))
}

// tellHistory fills in the page of events. The theft is told above them, on the newest page.
func tellHistory(p catalog.Printer, where places, page *views.DeviceStoryPage, o device.Story, cursor string) {
	for _, e := range o.Events {
		page.Events = append(page.Events, eventLine(p, where, e))
	}
	if o.Theft != nil && cursor == "" {
		alerts, _ := alertRows(where, []models.Event{*o.Theft})
		page.Theft = &alerts[0]
	}
	if path := devicePath(page.Device.ID); cursor != "" {
		page.Newest = path
	}
	if o.Next != "" {
		page.Older = devicePath(page.Device.ID) + "?before=" + url.QueryEscape(o.Next)
	}
}

func devicePath(id string) string { return "/devices/" + id }

// latestProgram is the program of an app's latest refresh, where it says something and is another than at the sign-in.
func latestProgram(d models.Device) string {
	_, header := d.LastRefresh()
	if agent := auth.DescribeAgent(header); header != d.UserAgent && agent.Name != auth.UnknownBrowser {
		return agent.Name
	}
	return ""
}

// shortKey is the beginning and the end of a thumbprint: enough to tell two apart.
func shortKey(thumbprint string) string {
	if len(thumbprint) < 20 {
		return thumbprint
	}
	return strings.Join([]string{thumbprint[:8], thumbprint[len(thumbprint)-6:]}, "…")
}
