package web

import (
	"net/http"

	"latchkey/auth"
	"latchkey/auth/address"
	"latchkey/auth/browser"
	"latchkey/auth/notify"
	"latchkey/views"
)

// emailChangeForm asks for another address.
func (s *Server) emailChangeForm(w http.ResponseWriter, r *http.Request, _ *browser.Session) error {
	return s.renderEmailChange(w, r, http.StatusOK, views.EmailPage{})
}

// emailChange mails a link to the address that the person wants. The answer does not tell whether an account has it.
func (s *Server) emailChange(w http.ResponseWriter, r *http.Request, by *browser.Session) error {
	p, c, err := s.decodeConfirmed(w, r, "password", "email")
	if err != nil {
		return err
	}
	if err := s.addresses.Ask(r.Context(), by, address.Request{Email: p["email"], Confirmation: c}); err != nil {
		problems, status, ok := s.refusedAct(w, r, err, c, say(r).ChangeEmailRefused())
		if !ok {
			return err
		}
		return s.renderEmailChange(w, r, status, views.EmailPage{Email: printable(p["email"]), Problems: problems})
	}
	message := notice(views.ToneInfo, say(r).ChangeEmailMailed(auth.TrimEmail(p["email"])))
	message.Detail = say(r).ChangeEmailMailedDetail(durationText(say(r), notify.EmailLife))
	s.cookies.leave(w, r, message)
	return redirect(w, r, "/security")
}

func (s *Server) renderEmailChange(w http.ResponseWriter, r *http.Request, status int, page views.EmailPage) (err error) {
	if page.Confirm, err = s.confirmPart(r); err != nil {
		return err
	}
	page.Confirm.PasswordField = "password"
	page.Shell, page.Mail = s.shell(w, r, say(r).ChangeEmailTitle(), "security"), s.notify.Enabled()
	return render(w, r, status, views.EmailChange(page))
}
