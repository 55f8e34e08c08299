package logout

import (
	"context"
	"crypto/rand"
	"time"

	"latchkey/auth/keys"
	"latchkey/models"
)

const (
	// tokenType is the typ header of logout tokens (Back-Channel Logout §2.4).
	tokenType = "logout+jwt"
	// tokenLife is how long a logout token is good. The specification recommends two minutes at most.
	tokenLife = 2 * time.Minute
	// event is the member of events that makes a JWT a logout token.
	event = "http://schemas.openid.net/event/backchannel-logout"
)

// claims are the claims of a logout token (Back-Channel Logout §2.4). There is never a nonce: no one must take it for an ID token.
type claims struct {
	Issuer    string              `json:"iss"`
	Subject   string              `json:"sub"`
	Audience  string              `json:"aud"` // the client
	IssuedAt  int64               `json:"iat"` // seconds since 1970
	ExpiresAt int64               `json:"exp"`
	ID        string              `json:"jti"`
	SessionID string              `json:"sid"` // the device's id, as in ID tokens
	Events    map[string]struct{} `json:"events"`
}

// mint signs the logout token of a notice. Each attempt gets one of its own: the pauses are longer than a token lives.
func (s *Service) mint(ctx context.Context, n models.LogoutNotice) (string, error) {
	key, err := s.keys.Current(ctx)
	if err != nil {
		return "", err
	}
	now := s.clock.Now()
	return keys.Sign(key, tokenType, claims{
		Issuer: s.config.Issuer, Subject: n.UserID.String(), Audience: n.ClientID, SessionID: n.DeviceID.String(),
		IssuedAt: now.Unix(), ExpiresAt: now.Add(tokenLife).Unix(), ID: rand.Text(), Events: map[string]struct{}{event: {}},
	})
}
