package api

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"latchkey/auth/client"
	"latchkey/auth/dpop"
	"latchkey/auth/grant"
	"latchkey/auth/keys"
	"latchkey/auth/token"
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

// clientAuthentication is how clients say who they are (RFC 8414 §2): public ones by client_id alone, which confidentialOnly leaves out.
var (
	clientAuthentication = []string{"none", "client_secret_basic", "client_secret_post"}
	confidentialOnly     = clientAuthentication[1:]
)

// scopes are those that an app can have.
var scopes = []string{client.OwnDevicesRead, client.OwnDevicesWrite}

// metadata describes the server (RFC 8414 §2, OpenID Connect Discovery §3). Each value is true of this server.
type metadata struct {
	Issuer         string   `json:"issuer"`
	Authorization  string   `json:"authorization_endpoint"`
	Pushed         string   `json:"pushed_authorization_request_endpoint"` // RFC 9126 §5
	Token          string   `json:"token_endpoint"`
	Device         string   `json:"device_authorization_endpoint"` // RFC 8628 §4
	UserInfo       string   `json:"userinfo_endpoint"`
	Revocation     string   `json:"revocation_endpoint"`
	JWKS           string   `json:"jwks_uri"`
	Documentation  string   `json:"service_documentation"`
	Responses      []string `json:"response_types_supported"`
	Modes          []string `json:"response_modes_supported"`
	Grants         []string `json:"grant_types_supported"`
	Scopes         []string `json:"scopes_supported"`
	Challenges     []string `json:"code_challenge_methods_supported"`
	Prompts        []string `json:"prompt_values_supported"` // OpenID Connect Prompt Create §4.1
	Subjects       []string `json:"subject_types_supported"`
	IDTokenAlgs    []string `json:"id_token_signing_alg_values_supported"`
	Claims         []string `json:"claims_supported"`
	ACRs           []string `json:"acr_values_supported"`
	Locales        []string `json:"ui_locales_supported"`
	TokenAuth      []string `json:"token_endpoint_auth_methods_supported"`
	RevocationAuth []string `json:"revocation_endpoint_auth_methods_supported"`
	EndSession     string   `json:"end_session_endpoint"`         // OpenID Connect RP-Initiated Logout 1.0 §2.1
	Backchannel    bool     `json:"backchannel_logout_supported"` // OpenID Connect Back-Channel Logout 1.0 §2.1
	BackchannelSID bool     `json:"backchannel_logout_session_supported"`
	Introspection  string   `json:"introspection_endpoint"` // RFC 7662
	IntrospectAuth []string `json:"introspection_endpoint_auth_methods_supported"`
	Resources      []string `json:"protected_resources"`                            // RFC 9728 §4
	DPoPAlgs       []string `json:"dpop_signing_alg_values_supported"`              // RFC 9449 §5.1
	Iss            bool     `json:"authorization_response_iss_parameter_supported"` // RFC 9207 §3
	ClaimsParam    bool     `json:"claims_parameter_supported"`
	RequestParam   bool     `json:"request_parameter_supported"`
	RequestURI     bool     `json:"request_uri_parameter_supported"`           // true would promise to fetch the client's own
	Account        string   `json:"account_management_uri"`                    // MSC4191 of Matrix
	AccountActions []string `json:"account_management_actions_supported"`      // the same
	Signup         string   `json:"account_signup_endpoint,omitempty"`         // our own (RFC 8414 §2); missing: people cannot create accounts here
	PasswordReset  string   `json:"account_password_reset_endpoint,omitempty"` // our own; missing: no mail is sent here
}

// Metadata describes the server to clients: for OAuth 2.0 and OpenID Connect alike.
func (s *Server) Metadata(w http.ResponseWriter, r *http.Request) error {
	algs, err := s.keys.Algs(r.Context())
	if err != nil {
		return err
	}
	var signup, reset string
	if s.accounts.CanSignUp() {
		signup = s.base + "/api/account"
	}
	if s.accounts.CanReset() {
		reset = s.base + "/api/account/password-reset"
	}
	return writePublic(w, metadata{
		Signup: signup, PasswordReset: reset, Account: s.base + AccountPath, AccountActions: AccountActions,
		Issuer: s.Issuer(), Authorization: s.base + "/oauth/authorize", Pushed: s.base + "/oauth/par", Token: s.base + "/oauth/token",
		Device: s.base + "/oauth/device_authorization", UserInfo: s.base + "/oauth/userinfo", Revocation: s.base + "/oauth/revoke", JWKS: s.base + "/.well-known/jwks.json", Documentation: s.base + "/docs",
		Responses: []string{"code"}, Modes: []string{grant.ModeQuery, grant.ModeFormPost}, Grants: slices.Sorted(maps.Keys(grants)),
		Scopes: slices.Concat(grant.Scopes, scopes), Challenges: []string{"S256"}, Prompts: grant.Prompts, Subjects: []string{"public"}, IDTokenAlgs: algs,
		Claims: []string{"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid", "email", "email_verified"},
		ACRs:   []string{token.OneFactor, token.TwoFactors}, Locales: s.locales, TokenAuth: clientAuthentication, RevocationAuth: clientAuthentication,
		Introspection: s.base + "/oauth/introspect", IntrospectAuth: confidentialOnly, Resources: []string{s.Issuer()}, DPoPAlgs: dpop.Algs, Iss: true,
		EndSession: s.base + "/oauth/logout", Backchannel: true, BackchannelSID: true,
	})
}

// writePublic answers with JSON that caches may keep.
func writePublic(w http.ResponseWriter, body any) error {
	w.Header().Set("Cache-Control", keysMaxAge)
	return wire.WriteJSON(w, http.StatusOK, wire.JSONType, body)
}

// IssuerPath is the path of the issuer, without the slash at its end: below it is the document of OpenID Connect Discovery §4. Empty: the
// issuer has none.
func (s *Server) IssuerPath() string {
	issuer, err := url.Parse(s.Issuer())
	if err != nil || strings.ContainsAny(issuer.Path, "{}") { // of a pattern of routes
		return ""
	}
	return strings.TrimRight(issuer.Path, "/")
}

// IssuerMetadata is Metadata where clients look for it whose issuer has a path: that path comes after the well-known
// part (RFC 8414 §3.1). There is nothing at other paths, for they would belong to other issuers.
func (s *Server) IssuerMetadata(w http.ResponseWriter, r *http.Request) error {
	if path := r.PathValue("path"); path == "" || "/"+path != s.IssuerPath() {
		return wire.ErrNoRoute
	}
	return s.Metadata(w, r)
}
