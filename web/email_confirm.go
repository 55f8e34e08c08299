package web

import (
	"net/http"

	"latchkey/auth"
	"latchkey/views"
)

// emailConfirmForm shows the change that the link makes, and asks.
func (s *Server) emailConfirmForm(w http.ResponseWriter, r *http.Request, secret string) error {
	return s.renderEmailConfirm(w, r, secret, http.StatusOK, views.EmailConfirmPage{})
}

// emailConfirm gives the account its new address, without a sign-in. A person who is signed in goes on to their page, the
// others to the sign-in form.
func (s *Server) emailConfirm(w http.ResponseWriter, r *http.Request, secret string) error {
	p, err := decodePage(r, "password")
	if err != nil {
		return err
	}
	from, err := s.caller(r)
	if err != nil {
		return err
	}
	page, status := views.EmailConfirmPage{}, http.StatusOK
	if _, err := s.addresses.Confirm(r.Context(), secret, p["password"], from); err != nil && auth.AsError(err).Kind != auth.KindUsedLink {
		ok := false
		if page.Problems, status, ok = s.formProblems(w, r, err); !ok {
			return err
		}
		page.Taken = auth.AsError(err).Kind == auth.KindEmailTaken
		if auth.AsError(err).Kind == auth.KindWrongPassword {
			page.Problems.Fields["password"], status = page.Problems.Summary, http.StatusUnprocessableEntity
			page.Problems.Summary = say(r).EmailLinkNotChanged()
		}
	}
	return s.renderEmailConfirm(w, r, secret, status, page)
}

// renderEmailConfirm shows the form, or goes on where the use of the link has led.
func (s *Server) renderEmailConfirm(w http.ResponseWriter, r *http.Request, secret string, status int, page views.EmailConfirmPage) error {
	move, err := s.addresses.Find(r.Context(), secret)
	if err != nil && auth.AsError(err).Kind == auth.KindUsedLink {
		told := notice(views.ToneSuccess, say(r).EmailLinkChanged(move.To))
		told.Detail, told.Email = say(r).EmailLinkChangedDetail(), move.To
		s.cookies.leave(w, r, told)
		return redirect(w, r, "/security")
	}
	if err != nil {
		return err
	}
	page.Shell, page.Action, page.From, page.To = s.shell(w, r, say(r).EmailLinkConfirmTitle(), ""), emailLink.at(secret), move.From, move.To
	return render(w, r, status, views.EmailConfirm(page))
}
