// Package passwordcheck checks the passwords of accounts within the limits on attempts and on hashing, and records the wrong ones.
package passwordcheck

import (
	"latchkey/auth"
	"latchkey/auth/ratelimit"
	"latchkey/models"
)

// Service checks passwords within the limits. It is safe for concurrent use.
type Service struct {
	store  *models.Store
	clock  auth.Clock
	limits *ratelimit.Service
	gate   *ratelimit.Gate
	slots  *ratelimit.Slots
	hasher *ratelimit.Hasher
}

// New returns the service.
func New(store *models.Store, clock auth.Clock, limits *ratelimit.Service, gate *ratelimit.Gate, slots *ratelimit.Slots, hasher *ratelimit.Hasher) *Service {
	return &Service{store: store, clock: clock, limits: limits, gate: gate, slots: slots, hasher: hasher}
}
