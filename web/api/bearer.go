package api

import (
	"net/http"
	"strings"

	"latchkey/auth/grant"
	"latchkey/auth/token"
	"latchkey/web/wire"
)

// Authenticate checks the access token of a request, with its DPoP proof (RFC 6750 §2.1, RFC 9449 §7.1), and that it may be used at /api/*
// for what needs the scope, and returns what it says. An answer to an error of this request then says how a token is to be presented.
func (s *Server) Authenticate(w http.ResponseWriter, r *http.Request, scope string) (*token.Claims, error) {
	claims, err := s.authenticate(w, r)
	if err == nil {
		err = claims.Allow(scope)
	}
	return claims, err
}

// AuthenticateOpenID is Authenticate for the endpoint that tells who a person is: it takes each access token with the scope openid, for whatever
// servers it is meant.
func (s *Server) AuthenticateOpenID(w http.ResponseWriter, r *http.Request) (*token.Claims, error) {
	claims, err := s.authenticate(w, r)
	if err == nil && !claims.Has(grant.ScopeOpenID) {
		err = token.NeedsScope(grant.ScopeOpenID)
	}
	return claims, err
}

func (s *Server) authenticate(w http.ResponseWriter, r *http.Request) (*token.Claims, error) {
	wire.InfoOf(r).Guarded = true
	presented, scheme, err := accessToken(r)
	if err != nil {
		return nil, err
	}
	return s.tokens.Authenticate(presented, scheme, s.proof(w, r))
}

// accessToken takes the access token from the Authorization header, the only place where it may stand (RFC 6750
// §2.1; in a body or a URL it would end up in logs).
func accessToken(r *http.Request) (presented string, scheme token.Scheme, err error) {
	headers := r.Header.Values("Authorization")
	if len(headers) > 1 {
		return "", "", &wire.Error{Status: http.StatusBadRequest, Code: "invalid_request", Message: "There is more than one Authorization header.",
			Challenge: `Bearer error="invalid_request"`}
	}
	if len(headers) == 1 {
		name, presented, _ := strings.Cut(headers[0], " ")
		for _, scheme := range []token.Scheme{token.SchemeBearer, token.SchemeDPoP} {
			if presented = strings.TrimLeft(presented, " "); presented != "" && strings.EqualFold(name, string(scheme)) {
				return presented, scheme, nil
			}
		}
	}
	return "", "", &wire.Error{Status: http.StatusUnauthorized, Code: "unauthenticated", OAuth: "invalid_token", Message: "An access token is needed.", Challenge: "Bearer"}
}

// proof is the DPoP part of the request. The URL is the public one, whatever a proxy made of it. A client that needs a nonce for
// its next proof gets it with the answer (RFC 9449 §8.2).
func (s *Server) proof(w http.ResponseWriter, r *http.Request) token.Proof {
	p := token.Proof{Headers: r.Header.Values("DPoP"), Method: r.Method, URL: s.base + r.URL.EscapedPath()}
	if nonce := s.tokens.Nonce(p); nonce != "" {
		w.Header().Set("DPoP-Nonce", nonce)
	}
	return p
}
