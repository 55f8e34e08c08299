package web

import (
	"net/http"

	"latchkey/auth/notify"
	"latchkey/views"
)

// forgotForm asks for the address, or says that no mail is sent here.
func (s *Server) forgotForm(w http.ResponseWriter, r *http.Request) error {
	return s.renderForgot(w, r, http.StatusOK, views.ForgotPage{})
}

// forgot mails a link to the owner of the address, if there is one: the answer is the same.
func (s *Server) forgot(w http.ResponseWriter, r *http.Request) error {
	p, err := decodePage(r, "email")
	if err != nil {
		return err
	}
	from, err := s.caller(r)
	if err != nil {
		return err
	}
	if err := s.accounts.RequestPasswordReset(r.Context(), p["email"], from); err != nil {
		problems, status, ok := s.formProblems(w, r, err)
		if !ok {
			return err
		}
		return s.renderForgot(w, r, status, views.ForgotPage{Email: printable(p["email"]), Problems: problems})
	}
	return redirect(w, r, "/forgot/sent")
}

// forgotSent says where to look. It is the same for every address.
func (s *Server) forgotSent(w http.ResponseWriter, r *http.Request) error {
	return render(w, r, http.StatusOK, views.ForgotSent(views.ForgotPage{Shell: s.shell(w, r, "Look into your mail", ""), Life: durationText(notify.ResetLife)}))
}

func (s *Server) renderForgot(w http.ResponseWriter, r *http.Request, status int, page views.ForgotPage) error {
	page.Shell, page.Mail = s.shell(w, r, "Forgotten password", ""), s.notify.Enabled()
	return render(w, r, status, views.Forgot(page))
}
