package api

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"latchkey/auth/dpop"
	"latchkey/auth/keys"
	"latchkey/web/wire"
)

// keysMaxAge is shorter than the time for which a new key is published before it signs.
var keysMaxAge = fmt.Sprintf("public, max-age=%d", int(keys.MaxAge.Seconds()))

// JWKS publishes the keys that access tokens are verified with (RFC 7517).
func (s *Server) JWKS(w http.ResponseWriter, r *http.Request) error {
	document, err := s.keys.JWKS(r.Context())
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", wire.JSONType)
	w.Header().Set("Cache-Control", keysMaxAge)
	_, _ = w.Write(document)
	return nil
}

// clientAuthentication is how clients say who they are (RFC 8414 §2): public ones by client_id alone.
var clientAuthentication = []string{"none", "client_secret_basic", "client_secret_post"}

// Metadata describes the token endpoints (RFC 8414 §2, RFC 9449 §5.1) and sign-outs (OpenID Connect RP-Initiated Logout 1.0 §2.1,
// Back-Channel Logout 1.0 §2.1). There is no authorization endpoint: people sign
// in inside the app, so response_types_supported, a required member, is empty.
func (s *Server) Metadata(w http.ResponseWriter, _ *http.Request) error {
	return writePublic(w, struct {
		Issuer         string   `json:"issuer"`
		Token          string   `json:"token_endpoint"`
		Revocation     string   `json:"revocation_endpoint"`
		EndSession     string   `json:"end_session_endpoint"`
		JWKS           string   `json:"jwks_uri"`
		Documentation  string   `json:"service_documentation"`
		Responses      []string `json:"response_types_supported"`
		Grants         []string `json:"grant_types_supported"`
		TokenAuth      []string `json:"token_endpoint_auth_methods_supported"`
		RevocationAuth []string `json:"revocation_endpoint_auth_methods_supported"`
		DPoPAlgs       []string `json:"dpop_signing_alg_values_supported"`
		Backchannel    bool     `json:"backchannel_logout_supported"`
		BackchannelSID bool     `json:"backchannel_logout_session_supported"`
	}{
		s.tokens.Config().Issuer, s.base + "/oauth/token", s.base + "/oauth/revoke", s.base + "/oauth/logout", s.base + "/.well-known/jwks.json", s.base + "/docs",
		[]string{}, slices.Sorted(maps.Keys(grants)), clientAuthentication, clientAuthentication, dpop.Algs, true, true,
	})
}

// writePublic answers with JSON that caches may keep.
func writePublic(w http.ResponseWriter, body any) error {
	w.Header().Set("Cache-Control", keysMaxAge)
	return wire.WriteJSON(w, http.StatusOK, wire.JSONType, body)
}

// IssuerMetadata is Metadata where clients look for it whose issuer has a path: that path comes after the well-known
// part (RFC 8414 §3.1). There is nothing at other paths, for they would belong to other issuers.
func (s *Server) IssuerMetadata(w http.ResponseWriter, r *http.Request) error {
	issuer, err := url.Parse(s.tokens.Config().Issuer)
	if path := r.PathValue("path"); err != nil || path == "" || path != strings.Trim(issuer.Path, "/") {
		return wire.ErrNoRoute
	}
	return s.Metadata(w, r)
}
