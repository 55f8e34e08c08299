package web

import (
	"net/http"

	"latchkey/auth"
	"latchkey/views"
)

const confirmPath = "/signup/confirm"

// signupConfirmForm asks for the password of the account that the link makes.
func (s *Server) signupConfirmForm(w http.ResponseWriter, r *http.Request) error {
	if answered, err := s.followLink(w, r, confirmPath); answered {
		return err
	}
	return s.renderConfirm(w, r, http.StatusOK, views.FormProblems{})
}

// signupConfirm makes the account and signs this browser in to it.
func (s *Server) signupConfirm(w http.ResponseWriter, r *http.Request) error {
	p, err := decodePage(r, "password")
	if err != nil {
		return err
	}
	signIn, err := s.browserLogin(w, r, p)
	if err != nil {
		return err
	}
	key, next, err := s.auth.ConfirmSignup(r.Context(), s.cookies.link(r, confirmPath), signIn)
	if err != nil {
		problems, status, ok := s.formProblems(w, r, err)
		if !ok {
			return err
		}
		if auth.AsError(err).Kind == auth.KindWrongPassword {
			problems.Fields["password"], status = problems.Summary, http.StatusUnprocessableEntity
			problems.Summary = "Your account was not made."
		}
		return s.renderConfirm(w, r, status, problems)
	}
	s.cookies.dropLink(w, confirmPath)
	return s.welcome(w, r, key, next)
}

func (s *Server) renderConfirm(w http.ResponseWriter, r *http.Request, status int, problems views.FormProblems) error {
	email, err := s.auth.FindSignup(r.Context(), s.cookies.link(r, confirmPath))
	if err != nil {
		return err
	}
	return render(w, r, status, views.SignupConfirm(views.SignupPage{Shell: s.shell(w, r, "Confirm your e-mail address", ""), Email: email, Problems: problems}))
}
