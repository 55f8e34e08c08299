package web

import (
	"net/http"

	"latchkey/auth"
	"latchkey/auth/account"
	"latchkey/auth/notify"
	"latchkey/views"
)

// signupForm shows the sign-up form, where accounts can be made.
func (s *Server) signupForm(w http.ResponseWriter, r *http.Request) error {
	if !s.accounts.Config().SignupOpen {
		return &auth.Error{Kind: auth.KindSignupClosed, Message: "You can’t create an account here. Ask your administrator for one."}
	}
	return s.renderSignup(w, r, http.StatusOK, views.SignupPage{Next: localPath(r.URL.Query().Get("next"))})
}

// signup mails a link that confirms the address, or says that it has an account: the answer is the same.
func (s *Server) signup(w http.ResponseWriter, r *http.Request) error {
	p, err := decodePage(r, "email", "password", "next")
	if err != nil {
		return err
	}
	from, err := s.caller(r)
	if err != nil {
		return err
	}
	err = s.accounts.Signup(r.Context(), account.SignupRequest{Email: p["email"], Password: p["password"], Next: localPath(p["next"]), Language: s.signupLanguage(r), From: from})
	if err != nil {
		problems, status, ok := s.formProblems(w, r, err)
		if !ok {
			return err
		}
		return s.renderSignup(w, r, status, views.SignupPage{Email: printable(p["email"]), Next: localPath(p["next"]), Problems: problems})
	}
	return redirect(w, r, "/signup/sent")
}

// signupSent says where to look. It is the same for every address.
func (s *Server) signupSent(w http.ResponseWriter, r *http.Request) error {
	return render(w, r, http.StatusOK, views.SignupSent(views.SignupPage{Shell: s.shell(w, r, say(r).SignupSentTitle(), ""), Life: durationText(say(r), notify.SignupLife)}))
}

func (s *Server) renderSignup(w http.ResponseWriter, r *http.Request, status int, page views.SignupPage) error {
	page.Shell, page.PasswordMin = s.shell(w, r, say(r).SignupTitle(), ""), s.accounts.Config().PasswordMin
	return render(w, r, status, views.Signup(page))
}
