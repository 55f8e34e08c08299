package api

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"latchkey/auth"
	"latchkey/auth/client"
	"latchkey/web/wire"
)

// oauthCall is a request to an OAuth endpoint: its decoded parameters, who sent it, and for which client.
type oauthCall struct {
	wire.Params

	from   auth.Caller
	client client.Identity
}

// clientParams are those of the client in a body (RFC 6749 §2.3.1).
var clientParams = []string{"client_id", "client_secret"}

// oauthRequest reads a request to an OAuth endpoint: a form, as the standard has it, or JSON with the same names. It authenticates the
// client before anything else is judged.
func (s *Server) oauthRequest(r *http.Request, wanted ...string) (c oauthCall, err error) {
	if c.Params, err = wire.Decode(r, []string{wire.FormType, wire.JSONType}, slices.Concat(wanted, clientParams)...); err != nil {
		return c, err
	}
	credentials, err := credentialsOf(r, c.Params)
	if err != nil {
		return c, err
	}
	if c.from, err = s.caller(r); err != nil {
		return c, err
	}
	c.client, err = s.clients.Authenticate(r.Context(), credentials, c.from)
	return c, err
}

// credentialsOf takes the client's id and secret from HTTP Basic, form-encoded there, or from the body (RFC 6749 §2.3.1). Every other
// Authorization header is ignored: many apps add their access token to all requests.
func credentialsOf(r *http.Request, p wire.Params) (client.Credentials, error) {
	inBody := client.Credentials{ID: p["client_id"], Secret: p["client_secret"]}
	credentials := basicCredentials(r)
	switch len(credentials) {
	case 0:
		return inBody, nil
	case 1:
	default: // RFC 6749 §2.3: not more than one in each request
		return inBody, wire.BadBody("There is more than one HTTP Basic authentication.", nil)
	}
	text, err := base64.StdEncoding.DecodeString(credentials[0])
	user, password, ok := strings.Cut(string(text), ":")
	id, idErr := url.QueryUnescape(user)
	secret, secretErr := url.QueryUnescape(password)
	switch {
	case !ok || err != nil || idErr != nil || secretErr != nil:
		return inBody, &auth.Error{Kind: auth.KindInvalidClient, Message: "The HTTP Basic authentication is malformed."}
	case id == "" && secret == "": // a client that has no id to send
		return inBody, nil
	case inBody.ID != "" && inBody.ID != id:
		return inBody, wire.BadBody("client_id in the body and in the Authorization header differ.", nil)
	case inBody.Secret != "" && secret != "": // RFC 6749 §2.3: a client must not use more than one method
		return inBody, wire.BadBody("There are two client secrets: in the body and in the Authorization header.", nil)
	}
	return client.Credentials{ID: id, Secret: secret, Basic: true}, nil
}

// basicCredentials returns the credentials of HTTP Basic, each once.
func basicCredentials(r *http.Request) (list []string) {
	for _, value := range r.Header.Values("Authorization") {
		scheme, rest, _ := strings.Cut(strings.TrimSpace(value), " ")
		if rest = strings.TrimSpace(rest); strings.EqualFold(scheme, "Basic") && !slices.Contains(list, rest) {
			list = append(list, rest)
		}
	}
	return list
}
