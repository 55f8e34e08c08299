package api

import (
	"net/http"

	"latchkey/auth/token"
)

// DevicesRevokeOthers signs out every device and browser but the app's own, and says how many.
func (s *Server) DevicesRevokeOthers(w http.ResponseWriter, r *http.Request, claims *token.Claims) error {
	act, _, err := s.appAct(r, claims)
	if err != nil {
		return err
	}
	n, err := s.devices.RevokeOthersByToken(r.Context(), act)
	return revoked(w, n, err)
}
