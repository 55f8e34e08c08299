package web

import (
	"net/http"

	"latchkey/auth/notify"
	"latchkey/views"
)

// passwordResetRequestForm asks for the address, or says that no mail is sent here.
func (s *Server) passwordResetRequestForm(w http.ResponseWriter, r *http.Request) error {
	return s.renderPasswordResetRequest(w, r, http.StatusOK, views.PasswordResetRequestPage{})
}

// passwordResetRequest mails a link to the owner of the address, if there is one: the answer is the same.
func (s *Server) passwordResetRequest(w http.ResponseWriter, r *http.Request) error {
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
		return s.renderPasswordResetRequest(w, r, status, views.PasswordResetRequestPage{Email: printable(p["email"]), Problems: problems})
	}
	return redirect(w, r, "/forgot/sent")
}

// passwordResetSent says where to look. It is the same for every address.
func (s *Server) passwordResetSent(w http.ResponseWriter, r *http.Request) error {
	return render(w, r, http.StatusOK, views.PasswordResetSent(views.PasswordResetRequestPage{Shell: s.shell(w, r, say(r).ForgotSentTitle(), ""), Life: durationText(say(r), notify.ResetLife)}))
}

func (s *Server) renderPasswordResetRequest(w http.ResponseWriter, r *http.Request, status int, page views.PasswordResetRequestPage) error {
	page.Shell, page.Mail = s.shell(w, r, say(r).ForgotTitle(), ""), s.notify.Enabled()
	return render(w, r, status, views.PasswordResetRequest(page))
}
