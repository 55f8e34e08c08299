package web

import (
	"net/http"
	"net/url"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/views"
)

// signupConfirmForm asks for the password of the account that the link makes.
func (s *Server) signupConfirmForm(w http.ResponseWriter, r *http.Request, secret string) error {
	return s.renderConfirm(w, r, secret, http.StatusOK, views.FormProblems{})
}

// signupConfirm makes the account and signs this browser in to it.
func (s *Server) signupConfirm(w http.ResponseWriter, r *http.Request, secret string) error {
	p, err := decodePage(r, "password")
	if err != nil {
		return err
	}
	signIn, err := s.browserLogin(w, r, p)
	if err != nil {
		return err
	}
	key, next, err := s.accounts.ConfirmSignup(r.Context(), secret, signIn)
	if err != nil {
		problems, status, ok := s.formProblems(w, r, err)
		switch kind := auth.AsError(err).Kind; {
		case kind == auth.KindUsedLink:
			return s.renderConfirm(w, r, secret, http.StatusOK, problems)
		case !ok:
			return err
		case kind == auth.KindWrongPassword:
			problems.Fields["password"], status = problems.Summary, http.StatusUnprocessableEntity
			problems.Summary = say(r).SignupNotMade()
		}
		return s.renderConfirm(w, r, secret, status, problems)
	}
	s.greet(w, r, key, views.Flash{Tone: views.ToneSuccess, Text: say(r).SignupWelcome()})
	return s.welcome(w, r, key, next)
}

// greet welcomes a new account, and says what to do next where nothing else leads there.
func (s *Server) greet(w http.ResponseWriter, r *http.Request, key browser.Key, f views.Flash) {
	if !key.SetUp {
		f.Next = &views.Link{URL: "/security/setup", Text: say(r).SecuritySetUp()}
	}
	s.cookies.leave(w, r, f)
}

// renderConfirm shows the form, or goes on where the use of the link has led: signed in, or to the sign-in form.
func (s *Server) renderConfirm(w http.ResponseWriter, r *http.Request, secret string, status int, problems views.FormProblems) error {
	email, next, err := s.accounts.FindSignup(r.Context(), secret)
	if err != nil && auth.AsError(err).Kind == auth.KindUsedLink {
		s.cookies.leave(w, r, views.Flash{Tone: views.ToneSuccess, Text: say(r).SignupReady(), Email: email})
		to := "/login"
		if next = localPath(next); next != "" {
			to += "?next=" + url.QueryEscape(next)
		}
		return redirect(w, r, to)
	}
	if err != nil {
		return err
	}
	return render(w, r, status, views.SignupConfirm(views.SignupPage{
		Shell: s.shell(w, r, say(r).SignupConfirmTitle(), ""), Action: signupLink.at(secret), Email: email, Problems: problems,
	}))
}
