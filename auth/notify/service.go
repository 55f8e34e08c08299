// Package notify tells people what happened to their account. It composes mails and the links in them, stores both, and sends the
// mails.
package notify

import (
	"log/slog"
	"sync/atomic"

	"latchkey/auth"
	"latchkey/auth/mail"
	"latchkey/auth/place"
	"latchkey/auth/seal"
	"latchkey/auth/tally"
	"latchkey/models"
)

// Config says how mails leave this process.
type Config struct {
	Sender mail.Sender // sends mails; nil: there is no mail, neither alerts nor password resets
	Render Render      // renders notifications; needed only by processes that call Run
	Places *place.Database

	IncidentRate int // mails about incidents in a minute, of all replicas together; 0: none
}

// Service composes and sends mails. It is safe for concurrent use.
type Service struct {
	store  *models.Store
	clock  auth.Clock
	log    *slog.Logger
	sealer *seal.Sealer
	sender mail.Sender
	render Render
	places *place.Database
	wake   [len(connections)]chan struct{} // each wakes one sender
	count  atomic.Uint32                   // of mails that this process composed; orders their ids

	attempts *tally.Tally[string]
	givenUp  atomic.Int64

	incidentRate int
	incidents    *tally.Tally[string]
}

// New returns the service.
func New(store *models.Store, clock auth.Clock, log *slog.Logger, sealer *seal.Sealer, c Config) *Service {
	s := &Service{
		store: store, clock: clock, log: log, sealer: sealer, sender: c.Sender, render: c.Render, places: c.Places, attempts: newMailTally(),
		incidentRate: c.IncidentRate, incidents: newIncidentTally(),
	}
	for i := range s.wake {
		s.wake[i] = make(chan struct{}, 1)
	}
	return s
}
