package challenge

import (
	"context"
	"errors"
	"time"

	"latchkey/auth"
	"latchkey/auth/notify"
	"latchkey/models"
)

// missedEvery is how often the owner hears of right passwords without a second step.
const missedEvery = 24 * time.Hour

// missedBatch is how many challenges are read at a time.
const missedBatch = 100

// TellMissedSteps tells owners about sign-ins that expired between after and now: the right password was given, and the second step was
// not taken. Each is reported by one replica. TellMissedSteps returns what to pass as after the next time.
//
// It does not report a sign-in that was finished in another way: if the same browser, or a similar app at the same address, has signed
// in since, the owner has only loaded the form again.
func (s *Service) TellMissedSteps(ctx context.Context, after time.Time) (next time.Time, err error) {
	now := s.clock.Now()
	for { // those that were told are gone: the next batch has others
		list, err := s.store.MissedSteps(ctx, []string{string(BrowserSignIn), string(AppSignIn)}, after, now, MaxTries, missedBatch)
		if err != nil {
			return after, err
		}
		for _, c := range list {
			if err := s.tellMissedStep(ctx, c, now); err != nil && !errors.Is(err, models.ErrNotFound) {
				return after, err
			}
		}
		if len(list) < missedBatch {
			return now.Add(-BrowserLife), nil // the clocks of replicas differ
		}
	}
}

func (s *Service) tellMissedStep(ctx context.Context, c models.Challenge, now time.Time) error {
	user, p, err := s.openStep(ctx, c)
	switch kind := auth.AsError(err).Kind; {
	case err != nil && kind == auth.KindInvalidChallenge: // the account has changed since, or is gone
		return s.store.EndMissedStep(ctx, c, now, nil, models.MailWithLinks{})
	case err != nil:
		return err
	}
	from := models.StepOrigin{Browser: p.Browser, IP: p.IP, UserAgent: p.Agent, ClientID: p.ClientID, JKT: p.JKT}
	finished, err := s.store.SignedInFrom(ctx, user.ID, from, c.CreatedAt)
	if err != nil {
		return err
	}
	if finished {
		return s.store.EndMissedStep(ctx, c, now, nil, models.MailWithLinks{})
	}
	e, mail := s.missedStep(user, p.IP, p.Agent, c.CreatedAt, now)
	err = s.store.EndMissedStep(ctx, c, now, &e, mail)
	if err == nil {
		s.notify.Wake()
	}
	return err
}

// stepMissed tells the owner that the right password was given at this moment, and wrong codes after it.
func (s *Service) stepMissed(ctx context.Context, user models.User, from auth.Caller) error {
	now := s.clock.Now()
	e, mail := s.missedStep(user, from.Address(), from.UserAgent, now, now)
	err := s.store.AddEventAndMail(ctx, e, mail)
	if auth.AsError(err).Kind == auth.KindRateLimited {
		return nil // told already
	}
	s.notify.Wake()
	return err
}

// missedStep makes the event and the mail of a right password without a second step, at most once in missedEvery.
func (s *Service) missedStep(user models.User, ip, agent string, at, now time.Time) (models.Event, models.MailWithLinks) {
	e := auth.Limited(auth.NewEvent(models.EventSecondStepMissed, user.ID, auth.Caller{}, now), models.EventLimit{Most: 1, Within: missedEvery})
	e.Actor, e.IP, e.UserAgent = models.ActorSystem, ip, agent
	l := notify.Notification{Kind: notify.KindSecondStepMissed, At: at, IP: ip, UserAgent: agent}
	return e, s.notify.ComposeNotMe(user.ID, l, "")
}
