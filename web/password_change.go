package web

import (
	"net/http"

	"latchkey/auth/account"
	"latchkey/auth/browser"
	"latchkey/views"
	"latchkey/views/catalog"
)

// passwordChange changes the password and signs out every other device.
func (s *Server) passwordChange(w http.ResponseWriter, r *http.Request, by *browser.Session) error {
	p, c, err := s.decodeConfirmed(w, r, "current_password", "new_password", "next")
	if err != nil {
		return err
	}
	c.From.Browser = s.cookies.mark(w, r) // the account knows it from now on
	n, err := s.accounts.ChangePassword(r.Context(), by, account.PasswordChange{Confirmation: c, New: p["new_password"]})
	if err != nil {
		problems, status, ok := s.refusedAct(w, r, err, c, say(r).ChangePasswordRefused(), p["new_password"])
		if !ok {
			return err
		}
		return s.renderPassword(w, r, status, views.PasswordPage{Next: localPath(p["next"]), Problems: problems})
	}
	s.cookies.withdrawPassword(w, r)
	s.cookies.flash(w, r, views.ToneSuccess, passwordChanged(say(r), n))
	return redirect(w, r, orDevices(localPath(p["next"]))) // a generated password's form, sent twice, leads on like the first time
}

func (s *Server) renderPassword(w http.ResponseWriter, r *http.Request, status int, page views.PasswordPage) (err error) {
	if page.Confirm, err = s.confirmPart(r); err != nil {
		return err
	}
	page.Shell, page.PasswordMin = s.shell(w, r, say(r).ChangePasswordTitle(), "security"), s.accounts.Config().PasswordMin
	page.PasswordOffer = "" // it leads here
	return render(w, r, status, views.PasswordChange(page))
}

// passwordChanged says what was done, with how many devices were signed out by it.
func passwordChanged(p catalog.Printer, n int64) string {
	switch n {
	case account.ChangedBefore:
		return p.ChangePasswordDone()
	case 0:
		return p.ChangePasswordDoneAlone()
	}
	return p.ChangePasswordDoneOthers(int(n))
}
