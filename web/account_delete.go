package web

import (
	"net/http"

	"latchkey/auth"
	"latchkey/auth/deletion"
	"latchkey/auth/signin"
	"latchkey/views"
)

// accountDeleteForm says what the end of the account means, and asks.
func (s *Server) accountDeleteForm(w http.ResponseWriter, r *http.Request, _ *signin.Session) error {
	return s.renderAccountDelete(w, r, http.StatusOK, views.AccountDeletePage{})
}

// accountDelete deletes the account of a person who gives its address and password, and leads to the sign-in form.
func (s *Server) accountDelete(w http.ResponseWriter, r *http.Request, by *signin.Session) error {
	p, err := decodePage(r, "email", "current_password")
	if err != nil {
		return err
	}
	from, err := s.caller(r)
	if err != nil {
		return err
	}
	err = s.deletions.Delete(r.Context(), by, deletion.Request{Email: p["email"], Password: p["current_password"], From: from})
	if err != nil {
		problems, status, ok := s.formProblems(w, r, err)
		if !ok {
			return err
		}
		wrongPassword(err, &problems, &status, "Your account was not deleted.")
		return s.renderAccountDelete(w, r, status, views.AccountDeletePage{Email: printable(p["email"]), Problems: problems})
	}
	s.farewell(w, r)
	return redirect(w, r, "/login")
}

// deleteRoute is the route of accountDelete.
const deleteRoute = "POST /security/delete"

// farewell forgets who was signed in, and says on the next page that the account is gone.
func (s *Server) farewell(w http.ResponseWriter, r *http.Request) {
	gone := views.Flash{Tone: views.ToneSuccess, Text: "Your account was deleted, and every device was signed out."}
	if s.notify.Enabled() {
		gone.Detail = "A last mail tells you so."
	}
	s.cookies.clearSession(w, r)
	s.cookies.leave(w, r, gone)
}

// wrongPassword says beside the field that the current password is wrong, and above the form what was not done for it.
func wrongPassword(err error, problems *views.FormProblems, status *int, undone string) {
	if auth.AsError(err).Kind == auth.KindWrongPassword {
		problems.Fields["current_password"], *status = problems.Summary, http.StatusUnprocessableEntity
		problems.Summary = undone
	}
}

func (s *Server) renderAccountDelete(w http.ResponseWriter, r *http.Request, status int, page views.AccountDeletePage) error {
	page.Shell = s.shell(w, r, "Delete your account", "security")
	page.Staff, page.Mail, page.Bound = request(r).session.Support(), s.notify.Enabled(), s.bound()
	return render(w, r, status, views.AccountDelete(page))
}
