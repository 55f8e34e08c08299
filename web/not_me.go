package web

import (
	"net/http"

	"latchkey/auth"
	"latchkey/views"
)

// notMeForm says what the link "This wasn't me" will do, and asks. Once it is used, the person chooses a new password here.
func (s *Server) notMeForm(w http.ResponseWriter, r *http.Request, secret string) error {
	link, err := s.accounts.FindNotMe(r.Context(), secret)
	switch {
	case err != nil && auth.AsError(err).Kind == auth.KindUsedLink && link.Locked:
		return s.renderLocked(w, r, notMeLink.at(secret), http.StatusOK, views.LockedPage{Email: link.Email, Moved: link.Moved})
	case err != nil && auth.AsError(err).Kind == auth.KindUsedLink:
		return s.unlocked(w, r, "")
	case err != nil:
		return err
	}
	return render(w, r, http.StatusOK, views.NotMe(views.NotMePage{
		Shell: s.shell(w, r, "This wasn’t you?", ""), Action: notMeLink.at(secret), Email: link.Email, Device: link.DeviceName, Since: link.Since,
	}))
}

// notMe signs out what the link is about and locks the password, without a sign-in.
func (s *Server) notMe(w http.ResponseWriter, r *http.Request, secret string) error {
	from, err := s.caller(r)
	if err != nil {
		return err
	}
	_, err = s.accounts.AnswerNotMe(r.Context(), secret, from)
	if err != nil && auth.AsError(err).Kind != auth.KindUsedLink {
		return err
	}
	if err == nil {
		s.cookies.flash(w, r, views.ToneSuccess, "Done: it is signed out, and your password is locked.")
	}
	return redirect(w, r, notMeLink.at(secret))
}

// notMePassword mails the owner of the account that was locked a link to a new password.
func (s *Server) notMePassword(w http.ResponseWriter, r *http.Request, secret string) error {
	link, err := s.accounts.FindNotMe(r.Context(), secret)
	if err != nil && auth.AsError(err).Kind != auth.KindUsedLink {
		return err
	}
	return s.mailLocked(w, r, notMeLink.at(secret), views.LockedPage{Email: link.Email, Moved: link.Moved}, func(from auth.Caller) error {
		return s.accounts.ResetAfterNotMe(r.Context(), secret, from)
	})
}
