package token

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/keys"
	"latchkey/auth/statuslist"
	"latchkey/models"
)

// accessTokenType is the typ header of access tokens (RFC 9068 §2.1).
const accessTokenType = "at+jwt"

// Claims are the claims of an access token (RFC 9068 §2.2), with the device's id as sid.
type Claims struct {
	Issuer     string   `json:"iss"`
	Subject    string   `json:"sub"`
	Audience   Audience `json:"aud"`
	ExpiresAt  int64    `json:"exp"` // seconds since 1970
	IssuedAt   int64    `json:"iat"`
	ID         string   `json:"jti"`
	ClientID   string   `json:"client_id"`
	SessionID  string   `json:"sid"`
	DeviceName string   `json:"device_name,omitempty"`
	Cnf        *Cnf     `json:"cnf,omitempty"`
	Scope      *string  `json:"scope,omitempty"` // RFC 9068 §2.2.3; nil: of a first-party app, see client.Service.TokenScope

	AuthTime int64    `json:"auth_time,omitempty"` // when the person last proved who they are on this device, in seconds since 1970
	AMR      []string `json:"amr,omitempty"`       // how (RFC 8176)
	ACR      string   `json:"acr,omitempty"`       // OneFactor or TwoFactors

	Status *statuslist.Status `json:"status,omitempty"` // where to look up whether the device is revoked

	ForAPI bool `json:"-"` // Verify found that /api/* takes the token
}

// Cnf names the key that an access token is bound to (RFC 9449 §6.1).
type Cnf struct {
	JKT string `json:"jkt"`
}

// The methods of jwt.Claims.

// GetExpirationTime returns exp.
func (c *Claims) GetExpirationTime() (*jwt.NumericDate, error) { return numericDate(c.ExpiresAt), nil }

// GetIssuedAt returns iat.
func (c *Claims) GetIssuedAt() (*jwt.NumericDate, error) { return numericDate(c.IssuedAt), nil }

// GetNotBefore returns nil: our tokens have no nbf.
func (c *Claims) GetNotBefore() (*jwt.NumericDate, error) { return nil, nil } // golang-jwt asks for nil, nil

// GetIssuer returns iss.
func (c *Claims) GetIssuer() (string, error) { return c.Issuer, nil }

// GetSubject returns sub.
func (c *Claims) GetSubject() (string, error) { return c.Subject, nil }

// GetAudience returns aud.
func (c *Claims) GetAudience() (jwt.ClaimStrings, error) { return jwt.ClaimStrings(c.Audience), nil }

func numericDate(seconds int64) *jwt.NumericDate {
	if seconds == 0 {
		return nil
	}
	return jwt.NewNumericDate(time.Unix(seconds, 0))
}

// MintAccess signs an access token for a device, bound to the key with the thumbprint jkt unless that is empty. It returns the
// token's life in seconds, which never exceeds the device's own. The scope is that of the client as it was at most client.ReadEvery ago.
func (s *Service) MintAccess(ctx context.Context, d models.Device, jkt string) (token string, life int64, err error) {
	key, err := s.keys.Current(ctx)
	if err != nil {
		return "", 0, err
	}
	scope, limited, err := s.clients.TokenScope(ctx, d.ClientID, d.Scope)
	if err != nil {
		return "", 0, err
	}
	now := s.clock.Now()
	expires := now.Add(s.config.AccessTTL)
	if d.ExpiresAt.Before(expires) {
		expires = d.ExpiresAt
	}
	claims := &Claims{
		Issuer: s.config.Issuer, Subject: d.UserID.String(), ClientID: d.ClientID, SessionID: d.ID.String(),
		IssuedAt: now.Unix(), ExpiresAt: expires.Unix(), ID: rand.Text(),
		Status: s.revocations.Claim(d),
	}
	if limited {
		claims.Scope = &scope
	}
	claims.Audience = s.audienceFor(claims)
	if proved, at := assuranceOf(d); proved.acr != "" {
		claims.AuthTime, claims.AMR, claims.ACR = at.Unix(), proved.amr, proved.acr
	}
	if s.config.DeviceNameClaim {
		claims.DeviceName = d.Name
	}
	if jkt != "" {
		claims.Cnf = &Cnf{jkt}
	}
	token, err = keys.Sign(key, accessTokenType, minted(claims))
	return token, max(claims.ExpiresAt-claims.IssuedAt, 0), err
}

// refreshIn returns after how many seconds to refresh a token that lives for life seconds. It is random between 80 and 90 % of the
// life, so that clients that signed in together do not refresh together, and it is always before the end.
func refreshIn(life int64) int64 {
	spread, err := rand.Int(rand.Reader, big.NewInt(max(life/10, 1)))
	if err != nil {
		return life * 4 / 5
	}
	return max(min(life*4/5+spread.Int64(), life-1), 0)
}

// newParser returns a parser with the requirements on access tokens, except iss and aud, which checkAudience compares.
// verificationKey also requires the alg of the key.
func (s *Service) newParser() *jwt.Parser {
	return jwt.NewParser(
		jwt.WithValidMethods([]string{"ES256", "EdDSA", "RS256"}),
		jwt.WithExpirationRequired(), jwt.WithStrictDecoding(), jwt.WithTimeFunc(s.clock.Now),
	)
}

var errInvalidToken = errors.New("invalid access token")

// Authenticate checks an access token and its binding to a key. It makes no query, except that an unknown kid can make keys.Service.Find
// read the keys again. Claims.Allow says what the token may do. Authenticate returns KindInvalidToken if the token is invalid, came under
// the wrong scheme or is bound to another key, and KindInvalidProof, KindUseNonce or KindRateLimited for the proof.
func (s *Service) Authenticate(token string, scheme Scheme, proof Proof) (*Claims, error) {
	claims, err := s.Verify(token)
	if err != nil {
		return nil, err
	}
	if err := s.checkBinding(claims, token, scheme, proof); err != nil {
		return nil, err
	}
	return claims, nil
}

// presentedClaims are the claims of a token before its aud is checked.
type presentedClaims struct {
	Claims
	Audience json.RawMessage `json:"aud"` // a string or a list of strings (RFC 7519 §4.1.3)
}

// Verify checks an access token alone: signature, typ, alg, kid, iss, aud, exp and status. It checks neither the binding to a key, which
// Authenticate does, nor what the token may do here, which Claims.Allow does. It returns KindInvalidToken, with the reason as the cause.
func (s *Service) Verify(token string) (*Claims, error) {
	c, err := &presentedClaims{}, errInvalidToken
	if !strings.ContainsAny(token, "\r\n") { // base64 skips line breaks, so one token would have many spellings
		_, err = s.parser.ParseWithClaims(token, c, s.verificationKey)
	}
	claims := &c.Claims
	if err == nil {
		err = s.checkAudience(c)
	}
	if err == nil {
		_, _, err = claims.Key()
	}
	if err == nil && s.revocations.Known(claims.Status) {
		err = fmt.Errorf("%w: the device is revoked", errInvalidToken)
	}
	if err != nil {
		return nil, &auth.Error{Kind: auth.KindInvalidToken, Message: "The access token is invalid or has expired.", Cause: err}
	}
	return claims, nil
}

func (s *Service) verificationKey(t *jwt.Token) (any, error) {
	typ, _ := t.Header["typ"].(string)
	if typ = strings.TrimPrefix(strings.ToLower(typ), "application/"); typ != accessTokenType {
		return nil, fmt.Errorf("%w: typ is not %s", errInvalidToken, accessTokenType)
	}
	kid, _ := t.Header["kid"].(string)
	key, ok := s.keys.Find(kid)
	if !ok {
		return nil, fmt.Errorf("%w: unknown kid", errInvalidToken)
	}
	if key.Alg != t.Method.Alg() {
		return nil, fmt.Errorf("%w: alg is not the key's", errInvalidToken)
	}
	return key.Public(), nil
}

// Key returns the user and the device that the token was issued to.
func (c *Claims) Key() (user, device uuid.UUID, err error) {
	if user, err = uuid.Parse(c.Subject); err != nil {
		return user, device, fmt.Errorf("%w: sub", errInvalidToken)
	}
	if device, err = uuid.Parse(c.SessionID); err != nil {
		return user, device, fmt.Errorf("%w: sid", errInvalidToken)
	}
	return user, device, nil
}

// JKT returns the thumbprint of the key that the token is bound to, or "".
func (c *Claims) JKT() string {
	if c.Cnf == nil {
		return ""
	}
	return c.Cnf.JKT
}

// Has reports whether the scope claim names a scope.
func (c *Claims) Has(scope string) bool {
	return c.Scope != nil && slices.Contains(strings.Fields(*c.Scope), scope)
}

// Allow returns nil if the token may be used at this server's own API for what needs a scope, or for what needs none (""). It returns
// KindInvalidToken if the token is for other servers, and KindInsufficientScope.
func (c *Claims) Allow(scope string) error {
	switch {
	case !c.ForAPI:
		return auth.Refuse(auth.KindInvalidToken, "The access token is for other servers.")
	case scope != "" && c.Scope != nil && !c.Has(scope):
		return NeedsScope(scope)
	}
	return nil
}

// NeedsScope returns the KindInsufficientScope of an access token that lacks a scope.
func NeedsScope(scope string) error {
	return &auth.Error{Kind: auth.KindInsufficientScope, Message: "This app may not do this: its access token lacks the scope " + scope + ".", Scope: scope}
}

// ErrDeviceGone refuses an access token whose device is no longer live.
var ErrDeviceGone = &auth.Error{Kind: auth.KindInvalidToken, Message: "The device of this access token was signed out."}
