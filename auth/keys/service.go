// Package keys manages the keys that sign tokens. It loads, generates and rotates them, and signs with the current one.
package keys

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"latchkey/auth"
	"latchkey/auth/keyring"
	"latchkey/models"
)

// Config holds the operator's settings for signing.
type Config struct {
	SigningAlg string        // ES256, EdDSA or RS256
	AccessTTL  time.Duration // life of an access token: a key stays published this long, and an hour more, after it stops signing
}

// Service holds the signing keys of this process. It is safe for concurrent use.
type Service struct {
	config Config
	store  *models.Store
	clock  auth.Clock
	sealer *keyring.Sealer

	ring     atomic.Pointer[keyring.Ring]
	ringLock sync.Mutex
	ringAt   time.Time    // when Load last read the ring, or Find last tried to; guarded by ringLock
	loadedAt atomic.Int64 // when Load last succeeded, in seconds since 1970
}

// Algs returns the algorithms that tokens may be signed with: that of the current key, and another one while the operator changes it.
func (s *Service) Algs(ctx context.Context) ([]string, error) {
	key, err := s.Current(ctx)
	if err != nil {
		return nil, err
	}
	return slices.Compact([]string{key.Alg, s.config.SigningAlg}), nil
}

// New returns the service. It reads nothing; Load does.
func New(store *models.Store, clock auth.Clock, sealer *keyring.Sealer, c Config) *Service {
	return &Service{config: c, store: store, clock: clock, sealer: sealer}
}
