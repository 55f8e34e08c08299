package web

import (
	"fmt"
	"net/http"

	"latchkey/auth/browser"
	"latchkey/views"
)

// devicesRevokeOthersForm lists what would be signed out, and asks.
func (s *Server) devicesRevokeOthersForm(w http.ResponseWriter, r *http.Request, by *browser.Session) error {
	list, err := s.devices.List(r.Context(), by)
	if err != nil {
		return err
	}
	page := views.RevokeOthersPage{Now: by.Device.LastSeenAt, Bound: s.bound(), Secure: r.URL.Query().Has("secure")}
	for _, d := range list {
		if d.ID != by.Device.ID {
			page.Devices = append(page.Devices, deviceRow(d, by))
		}
	}
	if len(page.Devices) == 0 {
		return s.noOtherDevice(w, r)
	}
	page.Shell = s.shell(w, r, "Sign out everywhere else", "devices")
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
	done := views.Flash{
		Tone: views.ToneSuccess, Text: "Signed out 1 other device. Only this browser is signed in now.", Detail: s.afterRevoke(true),
	}
	if n > 1 {
		done.Text = fmt.Sprintf("Signed out %d other devices. Only this browser is signed in now.", n)
		done.Detail = "They cannot come back without your password. Apps that trusted their passes stop within " + s.soon()
	}
	s.cookies.leave(w, r, done)
	return redirect(w, r, afterOthers(r))
}

// afterOthers is where the form leads on to: back to "Secure my account" where it came from there.
func afterOthers(r *http.Request) string {
	if r.URL.Query().Has("secure") {
		return securePath
	}
	return "/devices"
}

func (s *Server) noOtherDevice(w http.ResponseWriter, r *http.Request) error {
	s.cookies.flash(w, r, views.ToneInfo, "No other device is signed in.")
	return redirect(w, r, afterOthers(r))
}
