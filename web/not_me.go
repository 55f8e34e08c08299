package web

import (
	"net/http"

	"latchkey/views"
)

const notMePath = "/not-me"

// notMeForm says what the link "This wasn't me" will do, and asks.
func (s *Server) notMeForm(w http.ResponseWriter, r *http.Request) error {
	if answered, err := s.followLink(w, r, notMePath); answered {
		return err
	}
	link, err := s.auth.FindAlarm(r.Context(), s.cookies.link(r, notMePath))
	if err != nil {
		return err
	}
	return render(w, r, http.StatusOK, views.NotMe(views.NotMePage{Shell: s.shell(w, r, "This wasn’t you?", ""), Device: link.DeviceName, Since: link.Since}))
}

// notMe signs out what the link is about and locks the password, without a sign-in.
func (s *Server) notMe(w http.ResponseWriter, r *http.Request) error {
	from, err := s.caller(r)
	if err != nil {
		return err
	}
	if _, err := s.auth.AnswerAlarm(r.Context(), s.cookies.link(r, notMePath), from); err != nil {
		return err
	}
	s.cookies.dropLink(w, notMePath)
	s.cookies.flash(w, r, views.ToneSuccess, "Done: it is signed out, and your password is locked. Choose a new one now, by mail.")
	return redirect(w, r, "/forgot")
}
