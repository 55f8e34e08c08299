package token

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"

	"github.com/golang-jwt/jwt/v5"

	"latchkey/auth"
	"latchkey/auth/client"
	"latchkey/auth/keys"
	"latchkey/models"
)

// BackendPath is where backends act for themselves.
const BackendPath = "/api/admin"

// backendAudience is the aud of a client's own tokens. It names no resource server: only /api/admin takes these tokens, and it takes no
// others.
func (s *Service) backendAudience() string {
	return strings.TrimSuffix(s.config.Issuer, "/") + "/api/admin"
}

// MintForClient signs an access token of a client's own, without a person or a device (RFC 6749 §4.4, RFC 9068 §2.2), bound to the key with the
// thumbprint jkt unless that is empty. It returns the token's life in seconds.
func (s *Service) MintForClient(ctx context.Context, id, scope, jkt string) (token string, life int64, err error) {
	key, err := s.keys.Current(ctx)
	if err != nil {
		return "", 0, err
	}
	now := s.clock.Now()
	c := &clientClaims{
		Issuer: s.config.Issuer, Subject: id, ClientID: id, Audience: s.backendAudience(), Scope: scope,
		IssuedAt: now.Unix(), ExpiresAt: now.Add(s.config.AccessTTL).Unix(), ID: rand.Text(),
	}
	if jkt != "" {
		c.Cnf = &Cnf{jkt}
	}
	token, err = keys.Sign(key, accessTokenType, c)
	return token, c.ExpiresAt - c.IssuedAt, err
}

// clientClaims are the claims of a client's own access token.
type clientClaims struct {
	Issuer    string `json:"iss"`
	Subject   string `json:"sub"` // the client
	Audience  string `json:"aud"`
	ClientID  string `json:"client_id"`
	Scope     string `json:"scope"`
	IssuedAt  int64  `json:"iat"`
	ExpiresAt int64  `json:"exp"`
	ID        string `json:"jti"`
	Cnf       *Cnf   `json:"cnf,omitempty"`
}

// AuthenticateClient checks a client's own access token and its binding to a key. It also checks that the client is still registered,
// confidential and allowed the scope, by its registration of at most client.ReadEvery ago. It returns KindInvalidToken,
// KindInsufficientScope, and the errors of Authenticate for the proof.
func (s *Service) AuthenticateClient(ctx context.Context, presented string, scheme Scheme, proof Proof, scope string) (who Backend, err error) {
	c, err := s.verifyClient(presented)
	if err != nil {
		return who, &auth.Error{Kind: auth.KindInvalidToken, Message: "The access token is invalid or has expired.", Cause: err}
	}
	if err := s.checkBinding(c, presented, scheme, proof); err != nil {
		return who, err
	}
	known, ok, err := s.clients.Registered(ctx, c.ClientID, func(m models.Client) bool { return m.Confidential() })
	switch {
	case err != nil:
		return who, err
	case !ok:
		return who, auth.Refuse(auth.KindInvalidToken, "The client of this access token is not registered any more.")
	}
	who = Backend{ID: c.ClientID, scopes: slices.DeleteFunc(client.BackendScopes(known), func(s string) bool { return !c.Has(s) })}
	return who, who.Needs(scope)
}

// Backend is a client that acts for itself.
type Backend struct {
	ID     string
	scopes []string
}

// Needs returns nil if the client and its token have a scope, or else KindInsufficientScope.
func (b *Backend) Needs(scope string) error {
	if b.May(scope) {
		return nil
	}
	return NeedsScope(scope)
}

// May reports whether the client and its token have a scope.
func (b *Backend) May(scope string) bool { return slices.Contains(b.scopes, scope) }

// verifyClient checks signature, typ, alg, kid, iss, aud, exp and sub.
func (s *Service) verifyClient(presented string) (*Claims, error) {
	c := &Claims{}
	if strings.ContainsAny(presented, "\r\n") {
		return nil, errInvalidToken
	}
	if _, err := s.parser.ParseWithClaims(presented, c, s.verificationKey); err != nil {
		return nil, err
	}
	switch {
	case c.Issuer != s.config.Issuer:
		return nil, fmt.Errorf("%w: iss", errInvalidToken)
	case len(c.Audience) != 1 || c.Audience[0] != s.backendAudience():
		return nil, fmt.Errorf("%w: aud", errInvalidToken)
	case c.ClientID == "" || c.Subject != c.ClientID || c.SessionID != "":
		return nil, fmt.Errorf("%w: it is no client's own", errInvalidToken)
	}
	return c, nil
}

// The methods of jwt.Claims.

// GetExpirationTime returns exp.
func (c *clientClaims) GetExpirationTime() (*jwt.NumericDate, error) {
	return numericDate(c.ExpiresAt), nil
}

// GetIssuedAt returns iat.
func (c *clientClaims) GetIssuedAt() (*jwt.NumericDate, error) { return numericDate(c.IssuedAt), nil }

// GetNotBefore returns nil: our tokens have no nbf.
func (c *clientClaims) GetNotBefore() (*jwt.NumericDate, error) { return nil, nil } // golang-jwt asks for nil, nil

// GetIssuer returns iss.
func (c *clientClaims) GetIssuer() (string, error) { return c.Issuer, nil }

// GetSubject returns sub.
func (c *clientClaims) GetSubject() (string, error) { return c.Subject, nil }

// GetAudience returns aud.
func (c *clientClaims) GetAudience() (jwt.ClaimStrings, error) {
	return jwt.ClaimStrings{c.Audience}, nil
}
