// Package ratelimit bounds what one account, one network and one stranger can do. It counts failures and sign-ins in the database,
// and bounds how many passwords this process hashes at a time.
package ratelimit

import (
	"log/slog"

	"latchkey/auth"
	"latchkey/models"
)

// Service counts attempts in the database, so that all replicas share the limits. It is safe for concurrent use.
type Service struct {
	store   *models.Store
	clock   auth.Clock
	log     *slog.Logger
	key     []byte // of the hashes under which counters and known origins are stored
	budgets Budgets
}

// New returns the service. The zero Budgets stand for MaxSignIns and MaxSignInsDay. key is secret; changing it resets all limits.
func New(store *models.Store, clock auth.Clock, log *slog.Logger, key []byte, b Budgets) *Service {
	if b == (Budgets{}) {
		b = Budgets{MaxSignIns, MaxSignInsDay}
	}
	return &Service{store: store, clock: clock, log: log, key: key, budgets: b}
}
