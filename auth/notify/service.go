// Package notify tells people what happened to their account: it composes mails, makes the links in them, keeps both until they
// are due, and sends the mails.
package notify

import (
	"log/slog"
	"sync/atomic"

	"latchkey/auth"
	"latchkey/auth/mail"
	"latchkey/auth/seal"
	"latchkey/models"
)

// Config is how mails leave this process.
type Config struct {
	Sender mail.Sender // takes mails; nil: there are none, and nobody is told or let back in by mail
	Render Render      // puts notifications into words; only a process that runs Run needs it
}

// Service composes and sends mails. It is safe for concurrent use.
type Service struct {
	store  *models.Store
	clock  auth.Clock
	log    *slog.Logger
	sealer *seal.Sealer
	sender mail.Sender
	render Render
	wake   [len(connections)]chan struct{} // wake the senders
	count  atomic.Uint32                   // of mails that this process wrote; only their order is taken from it
}

// New makes the service.
func New(store *models.Store, clock auth.Clock, log *slog.Logger, sealer *seal.Sealer, c Config) *Service {
	s := &Service{store: store, clock: clock, log: log, sealer: sealer, sender: c.Sender, render: c.Render}
	for i := range s.wake {
		s.wake[i] = make(chan struct{}, 1)
	}
	return s
}
