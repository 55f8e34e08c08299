// Package ratelimit bounds what one account, one network and one stranger can do: it counts failures and sign-ins in the
// database, and bounds how many passwords are hashed at a time in this process.
package ratelimit

import (
	"log/slog"

	"latchkey/auth"
	"latchkey/models"
)

// Service counts in the database, so that replicas share the limits. It is safe for concurrent use.
type Service struct {
	store   *models.Store
	clock   auth.Clock
	log     *slog.Logger
	key     []byte // of the hashes under which counters and known origins are kept
	budgets Budgets
}

// New makes the service. The zero Budgets are the usual ones.
func New(store *models.Store, clock auth.Clock, log *slog.Logger, key []byte, b Budgets) *Service {
	if b == (Budgets{}) {
		b = Budgets{MaxSignIns, MaxSignInsDay}
	}
	return &Service{store: store, clock: clock, log: log, key: key, budgets: b}
}
