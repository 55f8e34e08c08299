// Package client manages the registered apps: those that may sign people in.
package client

import (
	"sync/atomic"

	"latchkey/auth"
	"latchkey/models"
)

// Service manages registered apps. It is safe for concurrent use.
type Service struct {
	store *models.Store
	clock auth.Clock
	held  atomic.Pointer[heldApps]
}

// New returns the service.
func New(store *models.Store, clock auth.Clock) *Service { return &Service{store: store, clock: clock} }
