package api

import (
	"net/http"

	"latchkey/web/wire"
)

// Introspect tells a confidential client about a token (RFC 7662). The answer is never cached: it is of now.
func (s *Server) Introspect(w http.ResponseWriter, r *http.Request) error {
	c, err := s.oauthRequest(r, "token", "token_type_hint")
	if err != nil {
		return err
	}
	answer, err := s.tokens.Introspect(r.Context(), c.Params["token"], c.client)
	if err != nil {
		return err
	}
	return wire.WriteJSON(w, http.StatusOK, wire.JSONType, answer)
}
