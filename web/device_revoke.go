package web

import (
	"fmt"
	"net/http"

	"latchkey/auth/browser"
	"latchkey/models"
	"latchkey/views"
)

// deviceRevokeForm says what signing a device out will do, and asks. With ?unknown=1 the owner does not recognise it, and
// is led on to what to do next.
func (s *Server) deviceRevokeForm(w http.ResponseWriter, r *http.Request, by *browser.Session) error {
	d, err := s.devices.Find(r.Context(), by, r.PathValue("id"))
	if err != nil {
		return err
	}
	return render(w, r, http.StatusOK, views.Revoke(views.RevokePage{
		Shell: s.shell(w, r, "Sign out a device", "devices"), Now: by.Device.LastSeenAt, Device: deviceRow(d, by),
		Unknown: unknown(r), Bound: s.bound(),
	}))
}

func unknown(r *http.Request) bool { return r.URL.Query().Has("unknown") }

// deviceRevoke signs a device out, and tells so by name.
func (s *Server) deviceRevoke(w http.ResponseWriter, r *http.Request, by *browser.Session) error {
	from, err := s.caller(r)
	if err != nil {
		return err
	}
	d, err := s.devices.Revoke(r.Context(), by, r.PathValue("id"), from)
	if err != nil {
		return err
	}
	message := views.Flash{Tone: views.ToneSuccess, Text: "Signed out “%s”.", Names: []string{d.Name}}
	own := d.ID == by.Device.ID
	switch {
	case own:
	case unknown(r):
		message.Detail = "The person who signed in there may know your password. Go on below."
	default:
		message.Detail = s.afterRevoke(d.Kind == models.KindApp)
	}
	s.cookies.leave(w, r, message)
	switch {
	case own:
		s.cookies.clearSession(w, r)
		return redirect(w, r, "/login")
	case unknown(r):
		return redirect(w, r, securePath)
	}
	return redirect(w, r, "/devices")
}

// afterRevoke says what being signed out means from now on, and how soon.
func (s *Server) afterRevoke(app bool) string {
	if !app {
		return "It cannot come back without your password."
	}
	return "It cannot come back without your password. Apps that trusted its pass stop within " + s.soon()
}

// bound is how long access tokens may be trusted after a sign-out.
func (s *Server) bound() views.Bound {
	b := views.Bound{Most: durationText(s.tokens.RevocationBound())}
	if s.tokens.RevocationBound() < s.tokens.Config().AccessTTL {
		b.Unchecked = durationText(s.tokens.Config().AccessTTL)
	}
	return b
}

// soon is the bound at the end of a sentence.
func (s *Server) soon() string {
	b := s.bound()
	if b.Unchecked == "" {
		return b.Most + "."
	}
	return fmt.Sprintf("%s, or %s where they do not check for sign-outs.", b.Most, b.Unchecked)
}
