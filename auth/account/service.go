// Package account makes and changes accounts: sign-up, invitation, password and "This wasn't me".
package account

import (
	"log/slog"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/confirm"
	"latchkey/auth/notify"
	"latchkey/auth/password"
	"latchkey/auth/passwordcheck"
	"latchkey/auth/ratelimit"
	"latchkey/auth/seal"
	"latchkey/models"
)

// Config holds the operator's settings for accounts.
type Config struct {
	SignupOpen  bool // people may create accounts
	PasswordMin int  // in characters, at least password.Shortest
	// Names are those of the service and of its hosts, which a password must not be made of.
	Names []string
	// Breached asks a service for passwords that are known from breaches; nil: nothing is asked.
	Breached password.Range
}

// Parts are the dependencies of the service. All are required.
type Parts struct {
	Store     *models.Store
	Clock     auth.Clock
	Log       *slog.Logger
	Sealer    *seal.Sealer
	Notify    *notify.Service
	Passwords *passwordcheck.Service
	Browsers  *browser.Service
	Confirm   *confirm.Service
	Limits    *ratelimit.Service
	Gate      *ratelimit.Gate
	Slots     *ratelimit.Slots
	Hasher    *ratelimit.Hasher
}

// Service makes and changes accounts. It is safe for concurrent use.
type Service struct {
	config    Config
	store     *models.Store
	clock     auth.Clock
	log       *slog.Logger
	sealer    *seal.Sealer
	notify    *notify.Service
	passwords *passwordcheck.Service
	browsers  *browser.Service
	confirm   *confirm.Service
	limits    *ratelimit.Service
	gate      *ratelimit.Gate
	slots     *ratelimit.Slots
	hasher    *ratelimit.Hasher

	breaches *breaches
}

// New returns the service.
func New(p Parts, c Config) *Service {
	return &Service{
		config: c, store: p.Store, clock: p.Clock, log: p.Log, sealer: p.Sealer, notify: p.Notify,
		passwords: p.Passwords, browsers: p.Browsers, confirm: p.Confirm, limits: p.Limits, gate: p.Gate, slots: p.Slots, hasher: p.Hasher,
		breaches: newBreaches(c.Breached, p.Log, p.Clock.Now),
	}
}

// Config returns the settings that New got.
func (s *Service) Config() Config { return s.config }
