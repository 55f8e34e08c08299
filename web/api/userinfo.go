package api

import (
	"net/http"
	"slices"
	"strings"

	"latchkey/auth/grant"
	"latchkey/auth/token"
	"latchkey/web/wire"
)

// UserInfo says who the person of an access token with the scope openid is (OpenID Connect Core §5.3). It reads the live device: after a
// sign-out nothing is told.
func (s *Server) UserInfo(w http.ResponseWriter, r *http.Request, claims *token.Claims) error {
	d, err := s.tokens.OwnDevice(r.Context(), claims)
	if err != nil {
		return err
	}
	info := struct {
		Subject  string `json:"sub"`
		Email    string `json:"email,omitempty"`
		Verified *bool  `json:"email_verified,omitempty"`
	}{Subject: claims.Subject}
	if slices.Contains(strings.Fields(d.Scope), grant.ScopeEmail) {
		user, err := s.grants.Owner(r.Context(), d)
		if err != nil {
			return err
		}
		verified := user.Verified()
		info.Email, info.Verified = user.Email, &verified
	}
	return wire.WriteJSON(w, http.StatusOK, wire.JSONType, info)
}
