package web

import (
	"net/http"

	"latchkey/views"
)

const resetPath = "/reset"

// resetForm asks for the new password of the account that the link is about.
func (s *Server) resetForm(w http.ResponseWriter, r *http.Request) error {
	if answered, err := s.followLink(w, r, resetPath); answered {
		return err
	}
	return s.renderReset(w, r, http.StatusOK, views.FormProblems{})
}

// reset sets the new password, signs out every device, this browser too, and leads to the sign-in form.
func (s *Server) reset(w http.ResponseWriter, r *http.Request) error {
	p, err := decodePage(r, "new_password")
	if err != nil {
		return err
	}
	from, err := s.caller(r)
	if err != nil {
		return err
	}
	from.Browser = s.cookies.mark(w, r) // the account knows it from now on
	if err := s.auth.ResetPassword(r.Context(), s.cookies.link(r, resetPath), p["new_password"], from); err != nil {
		problems, status, ok := s.formProblems(w, r, err)
		if !ok {
			return err
		}
		return s.renderReset(w, r, status, problems)
	}
	s.cookies.dropLink(w, resetPath)
	s.cookies.forget(w, r)
	s.cookies.flash(w, r, views.ToneSuccess, "Your password was changed, and every device was signed out. Sign in with the new one.")
	return redirect(w, r, "/login")
}

func (s *Server) renderReset(w http.ResponseWriter, r *http.Request, status int, problems views.FormProblems) error {
	user, err := s.auth.FindReset(r.Context(), s.cookies.link(r, resetPath))
	if err != nil {
		return err
	}
	return render(w, r, status, views.Reset(views.ResetPage{
		Shell: s.shell(w, r, "Choose a new password", ""), Email: user.Email, PasswordMin: s.auth.PasswordMin, Problems: problems,
	}))
}
