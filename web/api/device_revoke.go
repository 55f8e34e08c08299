package api

import (
	"net/http"

	"latchkey/auth/token"
	"latchkey/web/wire"
)

// DeviceRevoke signs a device out.
func (s *Server) DeviceRevoke(w http.ResponseWriter, r *http.Request, claims *token.Claims) error {
	act, err := s.tokenAct(r, claims, wire.DecodeOptional)
	if err != nil {
		return err
	}
	if err := s.devices.RevokeByToken(r.Context(), act); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
