// Package support lets the support staff find people and see what is signed in and what happened. Every search and every look is
// recorded before it is answered.
package support

import (
	"time"

	"latchkey/auth"
	"latchkey/auth/device"
	"latchkey/auth/signin"
	"latchkey/models"
)

// Service answers the support staff. It is safe for concurrent use.
type Service struct {

	// Patience is how long a search or a count may take before it is given up: two seconds.
	Patience time.Duration

	store   *models.Store
	clock   auth.Clock
	idle    auth.Idle
	devices *device.Service
	signIn  *signin.Service
	stats   stats
}

// New makes the service.
func New(store *models.Store, clock auth.Clock, idle auth.Idle, signIn *signin.Service, devices *device.Service) *Service {
	return &Service{store: store, clock: clock, idle: idle, devices: devices, signIn: signIn, Patience: patience}
}
