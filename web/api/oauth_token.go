package api

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"latchkey/auth"
	"latchkey/auth/token"
	"latchkey/web/wire"
)

// grant answers a request for tokens of one grant_type, whose parameters are decoded.
type grant struct {
	params []string // that it reads, beside grant_type and client_id
	answer func(s *Server, w http.ResponseWriter, r *http.Request, p wire.Params, from auth.Caller) error
}

// grants are those of the token endpoint by their grant_type.
var grants = map[string]grant{
	"refresh_token": {[]string{"refresh_token"}, (*Server).refreshGrant},
}

// Token is the token endpoint (RFC 6749 §3.2).
func (s *Server) Token(w http.ResponseWriter, r *http.Request) error {
	wanted := []string{"grant_type"}
	for _, g := range grants {
		wanted = append(wanted, g.params...)
	}
	p, from, err := s.oauthRequest(r, wanted...)
	if err != nil {
		return err
	}
	if p["grant_type"] == "" {
		return wire.BadBody("grant_type is missing.", nil)
	}
	g, ok := grants[p["grant_type"]]
	if !ok {
		return unsupportedGrant(grants)
	}
	return g.answer(s, w, r, p, from)
}

// unsupportedGrant is the refusal of a grant_type that is not in the table. It names those that are.
func unsupportedGrant(table map[string]grant) error {
	names := slices.Sorted(maps.Keys(table))
	last := len(names) - 1
	message := fmt.Sprintf("The only grant_type here is %s.", names[last])
	if last > 0 {
		message = fmt.Sprintf("The grant_type must be %s or %s.", strings.Join(names[:last], ", "), names[last])
	}
	return &wire.Error{Status: http.StatusBadRequest, Code: "unsupported_grant_type", OAuth: "unsupported_grant_type", Message: message}
}

// refreshGrant is the refresh (RFC 6749 §6).
func (s *Server) refreshGrant(w http.ResponseWriter, r *http.Request, p wire.Params, from auth.Caller) error {
	if p["refresh_token"] == "" {
		return wire.BadBody("refresh_token is missing.", nil)
	}
	answer, err := s.tokens.Refresh(r.Context(), token.RefreshRequest{
		Token: p["refresh_token"], ClientID: p["client_id"], From: from, Proof: s.proof(w, r),
	})
	if err != nil {
		return err
	}
	return wire.WriteJSON(w, http.StatusOK, wire.JSONType, answer)
}

// oauthRequest reads a request to an OAuth endpoint: a form, as the standard has it, or JSON with the same names.
func (s *Server) oauthRequest(r *http.Request, wanted ...string) (wire.Params, auth.Caller, error) {
	p, err := wire.Decode(r, []string{wire.FormType, wire.JSONType}, append(wanted, "client_id")...)
	if err != nil {
		return nil, auth.Caller{}, err
	}
	if p["client_id"], err = clientID(r, p["client_id"]); err != nil {
		return nil, auth.Caller{}, err
	}
	from, err := s.caller(r)
	return p, from, err
}

// clientID takes the client_id from the body or from HTTP Basic, where clients put it whose library insists (RFC 6749
// §2.3.1, form-encoded there). Clients are public: a password there is a mistake worth telling. Every other Authorization header
// is ignored: many apps add their access token to all requests.
func clientID(r *http.Request, inBody string) (string, error) {
	var credentials []string
	for _, value := range r.Header.Values("Authorization") {
		scheme, rest, _ := strings.Cut(strings.TrimSpace(value), " ")
		if strings.EqualFold(scheme, "Basic") && !slices.Contains(credentials, strings.TrimSpace(rest)) {
			credentials = append(credentials, strings.TrimSpace(rest))
		}
	}
	switch len(credentials) {
	case 0:
		return inBody, nil
	case 1:
	default: // RFC 6749 §2.3: not more than one in each request
		return "", wire.BadBody("There is more than one HTTP Basic authentication.", nil)
	}
	text, err := base64.StdEncoding.DecodeString(credentials[0])
	user, password, ok := strings.Cut(string(text), ":")
	id, idErr := url.QueryUnescape(user)
	if !ok || err != nil || idErr != nil || password != "" {
		return "", &wire.Error{Status: http.StatusUnauthorized, Code: "invalid_client", OAuth: "invalid_client", Challenge: `Basic realm="latchkey"`,
			Message: "Clients are public: send client_id in the body, or as the user name of HTTP Basic with an empty password."}
	}
	if id == "" { // a client that has no id to send
		return inBody, nil
	}
	if inBody != "" && inBody != id {
		return "", wire.BadBody("client_id in the body and in the Authorization header differ.", nil)
	}
	return id, nil
}
