package web

import (
	"net/http"

	"latchkey/auth"
	"latchkey/views"
)

// renderLocked says that the account is locked, and offers the way to a new password. It stands at the page of the link
// that locked it, whose holder need not type an address.
func (s *Server) renderLocked(w http.ResponseWriter, r *http.Request, link string, status int, page views.LockedPage) error {
	page.Shell, page.Action = s.shell(w, r, say(r).LockedTitle(), ""), link+"/password"
	return render(w, r, status, views.Locked(page))
}

// mailLocked mails the link to a new password.
func (s *Server) mailLocked(w http.ResponseWriter, r *http.Request, link string, page views.LockedPage, ask func(auth.Caller) error) error {
	from, err := s.caller(r)
	if err != nil {
		return err
	}
	if err := ask(from); err != nil {
		problems, status, ok := s.formProblems(w, r, err)
		if !ok {
			return err
		}
		page.Problems = problems
		return s.renderLocked(w, r, link, status, page)
	}
	return redirect(w, r, "/forgot/sent")
}

// unlocked leads on from a link that locked an account which has a new password by now.
func (s *Server) unlocked(w http.ResponseWriter, r *http.Request, email string) error {
	s.cookies.leave(w, r, views.Flash{Tone: views.ToneInfo, Text: say(r).LockedOver(), Email: email})
	return redirect(w, r, "/login")
}
