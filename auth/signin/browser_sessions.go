package signin

import (
	"log/slog"
	"time"

	"latchkey/auth"
	"latchkey/auth/token"
	"latchkey/models"
)

// BrowserConfig holds the operator's settings for browsers.
type BrowserConfig struct {
	Lifetime     time.Duration     // absolute life of a browser's sign-in, fixed when it begins
	SecondFactor auth.FactorPolicy // who must have a second factor
}

// BrowserParts are the dependencies of the service. All are required.
type BrowserParts struct {
	Store  *models.Store
	Clock  auth.Clock
	Log    *slog.Logger
	Idle   auth.Idle
	Tokens *token.Service
	Key    []byte // HMAC key that derives the secrets of browsers from their marks
}

// BrowserSessions keeps browsers signed in. It is safe for concurrent use.
type BrowserSessions struct {
	config BrowserConfig
	store  *models.Store
	clock  auth.Clock
	log    *slog.Logger
	idle   auth.Idle
	tokens *token.Service
	key    []byte
}

// NewBrowserSessions returns the service.
func NewBrowserSessions(p BrowserParts, c BrowserConfig) *BrowserSessions {
	return &BrowserSessions{config: c, store: p.Store, clock: p.Clock, log: p.Log, idle: p.Idle, tokens: p.Tokens, key: p.Key}
}

// Config returns the settings that New got.
func (s *BrowserSessions) Config() BrowserConfig { return s.config }
