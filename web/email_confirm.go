package web

import (
	"net/http"

	"latchkey/auth"
	"latchkey/views"
)

const emailConfirmPath = "/email/confirm"

// emailConfirmForm shows the change that the link makes, and asks.
func (s *Server) emailConfirmForm(w http.ResponseWriter, r *http.Request) error {
	if answered, err := s.followLink(w, r, emailConfirmPath); answered {
		return err
	}
	return s.renderEmailConfirm(w, r, http.StatusOK, views.EmailConfirmPage{})
}

// emailConfirm gives the account its new address, without a sign-in. Whoever is signed in goes on to their page, the
// others to the sign-in form.
func (s *Server) emailConfirm(w http.ResponseWriter, r *http.Request) error {
	p, err := decodePage(r, "password")
	if err != nil {
		return err
	}
	from, err := s.caller(r)
	if err != nil {
		return err
	}
	move, err := s.auth.ConfirmEmailChange(r.Context(), s.cookies.link(r, emailConfirmPath), p["password"], from)
	if err != nil {
		problems, status, ok := s.formProblems(w, r, err)
		if !ok {
			return err
		}
		if auth.AsError(err).Kind == auth.KindWrongPassword {
			problems.Fields["password"], status = problems.Summary, http.StatusUnprocessableEntity
			problems.Summary = "Your e-mail address was not changed."
		}
		return s.renderEmailConfirm(w, r, status, views.EmailConfirmPage{Problems: problems, Taken: auth.AsError(err).Kind == auth.KindEmailTaken})
	}
	s.cookies.dropLink(w, emailConfirmPath)
	s.cookies.leave(w, r, views.Flash{
		Tone: views.ToneSuccess, Text: "The e-mail address was changed to %s. Sign in with it from now on.", Names: []string{move.To},
		Detail: "Every device stays signed in. Both e-mail addresses get a mail about the change.",
	})
	return redirect(w, r, "/security")
}

func (s *Server) renderEmailConfirm(w http.ResponseWriter, r *http.Request, status int, page views.EmailConfirmPage) error {
	move, err := s.auth.FindEmailChange(r.Context(), s.cookies.link(r, emailConfirmPath))
	if err != nil {
		return err
	}
	page.Shell, page.From, page.To = s.shell(w, r, "Confirm your new e-mail address", ""), move.From, move.To
	return render(w, r, status, views.EmailConfirm(page))
}
