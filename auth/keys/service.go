// Package keys keeps the keys that sign tokens: it loads and makes them, says which one signs now, and signs.
package keys

import (
	"sync"
	"sync/atomic"
	"time"

	"latchkey/auth"
	"latchkey/auth/keyring"
	"latchkey/models"
)

// Config is what an operator decides about signing.
type Config struct {
	SigningAlg string        // ES256, EdDSA or RS256
	AccessTTL  time.Duration // life of an access token: a key stays published that much longer than it signs
}

// Service holds the signing keys of this process. It is safe for concurrent use.
type Service struct {
	config Config
	store  *models.Store
	clock  auth.Clock
	sealer *keyring.Sealer

	ring     atomic.Pointer[keyring.Ring]
	ringLock sync.Mutex
	ringAt   time.Time // when the ring was read last; guarded by ringLock
}

// New makes the service. It reads nothing yet: Load does.
func New(store *models.Store, clock auth.Clock, sealer *keyring.Sealer, c Config) *Service {
	return &Service{config: c, store: store, clock: clock, sealer: sealer}
}
