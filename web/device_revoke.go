package web

import (
	"fmt"
	"net/http"

	"latchkey/auth"
	"latchkey/views"
)

// deviceRevokeForm says what signing a device out will do, and asks.
func (s *Server) deviceRevokeForm(w http.ResponseWriter, r *http.Request, by *auth.Session) error {
	d, err := s.auth.Device(r.Context(), by, r.PathValue("id"))
	if err != nil {
		return err
	}
	return render(w, r, http.StatusOK, views.Revoke(views.RevokePage{
		Shell: s.shell(w, r, "Sign out a device", "devices"), Now: by.Device.LastSeenAt, Device: deviceRow(d, by), AccessTTL: inWords(s.auth.AccessTTL),
	}))
}

// deviceRevoke signs a device out, and tells so by name.
func (s *Server) deviceRevoke(w http.ResponseWriter, r *http.Request, by *auth.Session) error {
	from, err := s.caller(r)
	if err != nil {
		return err
	}
	d, err := s.auth.RevokeDevice(r.Context(), by, r.PathValue("id"), from)
	if err != nil {
		return err
	}
	s.cookies.flash(w, r, views.ToneSuccess, fmt.Sprintf("Signed out “%s”.", d.Name))
	if d.ID == by.Device.ID {
		s.cookies.forget(w, r)
		return redirect(w, r, "/login")
	}
	return redirect(w, r, "/devices")
}
