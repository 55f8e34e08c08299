package web

import (
	"net/http"
	"strconv"
	"time"

	"latchkey/auth/browser"
	"latchkey/views"
)

// alertsDismiss takes the warnings off the devices page, up to the one that the person saw there.
func (s *Server) alertsDismiss(w http.ResponseWriter, r *http.Request, by *browser.Session) error {
	p, err := decodePage(r, "seen")
	if err != nil {
		return err
	}
	micros, err := strconv.ParseInt(p["seen"], 10, 64)
	if err != nil || micros <= 0 || micros > 1<<52 {
		return redirect(w, r, "/devices") // no moment: nothing was seen
	}
	if err := s.devices.DismissAlerts(r.Context(), by, time.UnixMicro(micros)); err != nil {
		return err
	}
	s.cookies.leave(w, r, views.Flash{Tone: views.ToneSuccess, Text: "Dismissed.", Detail: "The warnings stay in your activity."})
	return redirect(w, r, "/devices")
}
