package api

import (
	"net/http"
	"net/url"

	"latchkey/auth/client"
	"latchkey/auth/dpop"
	"latchkey/auth/origin"
	"latchkey/web/wire"
)

// ProtectedResource describes our own API as a protected resource (RFC 9728 §2). Its identifier is the issuer, which tokens for it name in
// aud.
func (s *Server) ProtectedResource(w http.ResponseWriter, _ *http.Request) error {
	issuer := s.tokens.Config().Issuer
	return writePublic(w, struct {
		Resource      string   `json:"resource"`
		Servers       []string `json:"authorization_servers"`
		Scopes        []string `json:"scopes_supported"`
		Methods       []string `json:"bearer_methods_supported"`
		DPoPAlgs      []string `json:"dpop_signing_alg_values_supported"`
		Documentation string   `json:"resource_documentation"`
	}{issuer, []string{issuer}, []string{client.OwnDevicesRead, client.OwnDevicesWrite}, []string{"header"}, dpop.Algs, s.base + "/docs"})
}

// IssuerProtectedResource is ProtectedResource of an issuer with a path (RFC 9728 §3.1).
func (s *Server) IssuerProtectedResource(w http.ResponseWriter, r *http.Request) error {
	if described, err := url.Parse(s.resource); err != nil || r.URL.Path != described.Path {
		return wire.ErrNoRoute
	}
	return s.ProtectedResource(w, r)
}

// resourceMetadata is the URL of ProtectedResource for an issuer, whose path follows the well-known name (RFC 9728 §3.1).
func resourceMetadata(issuer, base string) string {
	const name = "/.well-known/oauth-protected-resource"
	u, err := url.Parse(issuer)
	if err != nil || u.Host == "" {
		return base + name
	}
	if u.Path == "/" {
		return origin.Of(u) + name
	}
	return origin.Of(u) + name + u.EscapedPath()
}
