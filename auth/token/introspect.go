package token

import (
	"context"
	"crypto/subtle"
	"errors"

	"latchkey/auth"
	"latchkey/auth/client"
	"latchkey/auth/devicetoken"
	"latchkey/models"
)

// Introspection is what a resource server learns about a token (RFC 7662 §2.2). Of a token that is not active it learns nothing more.
type Introspection struct {
	Active    bool     `json:"active"`
	Scope     *string  `json:"scope,omitempty"` // nil: as in Claims
	ClientID  string   `json:"client_id,omitempty"`
	TokenType Scheme   `json:"token_type,omitempty"` // of an access token
	ExpiresAt int64    `json:"exp,omitempty"`        // seconds since 1970
	IssuedAt  int64    `json:"iat,omitempty"`
	Subject   string   `json:"sub,omitempty"`
	Audience  Audience `json:"aud,omitempty"`
	Issuer    string   `json:"iss,omitempty"`
	ID        string   `json:"jti,omitempty"`
	SessionID string   `json:"sid,omitempty"`
	Cnf       *Cnf     `json:"cnf,omitempty"`
	AuthTime  int64    `json:"auth_time,omitempty"`
	ACR       string   `json:"acr,omitempty"`
	AMR       []string `json:"amr,omitempty"`
}

// Introspect tells an authenticated client about a token. A valid token is active if it is an access token of the client's own or for the
// configured audience, or a device token of the client's own that a refresh would take. Any other token is not active, and never an
// error. Introspect uses up nothing. It reads the device by its key, and none for a token that is not ours. It returns
// client.ErrUnproven, KindInvalidRequest without a token, and KindUnavailable.
func (s *Service) Introspect(ctx context.Context, presented string, by client.Identity) (Introspection, error) {
	if by.Proven() == "" {
		return Introspection{}, client.ErrUnproven
	}
	if presented == "" {
		return Introspection{}, auth.InvalidField("token", "This is required.")
	}
	if t, err := s.codec.Parse(presented); err == nil {
		return s.introspectDevice(ctx, t, by.Proven())
	}
	c, err := s.Verify(presented)
	if err != nil || c.ClientID != by.Proven() && !c.Audience.names(s.config.Audience) {
		return Introspection{}, nil
	}
	if _, err := s.OwnDevice(ctx, c); err != nil {
		if errors.Is(err, ErrDeviceGone) {
			err = nil
		}
		return Introspection{}, err
	}
	i := Introspection{
		Active: true, Scope: c.Scope, ClientID: c.ClientID, TokenType: SchemeBearer, ExpiresAt: c.ExpiresAt, IssuedAt: c.IssuedAt, Subject: c.Subject,
		Audience: c.Audience, Issuer: c.Issuer, ID: c.ID, SessionID: c.SessionID, Cnf: c.Cnf, AuthTime: c.AuthTime, ACR: c.ACR, AMR: c.AMR,
	}
	if c.Cnf != nil {
		i.TokenType = SchemeDPoP
	}
	return i, nil
}

// introspectDevice judges a device token as a refresh would, and changes nothing: not even a token that was used before has an effect here.
func (s *Service) introspectDevice(ctx context.Context, t devicetoken.Token, by string) (Introspection, error) {
	d, err := s.store.LiveDevice(ctx, t.UserID, t.DeviceID, s.idle.Live(s.clock.Now()))
	switch {
	case errors.Is(err, models.ErrNotFound):
		return Introspection{}, nil
	case err != nil:
		return Introspection{}, err
	case d.Kind != models.KindApp, d.ClientID != by, subtle.ConstantTimeCompare(d.SecretHash, devicetoken.SecretHash(t.Secret)) != 1,
		t.Generation < d.Floor && t.Generation != d.Base, d.MaxRefreshes > 0 && max(d.Generation, t.Generation) > d.MaxRefreshes:
		return Introspection{}, nil
	}
	i := Introspection{
		Active: true, ClientID: d.ClientID, ExpiresAt: d.ExpiresAt.Unix(), Subject: d.UserID.String(),
		Issuer: s.config.Issuer, SessionID: d.ID.String(),
	}
	scope, limited, err := s.clients.TokenScope(ctx, d.ClientID, d.Scope)
	if limited {
		i.Scope = &scope
	}
	if d.JKT != "" {
		i.Cnf = &Cnf{d.JKT}
	}
	return i, err
}
