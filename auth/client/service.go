// Package client manages the registered apps: those that may sign people in.
package client

import (
	"latchkey/auth"
	"latchkey/models"
)

// Service manages registered apps. It is safe for concurrent use.
type Service struct {
	store *models.Store
	clock auth.Clock
}

// New returns the service.
func New(store *models.Store, clock auth.Clock) *Service { return &Service{store, clock} }
