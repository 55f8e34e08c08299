// Package transfer brings the users of another system along, and takes those of this one elsewhere.
package transfer

import (
	"latchkey/auth"
	"latchkey/auth/seal"
	"latchkey/models"
)

// Service imports and exports accounts. It is safe for concurrent use.
type Service struct {
	store  *models.Store
	clock  auth.Clock
	sealer *seal.Sealer // of second factors
}

// New returns the service.
func New(store *models.Store, clock auth.Clock, sealer *seal.Sealer) *Service {
	return &Service{store: store, clock: clock, sealer: sealer}
}
