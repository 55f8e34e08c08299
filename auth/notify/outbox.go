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

// The outbox. A mail is written by the transaction that causes it, and sent afterwards by the replica that claims it. A replica
// that dies in between leaves a mail whose claim runs out, and another sends it: once in normal work, once more rather
// than never when something fails.
const (
	batch       = 10
	Lease       = 3 * time.Minute // how long a mail is kept for the one that claimed it
	SendTime    = 2 * time.Minute
	pollEvery   = 2 * time.Second
	FirstWait   = 10 * time.Second
	lastWait    = time.Hour
	giveUpAfter = 24 * time.Hour
	stopGrace   = 5 * time.Second // for a mail under way when the program stops
)

// connections are the connections of one process to the mail server, each with the least urgent mails that it takes. However slowly
// the server takes what strangers ask for, one connection is left for alarms and another for what people wait for.
var connections = [4]int64{models.MailSecurity, models.MailAsked, models.MailSignup, models.MailSignup}

// Wake wakes the senders of this process: something was written.
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

// SendMails sends up to ten mails that are due, one after the other, and tells how many it claimed. Run does the same, several
// at a time.
func (s *Service) SendMails(ctx context.Context) (claimed int, err error) {
	for claimed < batch && err == nil && ctx.Err() == nil {
		var sent bool
		if sent, err = s.SendNext(ctx, models.MailSignup); !sent {
			return claimed, err
		}
		claimed++
	}
	return claimed, err
}

// SendNext claims the mail that is due next among those as urgent as the given priority or more, and sends it; false: there was
// none. A mail that cannot be sent is kept for later, and given up when its recipient is refused for good or it is too old: then
// the account's activity says so.
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

// sendMail sends one claimed mail and notes what became of it.
func (s *Service) sendMail(ctx context.Context, m models.OutgoingMail) error {
	if m.Kind == string(KindNone) {
		return s.store.DeleteMail(ctx, m.ID)
	}
	message, l, err := s.message(ctx, m)
	if errors.Is(err, models.ErrUnavailable) {
		return s.postponeMail(ctx, m, err)
	}
	if errors.Is(err, seal.ErrSealedByOther) && !s.clock.Now().After(m.CreatedAt.Add(giveUpAfter)) {
		return s.postponeMail(ctx, m, err) // a replica that has the next secret already can open it
	}
	if err != nil {
		return s.giveUpMail(ctx, m, err) // no later try would open or word it
	}
	if err = s.deliver(ctx, message); err == nil {
		return s.store.DeleteMail(ctx, m.ID)
	}
	now := s.clock.Now()
	switch {
	case errors.Is(err, mail.ErrRefused), now.After(m.CreatedAt.Add(giveUpAfter)), !l.Until.IsZero() && now.After(l.Until):
		return s.giveUpMail(ctx, m, err)
	case ctx.Err() != nil:
		return s.store.PostponeMail(ctx, m.ID, now)
	}
	return s.postponeMail(ctx, m, err)
}

func (s *Service) postponeMail(ctx context.Context, m models.OutgoingMail, err error) error {
	wait, level := waitAfter(m.Tries), slog.LevelWarn
	if errors.Is(err, mail.ErrSettings) {
		level = slog.LevelError // no try will succeed before the operator acts
	}
	s.log.Log(ctx, level, "a mail could not be sent", "mail", m.ID, "kind", m.Kind, "tries", m.Tries, "again_in", wait.Round(time.Second), "error", err)
	return s.store.PostponeMail(ctx, m.ID, s.clock.Now().Add(wait))
}

// deliver gives the sender its time. When the program is told to stop, a mail under way is still finished, soon.
func (s *Service) deliver(ctx context.Context, message mail.Message) error {
	sending, cancel := context.WithTimeout(context.WithoutCancel(ctx), SendTime)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(stopGrace, cancel) })
	defer stop()
	return s.sender.Send(sending, message)
}

func (s *Service) giveUpMail(ctx context.Context, m models.OutgoingMail, cause error) error {
	s.log.ErrorContext(ctx, "a mail was given up", "mail", m.ID, "kind", m.Kind, "tries", m.Tries, "error", cause)
	e := auth.NewEvent(models.EventMailFailed, m.UserID, auth.Caller{}, s.clock.Now())
	e.Actor, e.Detail = models.ActorSystem, m.Kind
	return s.store.GiveUpMail(ctx, m.ID, e)
}

// waitAfter doubles from ten seconds to an hour; half of it is left to chance, so that what failed together does not
// come back together.
func waitAfter(tries int64) time.Duration {
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
