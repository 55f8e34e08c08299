// Package support lets the support staff find people and see their devices and activity. It records every search and every view
// before it shows anything.
package support

import (
	"time"

	"latchkey/auth"
	"latchkey/auth/device"
	"latchkey/models"
)

// Service serves the support staff. It is safe for concurrent use.
type Service struct {
	// Patience is how long a search or a count may take. New sets it to two seconds.
	Patience time.Duration

	store   *models.Store
	clock   auth.Clock
	idle    auth.Idle
	devices *device.Service
	stats   stats
}

// New returns the service.
func New(store *models.Store, clock auth.Clock, idle auth.Idle, devices *device.Service) *Service {
	return &Service{store: store, clock: clock, idle: idle, devices: devices, Patience: patience}
}
