package auth

import (
	"context"
	"crypto/rand"
	"errors"
	"math/big"
	"time"

	"latchkey/auth/mail"
	"latchkey/models"
)

// The outbox. A mail is written by the transaction that causes it, and sent afterwards by whichever replica claims it.
// One that dies in between leaves a mail whose claim runs out, and another sends it: once in normal work, once more
// rather than never when something fails.
const (
	mailBatch     = 10
	mailLease     = 2 * time.Minute // how long a mail is kept for whoever claimed it
	mailSendTime  = 30 * time.Second
	mailLookEvery = 2 * time.Second
	mailFirstWait = 10 * time.Second
	mailLastWait  = time.Hour
	mailGiveUp    = 24 * time.Hour
	mailLastWords = 5 * time.Second // for a mail under way when the program stops
)

// kickMail wakes the sender of this process: something was written.
func (s *Service) kickMail() {
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

// runMail sends mails until the context ends.
func (s *Service) runMail(ctx context.Context) {
	if s.Mail == nil || s.Render == nil {
		return
	}
	look := time.NewTicker(mailLookEvery)
	defer look.Stop()
	for ctx.Err() == nil {
		n, err := s.SendMails(ctx)
		if err != nil && ctx.Err() == nil {
			s.Logger.WarnContext(ctx, "the outbox could not be read", "error", err)
		}
		if n == mailBatch {
			continue // there may be more
		}
		select {
		case <-ctx.Done():
		case <-look.C:
		case <-s.kick:
		}
	}
}

// SendMails claims the mails that are due, a few at a time, and sends them. It tells how many it claimed. A mail that
// cannot be sent is kept for later, and given up when its recipient is refused for good or it is too old: then the
// account's activity says so. Run calls it.
func (s *Service) SendMails(ctx context.Context) (claimed int, err error) {
	now := s.now()
	until := now.Add(mailLease)
	list, err := s.store.ClaimMails(ctx, now, until, mailBatch)
	if err != nil {
		return 0, err
	}
	for i, m := range list {
		if ctx.Err() != nil || s.now().After(until.Add(-2*mailSendTime)) {
			// No time left under this claim: whoever comes next takes them.
			for _, rest := range list[i:] {
				err = errors.Join(err, s.store.PostponeMail(ctx, rest.ID, s.now()))
			}
			return i, err
		}
		err = errors.Join(err, s.sendMail(ctx, m))
	}
	return len(list), err
}

// sendMail sends one claimed mail and notes what became of it.
func (s *Service) sendMail(ctx context.Context, m models.Mail) error {
	if m.Kind == string(LetterNone) {
		return s.store.DeleteMail(ctx, m.ID)
	}
	message, l, err := s.message(m)
	if errors.Is(err, errSealedByOther) && !s.now().After(m.CreatedAt.Add(mailGiveUp)) {
		return s.postponeMail(ctx, m, err) // a replica that has the next secret already can open it
	}
	if err != nil {
		return s.giveUpMail(ctx, m, err) // no later try would open or word it
	}
	if err = s.deliver(ctx, message); err == nil {
		return s.store.DeleteMail(ctx, m.ID)
	}
	now := s.now()
	switch {
	case errors.Is(err, mail.ErrRefused), now.After(m.CreatedAt.Add(mailGiveUp)), !l.Until.IsZero() && now.After(l.Until):
		return s.giveUpMail(ctx, m, err)
	case ctx.Err() != nil:
		return s.store.PostponeMail(ctx, m.ID, now)
	}
	return s.postponeMail(ctx, m, err)
}

func (s *Service) postponeMail(ctx context.Context, m models.Mail, err error) error {
	wait := mailWait(m.Tries)
	s.Logger.WarnContext(ctx, "a mail could not be sent", "mail", m.ID, "kind", m.Kind, "tries", m.Tries, "again_in", wait.Round(time.Second), "error", err)
	return s.store.PostponeMail(ctx, m.ID, s.now().Add(wait))
}

// deliver gives the sender its time. When the program is told to stop, a mail under way is still finished, soon.
func (s *Service) deliver(ctx context.Context, message mail.Message) error {
	sending, cancel := context.WithTimeout(context.WithoutCancel(ctx), mailSendTime)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(mailLastWords, cancel) })
	defer stop()
	return s.Mail.Send(sending, message)
}

func (s *Service) giveUpMail(ctx context.Context, m models.Mail, cause error) error {
	s.Logger.ErrorContext(ctx, "a mail was given up", "mail", m.ID, "kind", m.Kind, "tries", m.Tries, "error", cause)
	e := s.event(models.EventMailFailed, m.UserID, Caller{}, s.now())
	e.Actor, e.Detail = models.ActorSystem, m.Kind
	return s.store.GiveUpMail(ctx, m.ID, e)
}

// mailWait doubles from ten seconds to an hour; half of it is left to chance, so that what failed together does not
// come back together.
func mailWait(tries int64) time.Duration {
	wait := mailLastWait
	if tries < 10 {
		wait = min(wait, mailFirstWait<<max(tries-1, 0))
	}
	spread, err := rand.Int(rand.Reader, big.NewInt(int64(wait/2)))
	if err != nil {
		return wait
	}
	return wait/2 + time.Duration(spread.Int64())
}
