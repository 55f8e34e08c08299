// Package deletion deletes accounts. The account, its devices and links are gone in one short transaction; the events lose everything
// personal afterwards, in steps that a crash does not lose.
package deletion

import (
	"log/slog"

	"latchkey/auth"
	"latchkey/auth/notify"
	"latchkey/auth/seal"
	"latchkey/auth/signin"
	"latchkey/models"
)

// Service deletes accounts. It is safe for concurrent use.
type Service struct {
	store  *models.Store
	clock  auth.Clock
	log    *slog.Logger
	sealer *seal.Sealer
	notify *notify.Service
	signIn *signin.Service
	wake   chan struct{} // wakes Run
}

// New makes the service.
func New(store *models.Store, clock auth.Clock, log *slog.Logger, sealer *seal.Sealer, notify *notify.Service, signIn *signin.Service) *Service {
	return &Service{store: store, clock: clock, log: log, sealer: sealer, notify: notify, signIn: signIn, wake: make(chan struct{}, 1)}
}
