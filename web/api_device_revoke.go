package web

import (
	"net/http"

	"latchkey/auth/token"
)

// apiDeviceRevoke signs a device out.
func (s *Server) apiDeviceRevoke(w http.ResponseWriter, r *http.Request, claims *token.Claims) error {
	act, err := s.tokenAct(r, claims, decodeOptional)
	if err != nil {
		return err
	}
	if err := s.devices.RevokeByToken(r.Context(), act); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
