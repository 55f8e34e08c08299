package web

import (
	"net/http"

	"latchkey/auth/browser"
	"latchkey/auth/deletion"
	"latchkey/views"
)

// accountDeleteForm says what the end of the account means, and asks.
func (s *Server) accountDeleteForm(w http.ResponseWriter, r *http.Request, _ *browser.Session) error {
	return s.renderAccountDelete(w, r, http.StatusOK, views.AccountDeletePage{})
}

// accountDelete deletes the account of a person who gives its address and confirms it, and leads to the sign-in form.
func (s *Server) accountDelete(w http.ResponseWriter, r *http.Request, by *browser.Session) error {
	p, c, err := s.decodeConfirmed(w, r, "current_password", "email")
	if err != nil {
		return err
	}
	err = s.deletions.Delete(r.Context(), by, deletion.Request{Email: p["email"], Confirmation: c})
	if err != nil {
		problems, status, ok := s.refusedAct(w, r, err, c, say(r).DeleteRefused())
		if !ok {
			return err
		}
		return s.renderAccountDelete(w, r, status, views.AccountDeletePage{Email: printable(p["email"]), Problems: problems})
	}
	s.farewell(w, r)
	return redirect(w, r, "/login")
}

// deleteRoute is the route of accountDelete.
const deleteRoute = "POST /security/delete"

// farewell forgets who was signed in, and says on the next page that the account is gone.
func (s *Server) farewell(w http.ResponseWriter, r *http.Request) {
	gone := views.Flash{Tone: views.ToneSuccess, Text: say(r).DeleteDone()}
	if s.notify.Enabled() {
		gone.Detail = say(r).DeleteDoneMail()
	}
	s.cookies.clearSession(w, r)
	s.cookies.leave(w, r, gone)
}

func (s *Server) renderAccountDelete(w http.ResponseWriter, r *http.Request, status int, page views.AccountDeletePage) (err error) {
	by := request(r).session
	if page.From, err = s.deletions.PossibleFrom(r.Context(), by); err != nil {
		return err
	}
	if page.Confirm, err = s.confirmPart(r); err != nil {
		return err
	}
	page.Shell = s.shell(w, r, say(r).DeleteTitle(), "security")
	page.Staff, page.Mail, page.Bound = by.Support(), s.notify.Enabled(), s.bound(say(r))
	return render(w, r, status, views.AccountDelete(page))
}
