// Package signin signs people in on apps and browsers: with a password and, if needed, a second step, or with a passkey alone.
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
	DeviceLifetime time.Duration     // absolute lifetime of an app's sign-in, fixed at sign-in
	MaxRefreshes   int64             // how often an app may refresh before it must sign in again, fixed at sign-in; 0: no limit
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

// New returns a Service.
func New(p Parts, c Config) *Service {
	return &Service{
		config: c, store: p.Store, clock: p.Clock, keys: p.Keys, tokens: p.Tokens, browsers: p.Browsers, limits: p.Limits,
		gate: p.Gate, passwords: p.Passwords, challenges: p.Challenges,
	}
}

// Config returns the settings that were passed to New.
func (s *Service) Config() Config { return s.config }
