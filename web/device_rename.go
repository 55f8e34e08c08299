package web

import (
	"net/http"
	"strings"

	"latchkey/auth/browser"
	"latchkey/views"
)

// deviceRename renames a device in place; a name that is taken comes back numbered.
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
		return s.renderDevices(w, r, by, status, &views.RenameRefusal{
			DeviceID: strings.ToLower(r.PathValue("id")), Value: printable(p["name"]), Problem: problem,
		})
	}
	message := say(r).DevicesRenamed(d.Name)
	if d.Name != strings.TrimSpace(p["name"]) {
		message = say(r).DevicesRenamedNumbered(d.Name)
	}
	s.cookies.leave(w, r, notice(views.ToneSuccess, message))
	return redirect(w, r, "/devices")
}
