package api

import (
	"net/http"

	"latchkey/auth/account"
	"latchkey/auth/notify"
	"latchkey/web/wire"
)

// AccountSignup mails a link that confirms the address of a new account, or says that it has one: the answer is the same.
func (s *Server) AccountSignup(w http.ResponseWriter, r *http.Request) error {
	p, err := wire.Decode(r, []string{wire.JSONType}, "email", "password")
	if err != nil {
		return err
	}
	from, err := s.caller(r)
	if err != nil {
		return err
	}
	return mailed(w, notify.SignupLife, s.accounts.Signup(r.Context(), account.SignupRequest{
		Email: p["email"], Password: p["password"], Language: s.language(r), From: from,
	}))
}
