package web

import (
	"net/http"

	"latchkey/views"
)

const emailUndoPath = "/email/undo"

// emailUndoForm says what the link in the mail to a former address will do, and asks.
func (s *Server) emailUndoForm(w http.ResponseWriter, r *http.Request) error {
	if answered, err := s.followLink(w, r, emailUndoPath); answered {
		return err
	}
	email, err := s.auth.FindEmailUndo(r.Context(), s.cookies.link(r, emailUndoPath))
	if err != nil {
		return err
	}
	return render(w, r, http.StatusOK, views.EmailUndo(views.EmailUndoPage{Shell: s.shell(w, r, "Take your address back?", ""), Email: email}))
}

// emailUndo takes the address back and locks the account, without a sign-in.
func (s *Server) emailUndo(w http.ResponseWriter, r *http.Request) error {
	from, err := s.caller(r)
	if err != nil {
		return err
	}
	from.Browser = s.cookies.mark(w, r) // the account knows it from now on
	email, err := s.auth.UndoEmailChange(r.Context(), s.cookies.link(r, emailUndoPath), from)
	if err != nil {
		return err
	}
	s.cookies.dropLink(w, emailUndoPath)
	s.cookies.leave(w, r, views.Flash{
		Tone: views.ToneSuccess, Text: "Done: your address is %s again.", Names: []string{email},
		Detail: "Every device was signed out, and your password is locked. Choose a new one now, by a mail to this address.",
	})
	return redirect(w, r, "/forgot")
}
