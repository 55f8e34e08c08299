package api

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"latchkey/auth/token"
	"latchkey/web/wire"
)

// grantType answers a request for tokens of one grant_type, whose parameters are decoded.
type grantType struct {
	params []string // that it reads, beside grant_type and those of the client
	answer func(s *Server, w http.ResponseWriter, r *http.Request, c oauthCall) error
}

// grants are those of the token endpoint by their grant_type.
var grants = map[string]grantType{
	"refresh_token":      {[]string{"refresh_token"}, (*Server).refreshGrant},
	"authorization_code": {[]string{"code", "redirect_uri", "code_verifier", "installation_id", "old_refresh_token"}, (*Server).codeGrant},
	"client_credentials": {[]string{"scope"}, (*Server).credentialsGrant},
	deviceCodeGrant:      {[]string{"device_code", "installation_id", "old_refresh_token"}, (*Server).deviceGrant},
}

// tokenParams are those that any grant reads, and its name.
var tokenParams = func() []string {
	list := []string{"grant_type"}
	for _, g := range grants {
		list = append(list, g.params...)
	}
	return list
}()

// Token is the token endpoint (RFC 6749 §3.2).
func (s *Server) Token(w http.ResponseWriter, r *http.Request) error {
	c, err := s.oauthRequest(r, tokenParams...)
	if err != nil {
		return err
	}
	if c.Params["grant_type"] == "" {
		return wire.BadBody("grant_type is missing.", nil)
	}
	g, ok := grants[c.Params["grant_type"]]
	if !ok {
		return unsupportedGrant(grants)
	}
	return g.answer(s, w, r, c)
}

// unsupportedGrant is the refusal of a grant_type that is not in the table. It names those that are.
func unsupportedGrant(table map[string]grantType) error {
	names := slices.Sorted(maps.Keys(table))
	last := len(names) - 1
	message := fmt.Sprintf("The only grant_type here is %s.", names[last])
	if last > 0 {
		message = fmt.Sprintf("The grant_type must be %s or %s.", strings.Join(names[:last], ", "), names[last])
	}
	return &wire.Error{Status: http.StatusBadRequest, Code: "unsupported_grant_type", OAuth: "unsupported_grant_type", Message: message}
}

// refreshGrant is the refresh (RFC 6749 §6).
func (s *Server) refreshGrant(w http.ResponseWriter, r *http.Request, c oauthCall) error {
	if c.Params["refresh_token"] == "" {
		return wire.BadBody("refresh_token is missing.", nil)
	}
	answer, err := s.tokens.Refresh(r.Context(), token.RefreshRequest{
		Token: c.Params["refresh_token"], Client: c.client, From: c.from, Proof: s.proof(w, r),
	})
	if err != nil {
		return err
	}
	return wire.WriteJSON(w, http.StatusOK, wire.JSONType, answer)
}
