package web

import (
	"net/http"

	"latchkey/auth"
)

// apiDeviceRename renames a device; a name that is taken comes back numbered.
func (s *Server) apiDeviceRename(w http.ResponseWriter, r *http.Request, claims *auth.Claims) error {
	act, err := s.tokenAct(r, claims, decode)
	if err != nil {
		return err
	}
	d, current, err := s.auth.RenameByToken(r.Context(), act)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, jsonType, newAPIDevice(d, current))
}

// tokenAct reads a request about one device.
func (s *Server) tokenAct(r *http.Request, claims *auth.Claims, decode func(*http.Request, []string, ...string) (params, error)) (auth.TokenAct, error) {
	p, err := decode(r, []string{jsonType}, "name", "password")
	if err != nil {
		return auth.TokenAct{}, err
	}
	from, err := s.caller(r)
	return auth.TokenAct{Claims: claims, ID: r.PathValue("id"), Password: p["password"], Name: p["name"], From: from}, err
}
