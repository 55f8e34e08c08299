package notify

import (
	"context"
	"errors"
	"time"

	"latchkey/auth/mail"
	"latchkey/auth/tally"
	"latchkey/models"
)

// How attempts to send mails end.
const (
	MailSent        = "sent"
	MailRefused     = "refused"     // by the server, for good
	MailDeferred    = "deferred"    // by the server, for now
	MailSettings    = "settings"    // do not fit the server: no mail leaves before the operator acts
	MailUnreachable = "unreachable" // no answer: no connection, no TLS, or a connection that broke
	MailUnreadable  = "unreadable"  // the mail could not be opened or rendered
)

func newMailTally() *tally.Tally[string] {
	return tally.New(MailSent, MailRefused, MailDeferred, MailSettings, MailUnreachable, MailUnreadable)
}

// Attempts counts how attempts of this process to send mails ended.
func (s *Service) Attempts() *tally.Tally[string] { return s.attempts }

// GivenUp returns how many mails this process gave up.
func (s *Service) GivenUp() int64 { return s.givenUp.Load() }

// countAttempt counts an attempt to deliver a mail.
func (s *Service) countAttempt(err error) {
	result := MailUnreachable
	switch {
	case err == nil:
		result = MailSent
	case errors.Is(err, mail.ErrRefused):
		result = MailRefused
	case errors.Is(err, mail.ErrSettings):
		result = MailSettings
	case errors.Is(err, mail.ErrDeferred):
		result = MailDeferred
	}
	s.attempts.Add(result, 1)
}

// mostCounted is up to how many waiting mails Outbox counts.
const mostCounted = 10_000

// Outbox reads how many mails of all replicas wait, counting up to 10,000, and since when. It returns ErrUnavailable of package models.
func (s *Service) Outbox(ctx context.Context) (models.Outbox, error) {
	return s.store.Outbox(ctx, mostCounted)
}

// WaitingByClass counts the mails of each class that wait, of all replicas, each up to 10,000. It returns ErrUnavailable of package models.
func (s *Service) WaitingByClass(ctx context.Context) (map[models.MailClass]int64, error) {
	return s.store.WaitingByClass(ctx, mostCounted)
}

// Late reads how many mails of all replicas have been due for longer than d, counting up to 10,000, and since when the oldest waits. It
// returns ErrUnavailable of package models.
func (s *Service) Late(ctx context.Context, d time.Duration) (models.Outbox, error) {
	return s.store.LateMails(ctx, s.clock.Now().Add(-d), mostCounted)
}
