package web

import (
	"net/http"
	"strings"

	"latchkey/auth/browser"
	"latchkey/views"
)

// devicesRevokeSelectedForm names the selected devices, and asks.
func (s *Server) devicesRevokeSelectedForm(w http.ResponseWriter, r *http.Request, by *browser.Session) error {
	ids := r.URL.Query()["device"]
	selected, err := s.devices.Selected(r.Context(), by, ids)
	if err != nil {
		return err
	}
	if len(selected.Live) == 0 {
		return s.nothingSelected(w, r, len(ids))
	}
	where, err := s.placesOf(r, by.User.ID)
	if err != nil {
		return err
	}
	page := views.RevokeSelectedPage{Now: by.Device.LastSeenAt, Ended: selected.Ended, Bound: s.bound(say(r))}
	for _, d := range selected.Live {
		page.Devices = append(page.Devices, where.row(say(r), d, by))
	}
	page.Shell = s.shell(w, r, say(r).SelectedTitle(), "devices")
	return render(w, r, http.StatusOK, views.RevokeSelected(page))
}

// devicesRevokeSelected signs the selected devices out.
func (s *Server) devicesRevokeSelected(w http.ResponseWriter, r *http.Request, by *browser.Session) error {
	p, err := decodePage(r, "devices")
	if err != nil {
		return err
	}
	from, err := s.caller(r)
	if err != nil {
		return err
	}
	ids := strings.FieldsFunc(p["devices"], func(c rune) bool { return c == ',' })
	n, err := s.devices.RevokeSelected(r.Context(), by, ids, from)
	if err != nil {
		return err
	}
	if n == 0 {
		return s.nothingSelected(w, r, len(ids))
	}
	b, say := s.bound(say(r)), say(r)
	done := views.Flash{Tone: views.ToneSuccess, Text: say.SelectedDone(n), Detail: say.OthersDoneApps(n, b.Most, b.Unchecked), Devices: ids[:min(len(ids), maxMarked)]}
	if b.Unchecked == "" {
		done.Detail = say.OthersDoneAppsTrusted(n, b.Most)
	}
	s.cookies.leave(w, r, done)
	return redirect(w, r, "/devices")
}

// maxMarked is how many devices a message names: it travels in a cookie, and the page lists no more of those that ended.
const maxMarked = 8

// nothingSelected says why nothing was signed out.
func (s *Server) nothingSelected(w http.ResponseWriter, r *http.Request, selected int) error {
	text := say(r).SelectedNone()
	if selected > 0 {
		text = say(r).SelectedAlready()
	}
	s.cookies.flash(w, r, views.ToneInfo, text)
	return redirect(w, r, "/devices")
}
