package web

import (
	"net/http"

	"latchkey/auth"
	"latchkey/views"
)

// inviteForm asks for the first password of the account that the link is about.
func (s *Server) inviteForm(w http.ResponseWriter, r *http.Request, secret string) error {
	return s.renderInvite(w, r, secret, http.StatusOK, views.FormProblems{})
}

// invite sets the first password and signs this browser in.
func (s *Server) invite(w http.ResponseWriter, r *http.Request, secret string) error {
	p, err := decodePage(r, "new_password")
	if err != nil {
		return err
	}
	signIn, err := s.browserLogin(w, r, p)
	if err != nil {
		return err
	}
	signIn.Password = p["new_password"]
	key, err := s.accounts.AcceptInvitation(r.Context(), secret, signIn)
	if err != nil {
		problems, status, ok := s.formProblems(w, r, err)
		if auth.AsError(err).Kind == auth.KindUsedLink {
			return s.renderInvite(w, r, secret, http.StatusOK, problems)
		}
		if !ok {
			return err
		}
		return s.renderInvite(w, r, secret, status, problems)
	}
	s.greet(w, r, key, views.Flash{Tone: views.ToneSuccess, Text: say(r).InviteDone()})
	return s.welcome(w, r, key, "")
}

// renderInvite shows the form, or goes on where the use of the link has led: signed in, or to the sign-in form.
func (s *Server) renderInvite(w http.ResponseWriter, r *http.Request, secret string, status int, problems views.FormProblems) error {
	user, err := s.accounts.FindInvitation(r.Context(), secret)
	if err != nil && auth.AsError(err).Kind == auth.KindUsedLink {
		s.cookies.leave(w, r, views.Flash{Tone: views.ToneSuccess, Text: say(r).InviteUsed(), Email: user.Email})
		return redirect(w, r, "/login")
	}
	if err != nil {
		return err
	}
	return render(w, r, status, views.Invite(views.PasswordResetPage{
		Shell: s.shell(w, r, say(r).InviteTitle(), ""), Action: inviteLink.at(secret), Email: user.Email, PasswordMin: s.accounts.Config().PasswordMin, Problems: problems,
	}))
}
