package token

import (
	"context"

	"latchkey/auth/keys"
	"latchkey/models"
)

// IDClaims are what an ID token says beside what its device says.
type IDClaims struct {
	Nonce         string // of the request
	Email         string // empty: no claim about the address
	EmailVerified bool   // the owner has opened a link that was mailed to it
}

// idClaims are the claims of an ID token (OpenID Connect Core §2).
type idClaims struct {
	Issuer    string   `json:"iss"`
	Subject   string   `json:"sub"`
	Audience  string   `json:"aud"` // the client
	ExpiresAt int64    `json:"exp"` // seconds since 1970
	IssuedAt  int64    `json:"iat"`
	AuthTime  int64    `json:"auth_time,omitempty"` // when the person last proved who they are
	Nonce     string   `json:"nonce,omitempty"`
	ACR       string   `json:"acr,omitempty"`
	AMR       []string `json:"amr,omitempty"`
	SessionID string   `json:"sid"` // the device's id (OpenID Connect Front-Channel Logout §3)
	Email     string   `json:"email,omitempty"`
	Verified  *bool    `json:"email_verified,omitempty"`
}

// IDTokenType is the typ header of ID tokens.
const IDTokenType = "JWT"

// MintID signs an ID token for the client of a device. The token lives for Config.AccessTTL, even past the device's own end.
func (s *Service) MintID(ctx context.Context, d models.Device, c IDClaims) (string, error) {
	key, err := s.keys.Current(ctx)
	if err != nil {
		return "", err
	}
	now := s.clock.Now()
	claims := idClaims{
		Issuer: s.config.Issuer, Subject: d.UserID.String(), Audience: d.ClientID, IssuedAt: now.Unix(), ExpiresAt: now.Add(s.config.AccessTTL).Unix(),
		Nonce: c.Nonce, SessionID: d.ID.String(), Email: c.Email,
	}
	if c.Email != "" {
		claims.Verified = &c.EmailVerified
	}
	if proved, at := assuranceOf(d); proved.acr != "" {
		claims.AuthTime, claims.AMR, claims.ACR = at.Unix(), proved.amr, proved.acr
	}
	return keys.Sign(key, IDTokenType, claims)
}
