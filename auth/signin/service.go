// Package signin signs people in on apps and browsers: with the password, its second step, or a passkey alone.
package signin

import (
	"time"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/challenge"
	"latchkey/auth/keys"
	"latchkey/auth/passwordcheck"
	"latchkey/auth/ratelimit"
	"latchkey/auth/token"
	"latchkey/models"
)

// Config holds the operator's settings for sign-ins.
type Config struct {
	DeviceLifetime time.Duration     // absolute life of an app's sign-in, fixed when it begins
	MaxRefreshes   int64             // refreshes of one app, fixed at sign-in; 0: no limit
	DPoPRequired   bool              // new apps must bind their tokens to a key (RFC 9449)
	SecondFactor   auth.FactorPolicy // who must have a second factor; empty: no one
}

// Parts are the dependencies of the service. All are required.
type Parts struct {
	Store      *models.Store
	Clock      auth.Clock
	Keys       *keys.Service
	Tokens     *token.Service
	Browsers   *browser.Service
	Limits     *ratelimit.Service
	Gate       *ratelimit.Gate
	Passwords  *passwordcheck.Service
	Challenges *challenge.Service
}

// Service signs people in. It is safe for concurrent use.
type Service struct {
	config     Config
	store      *models.Store
	clock      auth.Clock
	keys       *keys.Service
	tokens     *token.Service
	browsers   *browser.Service
	limits     *ratelimit.Service
	gate       *ratelimit.Gate
	passwords  *passwordcheck.Service
	challenges *challenge.Service
}

// New returns the service.
func New(p Parts, c Config) *Service {
	return &Service{
		config: c, store: p.Store, clock: p.Clock, keys: p.Keys, tokens: p.Tokens, browsers: p.Browsers, limits: p.Limits,
		gate: p.Gate, passwords: p.Passwords, challenges: p.Challenges,
	}
}

// Config returns the settings that New got.
func (s *Service) Config() Config { return s.config }
