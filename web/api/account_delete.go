package api

import (
	"net/http"

	"latchkey/auth/token"
)

// AccountDelete deletes the account, at once and for good.
func (s *Server) AccountDelete(w http.ResponseWriter, r *http.Request, claims *token.Claims) error {
	act, _, err := s.appAct(r, claims)
	if err != nil {
		return err
	}
	return done(w, s.deletions.DeleteByApp(r.Context(), act))
}
