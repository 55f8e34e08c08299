package web

import (
	"net/http"

	"latchkey/auth"
	"latchkey/views"
)

// signupForm shows the sign-up form, where accounts can be made.
func (s *Server) signupForm(w http.ResponseWriter, r *http.Request) error {
	if !s.auth.SignupOpen {
		return &auth.Error{Kind: auth.KindSignupClosed, Message: "New accounts cannot be made here."}
	}
	return s.renderSignup(w, r, http.StatusOK, views.SignupPage{Next: localPath(r.URL.Query().Get("next"))})
}

// signup creates an account and signs this browser in.
func (s *Server) signup(w http.ResponseWriter, r *http.Request) error {
	p, err := decodePage(r, "email", "password", "next")
	if err != nil {
		return err
	}
	signIn, err := s.browserLogin(w, r, p)
	if err != nil {
		return err
	}
	key, err := s.auth.Signup(r.Context(), signIn)
	if err != nil {
		problems, status, ok := s.formProblems(w, r, err)
		if !ok {
			return err
		}
		return s.renderSignup(w, r, status, views.SignupPage{Email: printable(p["email"]), Next: localPath(p["next"]), Problems: problems})
	}
	return s.welcome(w, r, key, p["next"])
}

func (s *Server) renderSignup(w http.ResponseWriter, r *http.Request, status int, page views.SignupPage) error {
	page.Shell, page.PasswordMin = s.shell(w, r, "Create an account", ""), s.auth.PasswordMin
	return render(w, r, status, views.Signup(page))
}
