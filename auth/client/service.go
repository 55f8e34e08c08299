// Package client manages the registered clients (RFC 6749 §2): which apps may sign people in, where browsers may bring an answer, and
// how confidential clients authenticate.
package client

import (
	"sync/atomic"

	"latchkey/auth"
	"latchkey/auth/ratelimit"
	"latchkey/models"
)

// Service manages registered clients. It is safe for concurrent use.
type Service struct {
	store   *models.Store
	clock   auth.Clock
	limits  *ratelimit.Service
	held    atomic.Pointer[registry]
	reading chan struct{} // holds an element while the database is read
}

// New returns the service.
func New(store *models.Store, clock auth.Clock, limits *ratelimit.Service) *Service {
	return &Service{store: store, clock: clock, limits: limits, reading: make(chan struct{}, 1)}
}
