package web

import (
	"net/http"

	"latchkey/auth/browser"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/catalog"
)

// deviceRevokeForm says what signing a device out will do, and asks. With ?unknown=1 the owner does not recognise it, and
// is led on to what to do next.
func (s *Server) deviceRevokeForm(w http.ResponseWriter, r *http.Request, by *browser.Session) error {
	d, err := s.devices.Find(r.Context(), by, r.PathValue("id"))
	if err != nil {
		return err
	}
	where, err := s.placesOf(r, by.User.ID)
	if err != nil {
		return err
	}
	row := deviceRow(say(r), d, by)
	row.Place = where.at(d.LastIP, d.LastSeenAt)
	return render(w, r, http.StatusOK, views.Revoke(views.RevokePage{
		Shell: s.shell(w, r, say(r).RevokeTitle(), "devices"), Now: by.Device.LastSeenAt, Device: row,
		Unknown: unknown(r), Bound: s.bound(say(r)),
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
	message := notice(views.ToneSuccess, say(r).RevokeDone(d.Name))
	own := d.ID == by.Device.ID
	switch {
	case own:
	case unknown(r):
		message.Detail = say(r).RevokeDoneUnknown()
	default:
		message.Detail, message.Devices = s.afterRevoke(say(r), d.Kind == models.KindApp), []string{d.ID.String()}
		message.Next = &views.Link{URL: securePath, Text: say(r).RevokeStolen()}
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
func (s *Server) afterRevoke(p catalog.Printer, app bool) string {
	b := s.bound(p)
	switch {
	case !app:
		return p.RevokeDoneBrowser()
	case b.Unchecked == "":
		return p.RevokeDoneAppTrusted(b.Most)
	}
	return p.RevokeDoneApp(b.Most, b.Unchecked)
}

// bound is how long access tokens may be trusted after a sign-out.
func (s *Server) bound(p catalog.Printer) views.Bound {
	b := views.Bound{Most: aboutText(p, s.revocations.Bound())}
	if s.revocations.Bound() < s.tokens.Config().AccessTTL {
		b.Unchecked = aboutText(p, s.tokens.Config().AccessTTL)
	}
	return b
}
