// Package client registers the apps that may sign people in.
package client

import (
	"latchkey/auth"
	"latchkey/models"
)

// Service knows the registered apps. It is safe for concurrent use.
type Service struct {
	store *models.Store
	clock auth.Clock
}

// New makes the service.
func New(store *models.Store, clock auth.Clock) *Service { return &Service{store, clock} }
