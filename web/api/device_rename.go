package api

import (
	"net/http"

	"latchkey/auth/device"
	"latchkey/auth/token"
	"latchkey/web/wire"
)

// DeviceRename renames a device; a name that is taken comes back numbered.
func (s *Server) DeviceRename(w http.ResponseWriter, r *http.Request, claims *token.Claims) error {
	act, err := s.tokenAct(r, claims, wire.Decode)
	if err != nil {
		return err
	}
	d, current, err := s.devices.RenameByToken(r.Context(), act)
	if err != nil {
		return err
	}
	return wire.WriteJSON(w, http.StatusOK, wire.JSONType, NewDevice(d, current))
}

// tokenAct reads a request about one device.
func (s *Server) tokenAct(r *http.Request, claims *token.Claims, decode func(*http.Request, []string, ...string) (wire.Params, error)) (device.TokenAct, error) {
	p, err := decode(r, []string{wire.JSONType}, "name", "password", "confirmation")
	if err != nil {
		return device.TokenAct{}, err
	}
	from, err := s.caller(r)
	return device.TokenAct{
		Claims: claims, ID: r.PathValue("id"), Password: p["password"], Confirmation: p["confirmation"], Name: p["name"], From: from,
	}, err
}
