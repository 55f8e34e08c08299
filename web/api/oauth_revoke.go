package api

import (
	"net/http"

	"latchkey/auth/token"
	"latchkey/web/wire"
)

// Revoke signs a device out (RFC 7009). A token that means nothing here is answered like any other (§2.2): by an object, since
// client libraries parse the body.
func (s *Server) Revoke(w http.ResponseWriter, r *http.Request) error {
	c, err := s.oauthRequest(r, "token", "token_type_hint")
	if err != nil {
		return err
	}
	if c.Params["token"] == "" {
		return wire.BadBody("token is missing.", nil)
	}
	err = s.tokens.Revoke(r.Context(), token.RefreshRequest{
		Token: c.Params["token"], Client: c.client, From: c.from, Proof: s.proof(w, r),
	})
	if err != nil {
		return err
	}
	return wire.WriteJSON(w, http.StatusOK, wire.JSONType, struct{}{})
}
