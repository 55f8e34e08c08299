package web

import (
	"net/http"

	"latchkey/auth/browser"
	"latchkey/views"
)

const securePath = "/security/secure"

// secure leads through what to do after an alarm: devices, password, second step.
func (s *Server) secure(w http.ResponseWriter, r *http.Request, by *browser.Session) error {
	o, err := s.devices.Secured(r.Context(), by)
	if err != nil {
		return err
	}
	page := views.SecurePage{Others: o.Others, DevicesDone: o.Devices, PasswordDone: o.Password, SecondStep: by.User.SecondFactor}
	page.Shell = s.shell(w, r, say(r).SecureTitle(), "security")
	return render(w, r, http.StatusOK, views.Secure(page))
}
