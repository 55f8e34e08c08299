package web

import (
	"net/http"

	"latchkey/auth"
	"latchkey/auth/address"
	"latchkey/auth/browser"
	"latchkey/views"
)

// emailChangeForm asks for another address. "Send again" leads here: the form has the address that waits, and asks for the rest as for
// any other.
func (s *Server) emailChangeForm(w http.ResponseWriter, r *http.Request, by *browser.Session) error {
	page := views.EmailPage{}
	if r.URL.Query().Has("again") {
		pending, err := s.addresses.Pending(r.Context(), by)
		if err != nil {
			return err
		}
		if pending != nil {
			page.Email = pending.Email
		}
	}
	return s.renderEmailChange(w, r, http.StatusOK, page)
}

// emailChangeCancel ends the links to new addresses.
func (s *Server) emailChangeCancel(w http.ResponseWriter, r *http.Request, by *browser.Session) error {
	from, err := s.caller(r)
	if err != nil {
		return err
	}
	cancelled, err := s.addresses.Cancel(r.Context(), by, from)
	if err != nil {
		return err
	}
	if cancelled {
		s.cookies.flash(w, r, views.ToneSuccess, say(r).ChangeEmailCancelled())
	} else {
		s.cookies.flash(w, r, views.ToneInfo, say(r).ChangeEmailNothing())
	}
	return redirect(w, r, "/security")
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
	message.Detail = say(r).ChangeEmailMailedDetail()
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
