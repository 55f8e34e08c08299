// Package revocation publishes which devices are revoked, in status lists that resource servers read, and keeps what this process has
// published when the database forgets it.
package revocation

import (
	"log/slog"
	"time"

	"latchkey/auth"
	"latchkey/auth/keys"
	"latchkey/models"
)

// Config holds the operator's settings for status lists.
type Config struct {
	AccessTTL time.Duration // life of an access token, which a revoked device's bit outlasts
	TTL       time.Duration // how long a resource server may use a list that it fetched; 0: no status lists
	URL       string        // of the lists, with a slash at the end
}

// Service holds the status lists of this process. It is safe for concurrent use.
type Service struct {
	config Config
	store  *models.Store
	clock  auth.Clock
	log    *slog.Logger
	keys   *keys.Service
	board  board
}

// New returns the service, which has read nothing yet.
func New(store *models.Store, clock auth.Clock, log *slog.Logger, k *keys.Service, c Config) *Service {
	return &Service{config: c, store: store, clock: clock, log: log, keys: k}
}
