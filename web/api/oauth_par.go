package api

import (
	"net/http"
	"slices"

	"latchkey/auth/grant"
	"latchkey/web/wire"
)

// PushedRequest keeps an authorization request for the client that sends it (RFC 9126).
func (s *Server) PushedRequest(w http.ResponseWriter, r *http.Request) error {
	c, err := s.oauthRequest(r, slices.Concat(grant.Names, grant.InstallationNames)...)
	if err != nil {
		return err
	}
	receipt, err := s.grants.Push(r.Context(), grant.Params{Values: c.Params}, c.client, s.proof(w, r))
	if err != nil {
		return err
	}
	return wire.WriteJSON(w, http.StatusCreated, wire.JSONType, receipt)
}

// codeGrant redeems an authorization code (RFC 6749 §4.1.3).
func (s *Server) codeGrant(w http.ResponseWriter, r *http.Request, c oauthCall) error {
	for _, name := range []string{"code", "redirect_uri", "code_verifier"} {
		if c.Params[name] == "" {
			return wire.BadBody(name+" is missing.", nil)
		}
	}
	answer, err := s.grants.Redeem(r.Context(), grant.Redemption{
		Code: c.Params["code"], RedirectURI: c.Params["redirect_uri"], Verifier: c.Params["code_verifier"], Client: c.client, From: c.from, Proof: s.proof(w, r),
		Installation: installationOf(c.Params),
	})
	if err != nil {
		return err
	}
	return wire.WriteJSON(w, http.StatusOK, wire.JSONType, answer)
}
