// Package operator implements the operator's commands, and what a running server does by itself: sweeping, background work, and
// reporting whether it is ready.
package operator

import (
	"log/slog"
	"time"

	"latchkey/auth"
	"latchkey/auth/account"
	"latchkey/auth/challenge"
	"latchkey/auth/deletion"
	"latchkey/auth/factor"
	"latchkey/auth/incident"
	"latchkey/auth/keys"
	"latchkey/auth/logout"
	"latchkey/auth/notify"
	"latchkey/auth/ratelimit"
	"latchkey/auth/revocation"
	"latchkey/auth/stats"
	"latchkey/auth/transfer"
	"latchkey/auth/webhook"
	"latchkey/models"
)

// Parts are the dependencies of the service. All but Elapsed are required.
type Parts struct {
	Store       *models.Store
	Clock       auth.Clock
	Idle        auth.Idle
	Elapsed     func() time.Duration // time since a fixed moment, by a monotonic clock; nil: the system's
	Log         *slog.Logger
	Keys        *keys.Service
	Notify      *notify.Service
	Revocations *revocation.Service
	Challenges  *challenge.Service
	Accounts    *account.Service
	Deletions   *deletion.Service
	Incidents   *incident.Service
	Factors     *factor.Service
	Limits      *ratelimit.Service
	Hasher      *ratelimit.Hasher
	Logout      *logout.Service
	Transfers   *transfer.Service
	Webhooks    *webhook.Service
	Stats       *stats.Service
}

// Service acts for the operator. It is safe for concurrent use.
type Service struct {
	store       *models.Store
	clock       auth.Clock
	idle        auth.Idle
	elapsed     func() time.Duration
	log         *slog.Logger
	keys        *keys.Service
	notify      *notify.Service
	revocations *revocation.Service
	challenges  *challenge.Service
	accounts    *account.Service
	deletions   *deletion.Service
	incidents   *incident.Service
	factors     *factor.Service
	limits      *ratelimit.Service
	hasher      *ratelimit.Hasher
	logout      *logout.Service
	transfers   *transfer.Service
	webhooks    *webhook.Service
	stats       *stats.Service
	creating    chan struct{} // holds one while a backend's password is hashed
	ready       readiness
	sweeps      sweepCounts
}

// New returns the service.
func New(p Parts) *Service {
	if p.Elapsed == nil {
		began := time.Now()
		p.Elapsed = func() time.Duration { return time.Since(began) }
	}
	return &Service{
		creating: make(chan struct{}, 1),
		store:    p.Store, clock: p.Clock, idle: p.Idle, elapsed: p.Elapsed, log: p.Log, keys: p.Keys, notify: p.Notify, revocations: p.Revocations,
		challenges: p.Challenges, accounts: p.Accounts, deletions: p.Deletions, incidents: p.Incidents, factors: p.Factors, limits: p.Limits, hasher: p.Hasher, logout: p.Logout, webhooks: p.Webhooks,
		transfers: p.Transfers, stats: p.Stats,
	}
}
