package api

import (
	"net/http"

	"latchkey/auth/grant"
	"latchkey/web/wire"
)

// credentialsGrant gives a backend a token of its own (RFC 6749 §4.4).
func (s *Server) credentialsGrant(w http.ResponseWriter, r *http.Request, c oauthCall) error {
	answer, err := s.grants.Credentials(r.Context(), grant.CredentialsRequest{Client: c.client, Scope: c.Params["scope"], Proof: s.proof(w, r)})
	if err != nil {
		return err
	}
	return wire.WriteJSON(w, http.StatusOK, wire.JSONType, answer)
}
