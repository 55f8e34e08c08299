// Package deletion deletes accounts. One short transaction removes the account, its devices and its links. Everything personal is
// then removed from its events in steps that survive a crash.
package deletion

import (
	"log/slog"

	"latchkey/auth"
	"latchkey/auth/confirm"
	"latchkey/auth/notify"
	"latchkey/auth/seal"
	"latchkey/models"
)

// Service deletes accounts. It is safe for concurrent use.
type Service struct {
	store   *models.Store
	clock   auth.Clock
	log     *slog.Logger
	sealer  *seal.Sealer
	notify  *notify.Service
	confirm *confirm.Service
	wake    chan struct{} // wakes Run
}

// New returns the service.
func New(store *models.Store, clock auth.Clock, log *slog.Logger, sealer *seal.Sealer, notify *notify.Service, confirm *confirm.Service) *Service {
	return &Service{store: store, clock: clock, log: log, sealer: sealer, notify: notify, confirm: confirm, wake: make(chan struct{}, 1)}
}
