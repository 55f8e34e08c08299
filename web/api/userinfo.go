package api

import (
	"net/http"
	"slices"
	"strings"

	"latchkey/auth/grant"
	"latchkey/auth/token"
	"latchkey/web/wire"
)

// errNoOpenID refuses an access token of an app that did not ask for the scope openid (RFC 6750 §3.1).
var errNoOpenID = &wire.Error{
	Status: http.StatusForbidden, Code: "insufficient_scope", OAuth: "insufficient_scope", Message: "This access token has no openid scope.",
	Challenge: `Bearer error="insufficient_scope", scope="openid"`,
}

// UserInfo says who the person of an access token is (OpenID Connect Core §5.3).
func (s *Server) UserInfo(w http.ResponseWriter, r *http.Request, claims *token.Claims) error {
	d, err := s.tokens.OwnDevice(r.Context(), claims)
	if err != nil {
		return err
	}
	scopes := strings.Fields(d.Scope)
	if !slices.Contains(scopes, grant.ScopeOpenID) {
		return errNoOpenID
	}
	info := struct {
		Subject  string `json:"sub"`
		Email    string `json:"email,omitempty"`
		Verified *bool  `json:"email_verified,omitempty"`
	}{Subject: claims.Subject}
	if slices.Contains(scopes, grant.ScopeEmail) {
		user, err := s.grants.Owner(r.Context(), d)
		if err != nil {
			return err
		}
		info.Email, info.Verified = user.Email, &user.EmailVerified
	}
	return wire.WriteJSON(w, http.StatusOK, wire.JSONType, info)
}
