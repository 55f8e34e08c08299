package notify

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"math/big"
	"sync"
	"time"

	"latchkey/auth"
	"latchkey/auth/mail"
	"latchkey/auth/seal"
	"latchkey/models"
)

// The outbox. The transaction of an act writes its mail, and a replica claims and sends it afterwards. If that replica dies, its
// claim expires and another one sends the mail. A mail is sent once in normal operation, and rather twice than never when something
// fails.
const (
	batch       = 10
	Lease       = 3 * time.Minute // how long a claimed mail is reserved for its replica
	SendTime    = 2 * time.Minute
	pollEvery   = 2 * time.Second
	FirstWait   = 10 * time.Second
	lastWait    = time.Hour
	giveUpAfter = 24 * time.Hour
	stopGrace   = 5 * time.Second // for a mail in progress when the program stops
)

// connections are one process's connections to the mail server, each with the least urgent priority that it sends. However slowly
// the server takes mails that strangers ask for, one connection is left for security mails and another for mails that people wait
// for. Mails about incidents have one more: see runIncidents.
var connections = [4]int64{models.MailSecurity, models.MailAsked, models.MailRest, models.MailRest}

// Wake tells this process's senders that there is new mail.
func (s *Service) Wake() {
	for _, wake := range s.wake {
		select {
		case wake <- struct{}{}:
		default:
		}
	}
}

// Run sends mails until the context ends.
func (s *Service) Run(ctx context.Context) {
	if s.sender == nil || s.render == nil {
		return
	}
	var senders sync.WaitGroup
	for i, priority := range connections {
		senders.Go(func() { s.runSender(ctx, priority, s.wake[i]) })
	}
	if s.incidentRate > 0 {
		senders.Go(func() { s.runIncidents(ctx) })
	}
	senders.Wait()
}

func (s *Service) runSender(ctx context.Context, priority int64, wake <-chan struct{}) {
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	for ctx.Err() == nil {
		sent, err := s.SendNext(ctx, priority)
		if err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "the outbox could not be read or written", "error", err)
		}
		if sent && err == nil {
			continue // there may be more
		}
		select {
		case <-ctx.Done():
		case <-poll.C:
		case <-wake:
		}
	}
}

// SendMails sends up to ten due mails, one after the other, and returns how many it claimed. Run does the same with several
// connections.
func (s *Service) SendMails(ctx context.Context) (claimed int, err error) {
	for claimed < batch && err == nil && ctx.Err() == nil {
		var sent bool
		if sent, err = s.SendNext(ctx, models.MailRest); !sent {
			return claimed, err
		}
		claimed++
	}
	return claimed, err
}

// SendNext claims and sends the next due mail with the given priority or a more urgent one. It reports false if no mail is due. It
// postpones a mail that it cannot send, and gives it up when the server refuses it for good or when it is too old; the account's
// activity then says so.
func (s *Service) SendNext(ctx context.Context, priority int64) (claimed bool, err error) {
	now := s.clock.Now()
	m, err := s.store.ClaimMail(ctx, priority, now, now.Add(Lease))
	if errors.Is(err, models.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, s.sendMail(ctx, m)
}

// sendMail sends one claimed mail and records the result.
func (s *Service) sendMail(ctx context.Context, m models.OutgoingMail) error {
	if m.Kind == string(KindNone) {
		return s.store.DeleteMail(ctx, m.ID)
	}
	message, l, err := s.message(ctx, m)
	if errors.Is(err, errPast) {
		return s.dropIncident(ctx, m)
	}
	if errors.Is(err, models.ErrUnavailable) {
		return s.postponeMail(ctx, m, err)
	}
	if errors.Is(err, seal.ErrSealedByOther) && !s.clock.Now().After(m.CreatedAt.Add(giveUpAfter)) {
		return s.postponeMail(ctx, m, err) // a replica that already has the next secret can open it
	}
	if err != nil {
		s.attempts.Add(MailUnreadable, 1)
		return s.giveUpMail(ctx, m, err) // no later attempt could open or render it
	}
	err = s.deliver(ctx, message)
	s.countAttempt(err)
	if err == nil {
		if l.Kind == KindIncident {
			s.incidents.Add(IncidentSent, 1)
		}
		return s.store.DeleteMail(ctx, m.ID)
	}
	now := s.clock.Now()
	switch {
	case l.Kind == KindIncident && !errors.Is(err, mail.ErrRefused) && ctx.Err() != nil:
		return s.store.PostponeMail(ctx, m.ID, now)
	case l.Kind == KindIncident && !errors.Is(err, mail.ErrRefused):
		return s.putBack(ctx, m, l, err)
	case errors.Is(err, mail.ErrRefused), now.After(m.CreatedAt.Add(giveUpAfter)), !l.Until.IsZero() && now.After(l.Until):
		return s.giveUpMail(ctx, m, err)
	case ctx.Err() != nil:
		return s.store.PostponeMail(ctx, m.ID, now)
	}
	return s.postponeMail(ctx, m, err)
}

func (s *Service) postponeMail(ctx context.Context, m models.OutgoingMail, err error) error {
	wait, level := Pause(m.Tries), slog.LevelWarn
	if errors.Is(err, mail.ErrSettings) {
		level = slog.LevelError // no attempt will succeed before the operator acts
	}
	s.log.Log(ctx, level, "a mail could not be sent", "mail", m.ID, "kind", m.Kind, "tries", m.Tries, "again_in", wait.Round(time.Second), "error", err)
	return s.store.PostponeMail(ctx, m.ID, s.clock.Now().Add(wait))
}

// deliver sends a message within SendTime. When the program stops, a mail in progress still gets stopGrace.
func (s *Service) deliver(ctx context.Context, message mail.Message) error {
	sending, cancel := context.WithTimeout(context.WithoutCancel(ctx), SendTime)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(stopGrace, cancel) })
	defer stop()
	return s.sender.Send(sending, message)
}

func (s *Service) giveUpMail(ctx context.Context, m models.OutgoingMail, cause error) error {
	s.givenUp.Add(1)
	s.log.ErrorContext(ctx, "a mail was given up", "mail", m.ID, "kind", m.Kind, "tries", m.Tries, "error", cause)
	e := auth.NewEvent(models.EventMailFailed, m.UserID, auth.Caller{}, s.clock.Now())
	e.Actor, e.Detail = models.ActorSystem, m.Kind
	return s.store.GiveUpMail(ctx, m.ID, e)
}

// Pause returns how long to wait after so many failed attempts. It doubles from FirstWait to an hour. Half of it is random, so that what
// failed together is not retried together.
func Pause(tries int64) time.Duration {
	wait := lastWait
	if tries < 10 {
		wait = min(wait, FirstWait<<max(tries-1, 0))
	}
	spread, err := rand.Int(rand.Reader, big.NewInt(int64(wait/2)))
	if err != nil {
		return wait
	}
	return wait/2 + time.Duration(spread.Int64())
}
