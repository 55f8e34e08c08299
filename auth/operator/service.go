// Package operator does what an operator asks for on the command line, and what a running server does by itself: sweeping, and
// telling whether it is ready.
package operator

import (
	"log/slog"
	"time"

	"latchkey/auth"
	"latchkey/auth/account"
	"latchkey/auth/deletion"
	"latchkey/auth/keys"
	"latchkey/auth/notify"
	"latchkey/auth/ratelimit"
	"latchkey/auth/signin"
	"latchkey/auth/token"
	"latchkey/models"
)

// Parts are what the service works with.
type Parts struct {
	Store     *models.Store
	Clock     auth.Clock
	Elapsed   func() time.Duration // the time since a fixed moment, by a clock that cannot be set; nil: the system's
	Log       *slog.Logger
	Keys      *keys.Service
	Notify    *notify.Service
	Tokens    *token.Service
	SignIn    *signin.Service
	Accounts  *account.Service
	Deletions *deletion.Service
	Limits    *ratelimit.Service
	Hasher    *ratelimit.Hasher
}

// Service works for the operator. It is safe for concurrent use.
type Service struct {
	store     *models.Store
	clock     auth.Clock
	elapsed   func() time.Duration
	log       *slog.Logger
	keys      *keys.Service
	notify    *notify.Service
	tokens    *token.Service
	signIn    *signin.Service
	accounts  *account.Service
	deletions *deletion.Service
	limits    *ratelimit.Service
	hasher    *ratelimit.Hasher
	ready     readiness
}

// New makes the service.
func New(p Parts) *Service {
	if p.Elapsed == nil {
		began := time.Now()
		p.Elapsed = func() time.Duration { return time.Since(began) }
	}
	return &Service{
		store: p.Store, clock: p.Clock, elapsed: p.Elapsed, log: p.Log, keys: p.Keys, notify: p.Notify, tokens: p.Tokens,
		signIn: p.SignIn, accounts: p.Accounts, deletions: p.Deletions, limits: p.Limits, hasher: p.Hasher,
	}
}
