// Package support lets the support staff find people and see their devices and activity. It records every search and every view
// before it shows anything.
package support

import (
	"time"

	"latchkey/auth"
	"latchkey/auth/device"
	"latchkey/auth/stats"
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
	acts    actLimit
	stats   *stats.Service
}

// New returns the service.
func New(store *models.Store, clock auth.Clock, idle auth.Idle, devices *device.Service, daily *stats.Service) *Service {
	return &Service{store: store, clock: clock, idle: idle, devices: devices, stats: daily, Patience: patience}
}
