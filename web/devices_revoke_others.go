package web

import (
	"net/http"

	"latchkey/auth/browser"
	"latchkey/auth/device"
	"latchkey/views"
)

// devicesRevokeOthersForm lists what would be signed out, and asks.
func (s *Server) devicesRevokeOthersForm(w http.ResponseWriter, r *http.Request, by *browser.Session) error {
	list, err := s.devices.List(r.Context(), by)
	if err != nil {
		return err
	}
	where, err := s.placesOf(r, by.User.ID)
	if err != nil {
		return err
	}
	page := views.RevokeOthersPage{Now: by.Device.LastSeenAt, Bound: s.bound(say(r)), Secure: r.URL.Query().Has("secure")}
	for _, d := range list {
		switch {
		case d.ID == by.Device.ID:
		case len(page.Devices) < device.ListPage:
			row := deviceRow(say(r), d, by)
			row.Place = where.at(d.LastIP, d.LastSeenAt)
			page.Devices = append(page.Devices, row)
		default:
			page.More++
		}
	}
	if len(page.Devices) == 0 {
		return s.noOtherDevice(w, r)
	}
	page.Shell = s.shell(w, r, say(r).OthersTitle(), "devices")
	return render(w, r, http.StatusOK, views.RevokeOthers(page))
}

// devicesRevokeOthers signs out every device but this browser.
func (s *Server) devicesRevokeOthers(w http.ResponseWriter, r *http.Request, by *browser.Session) error {
	from, err := s.caller(r)
	if err != nil {
		return err
	}
	n, err := s.devices.RevokeOthers(r.Context(), by, from)
	if err != nil {
		return err
	}
	if n == 0 {
		return s.noOtherDevice(w, r)
	}
	b, p := s.bound(say(r)), say(r)
	done := views.Flash{Tone: views.ToneSuccess, Text: p.OthersDone(int(n)), Detail: p.OthersDoneApps(int(n), b.Most, b.Unchecked)}
	if b.Unchecked == "" {
		done.Detail = p.OthersDoneAppsTrusted(int(n), b.Most)
	}
	s.cookies.leave(w, r, done)
	return redirect(w, r, afterOthers(r))
}

// afterOthers is where the form leads on to: back to "Secure your account" where it came from there.
func afterOthers(r *http.Request) string {
	if r.URL.Query().Has("secure") {
		return securePath
	}
	return "/devices"
}

func (s *Server) noOtherDevice(w http.ResponseWriter, r *http.Request) error {
	s.cookies.flash(w, r, views.ToneInfo, say(r).OthersNotice())
	return redirect(w, r, afterOthers(r))
}
