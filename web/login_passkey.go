package web

import (
	"net/http"

	"latchkey/auth"
	"latchkey/auth/challenge"
	"latchkey/auth/signin"
	"latchkey/views"
)

// loginPasskey signs a person in with a passkey alone.
func (s *Server) loginPasskey(w http.ResponseWriter, r *http.Request) error {
	p, err := decodePage(r, "passkey", "challenge", "next", "account")
	if err != nil {
		return err
	}
	signIn, err := s.browserLogin(w, r, p)
	if err != nil {
		return err
	}
	if by := signIn.Replaces; by != nil && p["account"] != by.User.ID.String() && !challenge.IsPasskeyOf([]byte(p["passkey"]), by.User.ID) {
		page := views.LoginPage{Next: localPath(p["next"]), Signed: &views.Account{ID: by.User.ID.String()}}
		page.Problems = signedInSince(say(r), by)
		return s.renderLogin(w, r, http.StatusConflict, page)
	}
	key, err := s.signIn.FinishBrowser(r.Context(), signin.BrowserAnswer{
		Answer:   challenge.Answer{Challenge: p["challenge"], Method: challenge.MethodPasskey, Credential: []byte(p["passkey"]), From: signIn.From},
		Replaces: signIn.Replaces,
	})
	if err != nil {
		return s.refusePasskey(w, r, localPath(p["next"]), err)
	}
	s.cookies.forgetStep(w, r)
	return s.welcome(w, r, key, p["next"])
}

func (s *Server) refusePasskey(w http.ResponseWriter, r *http.Request, next string, err error) error {
	page := views.LoginPage{Next: next}
	switch own := auth.AsError(err); own.Kind {
	case auth.KindInvalidCode:
		s.judge(w, r, err)
		page.Problems.Summary = say(r).LoginPasskeyUnknown()
	case auth.KindInvalidChallenge, auth.KindInvalidRequest:
		s.judge(w, r, err)
		page.Problems.Summary = say(r).LoginPasskeyOld()
	default:
		problems, status, ok := s.formProblems(w, r, err)
		if !ok {
			return err
		}
		page.Problems = problems
		return s.renderLogin(w, r, status, page)
	}
	return s.renderLogin(w, r, http.StatusUnprocessableEntity, page)
}
