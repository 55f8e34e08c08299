// Package browser keeps browsers signed in: it makes the rows and the secrets of their sign-ins, and authenticates sessions.
package browser

import (
	"log/slog"
	"time"

	"latchkey/auth"
	"latchkey/auth/token"
	"latchkey/models"
)

// Config holds the operator's settings for browsers.
type Config struct {
	Lifetime     time.Duration     // absolute life of a browser's sign-in, fixed when it begins
	SecondFactor auth.FactorPolicy // who must have a second factor
}

// Parts are the dependencies of the service. All are required.
type Parts struct {
	Store  *models.Store
	Clock  auth.Clock
	Log    *slog.Logger
	Idle   auth.Idle
	Tokens *token.Service
	Key    []byte // HMAC key that derives the secrets of browsers from their marks
}

// Service keeps browsers signed in. It is safe for concurrent use.
type Service struct {
	config Config
	store  *models.Store
	clock  auth.Clock
	log    *slog.Logger
	idle   auth.Idle
	tokens *token.Service
	key    []byte
}

// New returns the service.
func New(p Parts, c Config) *Service {
	return &Service{config: c, store: p.Store, clock: p.Clock, log: p.Log, idle: p.Idle, tokens: p.Tokens, key: p.Key}
}

// Config returns the settings that New got.
func (s *Service) Config() Config { return s.config }
