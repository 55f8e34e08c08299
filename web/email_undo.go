package web

import (
	"net/http"

	"latchkey/auth"
	"latchkey/views"
)

// emailUndoForm says what the link in the mail to a former address will do, and asks. Once it is used, the person chooses a
// new password here.
func (s *Server) emailUndoForm(w http.ResponseWriter, r *http.Request, secret string) error {
	link, err := s.addresses.FindUndo(r.Context(), secret)
	switch {
	case err != nil && auth.AsError(err).Kind == auth.KindUsedLink && link.Locked:
		return s.renderLocked(w, r, undoLink.at(secret), http.StatusOK, views.LockedPage{Email: link.Email})
	case err != nil && auth.AsError(err).Kind == auth.KindUsedLink:
		return s.unlocked(w, r, link.Email)
	case err != nil:
		return err
	}
	return render(w, r, http.StatusOK, views.EmailUndo(views.EmailUndoPage{
		Shell: s.shell(w, r, say(r).EmailLinkUndoTitle(), ""), Action: undoLink.at(secret), Email: link.Email,
	}))
}

// emailUndo takes the address back and locks the account, without a sign-in.
func (s *Server) emailUndo(w http.ResponseWriter, r *http.Request, secret string) error {
	from, err := s.caller(r)
	if err != nil {
		return err
	}
	from.Browser = s.cookies.mark(w, r) // the account knows it from now on
	email, err := s.addresses.Undo(r.Context(), secret, from)
	if err != nil && auth.AsError(err).Kind != auth.KindUsedLink {
		return err
	}
	if err == nil {
		told := notice(views.ToneSuccess, say(r).EmailLinkUndone(email))
		told.Detail = say(r).EmailLinkUndoneDetail()
		s.cookies.leave(w, r, told)
	}
	return redirect(w, r, undoLink.at(secret))
}

// emailUndoPassword mails the owner of the account that was taken back a link to a new password.
func (s *Server) emailUndoPassword(w http.ResponseWriter, r *http.Request, secret string) error {
	link, err := s.addresses.FindUndo(r.Context(), secret)
	if err != nil && auth.AsError(err).Kind != auth.KindUsedLink {
		return err
	}
	return s.mailLocked(w, r, undoLink.at(secret), views.LockedPage{Email: link.Email}, func(from auth.Caller) error {
		return s.addresses.ResetAfterUndo(r.Context(), secret, from)
	})
}
