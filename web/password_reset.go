package web

import (
	"net/http"

	"latchkey/auth"
	"latchkey/views"
)

// passwordResetForm asks for the new password of the account that the link is about.
func (s *Server) passwordResetForm(w http.ResponseWriter, r *http.Request, secret string) error {
	return s.renderPasswordReset(w, r, secret, http.StatusOK, views.FormProblems{})
}

// passwordReset sets the new password, signs out every device, this browser too, and leads to the sign-in form.
func (s *Server) passwordReset(w http.ResponseWriter, r *http.Request, secret string) error {
	p, err := decodePage(r, "new_password")
	if err != nil {
		return err
	}
	from, err := s.caller(r)
	if err != nil {
		return err
	}
	from.Browser = s.cookies.mark(w, r) // the account knows it from now on
	if err := s.accounts.ResetPassword(r.Context(), secret, p["new_password"], from); err != nil {
		problems, status, ok := s.formProblems(w, r, err)
		if auth.AsError(err).Kind == auth.KindUsedLink {
			return s.renderPasswordReset(w, r, secret, http.StatusOK, problems)
		}
		if !ok {
			return err
		}
		return s.renderPasswordReset(w, r, secret, status, problems)
	}
	s.cookies.clearSession(w, r)
	return s.renderPasswordReset(w, r, secret, http.StatusOK, views.FormProblems{})
}

// renderPasswordReset shows the form, or goes on where the use of the link has led.
func (s *Server) renderPasswordReset(w http.ResponseWriter, r *http.Request, secret string, status int, problems views.FormProblems) error {
	user, err := s.accounts.FindPasswordReset(r.Context(), secret)
	if err != nil && auth.AsError(err).Kind == auth.KindUsedLink {
		s.cookies.leave(w, r, views.Flash{
			Tone: views.ToneSuccess, Text: say(r).ResetDone(), Email: user.Email,
		})
		return redirect(w, r, "/login")
	}
	if err != nil {
		return err
	}
	return render(w, r, status, views.PasswordReset(views.PasswordResetPage{
		Shell: s.shell(w, r, say(r).ResetTitle(), ""), Action: passwordResetLink.at(secret), Email: user.Email, PasswordMin: s.accounts.Config().PasswordMin, Problems: problems,
	}))
}
