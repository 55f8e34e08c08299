package web

import (
	"net/http"

	"latchkey/auth"
	"latchkey/auth/address"
	"latchkey/auth/notify"
	"latchkey/auth/signin"
	"latchkey/views"
)

// emailChange mails a link to the address that the person wants. The answer does not tell whether an account has it.
func (s *Server) emailChange(w http.ResponseWriter, r *http.Request, by *signin.Session) error {
	p, err := decodePage(r, "email", "password")
	if err != nil {
		return err
	}
	from, err := s.caller(r)
	if err != nil {
		return err
	}
	if err := s.addresses.Ask(r.Context(), by, address.Request{Email: p["email"], Password: p["password"], From: from}); err != nil {
		problems, status, ok := s.formProblems(w, r, err)
		if !ok {
			return err
		}
		if auth.AsError(err).Kind == auth.KindWrongPassword {
			problems.Fields["password"], status = problems.Summary, http.StatusUnprocessableEntity
			problems.Summary = "Your e-mail address was not changed."
		}
		return s.renderSecurity(w, r, status, views.SecurityPage{Email: printable(p["email"]), EmailProblems: problems})
	}
	s.cookies.leave(w, r, views.Flash{
		Tone: views.ToneInfo, Text: "A mail is on its way to %s. Your e-mail address changes when you follow the link in it.", Names: []string{auth.TrimEmail(p["email"])},
		Detail: "The link is good once, for " + durationText(notify.EmailLife) + ". Nothing there after a few minutes? Look among the unwanted mails, and check the e-mail address.",
	})
	return redirect(w, r, "/security")
}
