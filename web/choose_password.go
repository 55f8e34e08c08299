package web

import (
	"net/http"

	"latchkey/auth"
	"latchkey/auth/account"
	"latchkey/auth/browser"
	"latchkey/views"
)

// choosePasswordPath is the page on which a generated password is replaced, and where it leads on to.
func choosePasswordPath(next string) string { return withNext("/security/password", next) }

// passwordForm offers a change of password. A person who signed in with a generated one is asked for one of their own.
func (s *Server) passwordForm(w http.ResponseWriter, r *http.Request, by *browser.Session) error {
	next := localPath(r.URL.Query().Get("next"))
	if !by.User.MustChoosePassword() {
		return s.renderPassword(w, r, http.StatusOK, views.PasswordPage{Next: next})
	}
	return s.renderChoosePassword(w, r, http.StatusOK, views.ChoosePasswordPage{Next: next})
}

// choosePassword changes a generated password and goes on where the person wanted to go. Any other is changed as on the page for it.
func (s *Server) choosePassword(w http.ResponseWriter, r *http.Request, by *browser.Session) error {
	if !by.User.MustChoosePassword() {
		return s.passwordChange(w, r, by)
	}
	p, c, err := s.decodeConfirmed(w, r, "current_password", "new_password", "next")
	if err != nil {
		return err
	}
	next := localPath(p["next"])
	c.From.Browser = s.cookies.mark(w, r) // the account knows it from now on
	_, err = s.accounts.ChangePassword(r.Context(), by, account.PasswordChange{Confirmation: c, New: p["new_password"]})
	if err != nil {
		problems, status, ok := s.refusedAct(w, r, err, c, say(r).ChangePasswordRefused(), p["new_password"])
		if !ok {
			return err
		}
		if auth.AsError(err).Kind == auth.KindWrongPassword {
			problems.Fields[c.PasswordField] = say(r).OwnPasswordWrong()
		}
		return s.renderChoosePassword(w, r, status, views.ChoosePasswordPage{Next: next, Problems: problems})
	}
	s.cookies.flash(w, r, views.ToneSuccess, say(r).OwnPasswordDone())
	if s.factors.MustSetUp(by.User) {
		return s.toSetup(w, r, by.User.ID, by.Device.ID, next)
	}
	return redirect(w, r, orDevices(next))
}

func (s *Server) renderChoosePassword(w http.ResponseWriter, r *http.Request, status int, page views.ChoosePasswordPage) (err error) {
	if page.Confirm, err = s.confirmPart(r); err != nil {
		return err
	}
	page.Shell, page.PasswordMin = s.shell(w, r, say(r).OwnPasswordTitle(), ""), s.accounts.Config().PasswordMin
	return render(w, r, status, views.ChoosePassword(page))
}
