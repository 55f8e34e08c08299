// Package device lists a person's devices and activity, renames devices and signs them out.
package device

import (
	"latchkey/auth"
	"latchkey/auth/confirm"
	"latchkey/auth/notify"
	"latchkey/auth/passwordcheck"
	"latchkey/auth/ratelimit"
	"latchkey/auth/token"
	"latchkey/models"
)

// Service manages devices for their owners. It is safe for concurrent use.
type Service struct {
	store     *models.Store
	clock     auth.Clock
	idle      auth.Idle
	passwords *passwordcheck.Service
	tokens    *token.Service
	confirm   *confirm.Service
	notify    *notify.Service
	limits    *ratelimit.Service
}

// New returns a Service.
func New(store *models.Store, clock auth.Clock, idle auth.Idle, tokens *token.Service, passwords *passwordcheck.Service, confirm *confirm.Service, notify *notify.Service, limits *ratelimit.Service) *Service {
	return &Service{store: store, clock: clock, idle: idle, tokens: tokens, passwords: passwords, confirm: confirm, notify: notify, limits: limits}
}
