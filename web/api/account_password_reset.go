package api

import (
	"net/http"

	"latchkey/auth/notify"
	"latchkey/web/wire"
)

// AccountPasswordReset mails a link for a new password to the owner of the address, if there is one: the answer is the same.
func (s *Server) AccountPasswordReset(w http.ResponseWriter, r *http.Request) error {
	p, err := wire.Decode(r, []string{wire.JSONType}, "email")
	if err != nil {
		return err
	}
	from, err := s.caller(r)
	if err != nil {
		return err
	}
	return mailed(w, notify.ResetLife, s.accounts.RequestPasswordReset(r.Context(), p["email"], from))
}
