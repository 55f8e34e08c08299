package signin

import (
	"latchkey/auth"
	"latchkey/auth/ratelimit"
	"latchkey/models"
)

// PasswordChecks checks passwords. It is safe for concurrent use.
type PasswordChecks struct {
	store  *models.Store
	clock  auth.Clock
	limits *ratelimit.Service
	gate   *ratelimit.Gate
	slots  *ratelimit.Slots
	hasher *ratelimit.Hasher
}

// NewPasswordChecks returns the service.
func NewPasswordChecks(store *models.Store, clock auth.Clock, limits *ratelimit.Service, gate *ratelimit.Gate, slots *ratelimit.Slots, hasher *ratelimit.Hasher) *PasswordChecks {
	return &PasswordChecks{store: store, clock: clock, limits: limits, gate: gate, slots: slots, hasher: hasher}
}
