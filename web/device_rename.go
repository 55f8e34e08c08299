package web

import (
	"net/http"
	"strings"

	"latchkey/auth/browser"
	"latchkey/views"
)

// deviceRename renames a device in place; a name that is taken comes back numbered. With ?page=1 it was done on the page of the device.
func (s *Server) deviceRename(w http.ResponseWriter, r *http.Request, by *browser.Session) error {
	p, err := decodePage(r, "name")
	if err != nil {
		return err
	}
	from, err := s.caller(r)
	if err != nil {
		return err
	}
	d, err := s.devices.Rename(r.Context(), by, r.PathValue("id"), p["name"], from)
	if err != nil {
		problems, status, ok := s.formProblems(w, r, err)
		problem := problems.Fields["name"]
		if status == http.StatusTooManyRequests {
			problem = problems.Summary
		}
		if !ok || problem == "" {
			return err
		}
		refusal := &views.RenameRefusal{DeviceID: strings.ToLower(r.PathValue("id")), Value: printable(p["name"]), Problem: problem}
		if onOwnPage(r) {
			return s.renderDeviceStory(w, r, by, status, refusal)
		}
		return s.renderDevices(w, r, by, status, refusal)
	}
	message := say(r).DevicesRenamed(d.Name)
	if d.Name != strings.TrimSpace(p["name"]) {
		message = say(r).DevicesRenamedNumbered(d.Name)
	}
	done := notice(views.ToneSuccess, message)
	if onOwnPage(r) {
		s.cookies.leave(w, r, done)
		return redirect(w, r, devicePath(d.ID.String()))
	}
	done.Devices = []string{d.ID.String()}
	s.cookies.leave(w, r, done)
	return redirect(w, r, "/devices")
}

// onOwnPage tells whether a form was sent from the page of the device, and leads back there.
func onOwnPage(r *http.Request) bool { return r.URL.Query().Has("page") }
