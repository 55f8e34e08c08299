package web

import (
	"net/http"

	"latchkey/auth"
)

// apiDeviceRevoke signs a device out.
func (s *Server) apiDeviceRevoke(w http.ResponseWriter, r *http.Request, claims *auth.Claims) error {
	act, err := s.tokenAct(r, claims, decodeOptional)
	if err != nil {
		return err
	}
	if err := s.auth.RevokeByToken(r.Context(), act); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
