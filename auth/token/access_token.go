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
	"latchkey/auth/origin"
	"latchkey/auth/statuslist"
	"latchkey/models"
)

// accessTokenType is the typ header of access tokens (RFC 9068 §2.1).
const accessTokenType = "at+jwt"

// Claims are what an access token says (RFC 9068 §2.2), with sid, the id of the device.
type Claims struct {
	Issuer     string `json:"iss"`
	Subject    string `json:"sub"`
	Audience   string `json:"aud"` // of a list that was read, the issuer
	ExpiresAt  int64  `json:"exp"` // seconds since 1970
	IssuedAt   int64  `json:"iat"`
	ID         string `json:"jti"`
	ClientID   string `json:"client_id"`
	SessionID  string `json:"sid"`
	DeviceName string `json:"device_name,omitempty"`
	Cnf        *Cnf   `json:"cnf,omitempty"`

	Status *statuslist.Status `json:"status,omitempty"` // where to look whether the device is revoked
}

// Cnf is the key that an access token is bound to (RFC 9449 §6.1).
type Cnf struct {
	JKT string `json:"jkt"`
}

// The accessors that golang-jwt validates by.

// GetExpirationTime is exp.
func (c *Claims) GetExpirationTime() (*jwt.NumericDate, error) { return numericDate(c.ExpiresAt), nil }

// GetIssuedAt is iat.
func (c *Claims) GetIssuedAt() (*jwt.NumericDate, error) { return numericDate(c.IssuedAt), nil }

// GetNotBefore is absent from our tokens.
func (c *Claims) GetNotBefore() (*jwt.NumericDate, error) { return nil, nil } // what golang-jwt asks for

// GetIssuer is iss.
func (c *Claims) GetIssuer() (string, error) { return c.Issuer, nil }

// GetSubject is sub.
func (c *Claims) GetSubject() (string, error) { return c.Subject, nil }

// GetAudience is aud.
func (c *Claims) GetAudience() (jwt.ClaimStrings, error) { return jwt.ClaimStrings{c.Audience}, nil }

func numericDate(seconds int64) *jwt.NumericDate {
	if seconds == 0 {
		return nil
	}
	return jwt.NewNumericDate(time.Unix(seconds, 0))
}

// MintAccess signs an access token and tells its life in seconds, which never goes past the device's own.
func (s *Service) MintAccess(ctx context.Context, d models.Device, jkt string) (token string, life int64, err error) {
	key, err := s.keys.Current(ctx)
	if err != nil {
		return "", 0, err
	}
	now := s.clock.Now()
	expires := now.Add(s.config.AccessTTL)
	if d.ExpiresAt.Before(expires) {
		expires = d.ExpiresAt
	}
	claims := &Claims{
		Issuer: s.config.Issuer, Subject: d.UserID.String(), Audience: s.config.Audience, ClientID: d.ClientID, SessionID: d.ID.String(),
		IssuedAt: now.Unix(), ExpiresAt: expires.Unix(), ID: rand.Text(),
		Status: s.statusClaim(d),
	}
	if s.config.DeviceNameClaim {
		claims.DeviceName = d.Name
	}
	if jkt != "" {
		claims.Cnf = &Cnf{jkt}
	}
	token, err = keys.Sign(key, accessTokenType, claims)
	return token, max(claims.ExpiresAt-claims.IssuedAt, 0), err
}

// refreshIn is when to refresh a token that lives so many seconds: between 80 and 90 % of its life, at random, so
// that clients that signed in together do not come back together; always before it ends.
func refreshIn(life int64) int64 {
	spread, err := rand.Int(rand.Reader, big.NewInt(max(life/10, 1)))
	if err != nil {
		return life * 4 / 5
	}
	return max(min(life*4/5+spread.Int64(), life-1), 0)
}

// newParser pins what an access token must be, besides iss and aud, which judge compares. The alg is pinned once more, to the key's,
// when the key is known.
func (s *Service) newParser() *jwt.Parser {
	return jwt.NewParser(
		jwt.WithValidMethods([]string{"ES256", "EdDSA", "RS256"}),
		jwt.WithExpirationRequired(), jwt.WithStrictDecoding(), jwt.WithTimeFunc(s.clock.Now),
	)
}

var errInvalidToken = errors.New("invalid access token")

// Authenticate checks an access token and how it is presented, without any query. It returns KindInvalidToken, whatever
// is wrong with the token, KindInvalidProof and KindUseNonce for proofs.
func (s *Service) Authenticate(token string, scheme Scheme, proof Proof) (*Claims, error) {
	claims, err := s.Verify(token)
	if err != nil {
		return nil, err
	}
	return claims, s.checkBinding(claims, token, scheme, proof)
}

// presentedClaims are the claims of a token that somebody presents.
type presentedClaims struct {
	Claims
	Audience json.RawMessage `json:"aud"` // a string or a list of strings (RFC 7519 §4.1.3)
}

// Verify checks an access token alone: signature, typ, alg, kid, iss, aud, exp. Whether it is bound to a key
// that its bearer holds, Authenticate asks. It returns KindInvalidToken, whatever is wrong, and the cause for the log.
func (s *Service) Verify(token string) (*Claims, error) {
	c, err := &presentedClaims{}, errInvalidToken
	if !strings.ContainsAny(token, "\r\n") { // base64 passes over them, strict or not: one token would have many texts
		_, err = s.parser.ParseWithClaims(token, c, s.verificationKey)
	}
	claims := &c.Claims
	if err == nil {
		err = s.checkAudience(c)
	}
	if err == nil {
		_, _, err = claims.Key()
	}
	if err == nil && s.KnownRevoked(claims) {
		err = fmt.Errorf("%w: the device is revoked", errInvalidToken)
	}
	if err != nil {
		return nil, &auth.Error{Kind: auth.KindInvalidToken, Message: "The access token is invalid or has expired.", Cause: err}
	}
	return claims, nil
}

// checkAudience checks whom a token is from and for. One audience is the audience that this server writes, as all tokens of this release
// have it, or the issuer. A list must name the issuer: who else it is for opens nothing here.
func (s *Service) checkAudience(c *presentedClaims) error {
	if !origin.Same(c.Issuer, s.config.Issuer) {
		return fmt.Errorf("%w: iss", errInvalidToken)
	}
	isIssuer := func(audience string) bool { return origin.Same(audience, s.config.Issuer) }
	var several []string
	if err := json.Unmarshal(c.Audience, &c.Claims.Audience); err == nil {
		if one := c.Claims.Audience; one != "" && (isIssuer(one) || origin.Same(one, s.config.Audience)) {
			return nil
		}
	} else if err := json.Unmarshal(c.Audience, &several); err == nil && slices.ContainsFunc(several, isIssuer) {
		c.Claims.Audience = s.config.Issuer
		return nil
	}
	return fmt.Errorf("%w: aud", errInvalidToken)
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

// Key is the device that the token was issued to.
func (c *Claims) Key() (user, device uuid.UUID, err error) {
	if user, err = uuid.Parse(c.Subject); err != nil {
		return user, device, fmt.Errorf("%w: sub", errInvalidToken)
	}
	if device, err = uuid.Parse(c.SessionID); err != nil {
		return user, device, fmt.Errorf("%w: sid", errInvalidToken)
	}
	return user, device, nil
}

// ErrDeviceGone refuses an access token whose device is not live any more.
var ErrDeviceGone = &auth.Error{Kind: auth.KindInvalidToken, Message: "The device of this access token was signed out."}
