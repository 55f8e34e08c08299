package logout

import (
	"context"
	"errors"
	"fmt"
	"time"

	"latchkey/auth/deliver"
	"latchkey/auth/notify"
	"latchkey/models"
)

// The outbox. The transaction that revokes a device writes the notice for its client, and a replica claims and sends it afterwards. If
// that replica dies, its claim expires and another one sends the notice. A notice is sent once in normal operation, and rather twice than
// never when something fails.
const (
	lease     = time.Minute // how long a claimed notice is reserved for its replica
	pollEvery = time.Second
	batch     = 50
	senders   = 4 // notices that one process sends to one client at a time

	// GiveUpAfter is how old a notice gets before it is given up, as mails are.
	GiveUpAfter = 24 * time.Hour
)

// Run tells clients until the context ends. Each client has senders of its own: one that is slow or down delays no other.
func (s *Service) Run(ctx context.Context) {
	if s.config.Post == nil {
		return
	}
	deliver.Loop[models.Client]{
		Every: pollEvery, Due: func(ctx context.Context) ([]models.Client, error) { return s.store.LogoutClients(ctx, s.clock.Now()) }, ID: func(c models.Client) string { return c.ID }, Serve: s.tell,
		Blind: func(ctx context.Context, err error) {
			s.log.WarnContext(ctx, "notices of sign-outs could not be read", "error", err)
		},
	}.Run(ctx)
}

// SendNotices tells all clients of what is due now, and returns when that is done. Run does the same all the time.
func (s *Service) SendNotices(ctx context.Context) error {
	due, err := s.store.LogoutClients(ctx, s.clock.Now())
	for _, c := range due {
		s.tell(ctx, c)
	}
	return err
}

// Late reads which clients have not been told of sign-outs that are older than d. It returns ErrUnavailable of package models.
func (s *Service) Late(ctx context.Context, d time.Duration) ([]models.LateNotices, error) {
	return s.store.LateLogoutNotices(ctx, s.clock.Now().Add(-d))
}

// tell sends a client its due notices until there are no more, or until one could not be delivered: a client that is down gets one
// attempt of each sender in a round, however many notices wait for it.
func (s *Service) tell(ctx context.Context, c models.Client) {
	for ctx.Err() == nil {
		due, err := s.store.DueLogoutNotices(ctx, c.ID, s.clock.Now(), batch)
		if err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "notices of sign-outs could not be read", "client", c.ID, "error", err)
		}
		if err != nil || len(due) == 0 {
			return
		}
		if !deliver.All(ctx, due, senders, func(n models.LogoutNotice) bool { return s.send(ctx, c, n) }) {
			return
		}
	}
}

// send claims a notice, sends it and records the result. It reports false if a later attempt is needed.
func (s *Service) send(ctx context.Context, c models.Client, n models.LogoutNotice) bool {
	now := s.clock.Now()
	n, err := s.store.ClaimLogoutNotice(ctx, n, now, now.Add(lease))
	if errors.Is(err, models.ErrNotFound) {
		return true // another replica has it
	}
	if err != nil {
		s.log.WarnContext(ctx, "a notice of a sign-out could not be claimed", "client", c.ID, "error", err)
		return false
	}
	status, err := s.deliver(ctx, c, n)
	done := true
	switch {
	case err == nil && status/100 == 2:
		s.counts.delivered.Add(1)
		err = s.store.DeleteLogoutNotice(ctx, n)
	case err == nil && status == badRequest:
		s.counts.refused.Add(1)
		s.log.ErrorContext(ctx, "a client refused a logout token", "client", c.ID, "tries", n.Tries)
		err = s.store.DeleteLogoutNotice(ctx, n)
	default:
		if err == nil {
			err = fmt.Errorf("it answered %d", status)
		}
		done, err = false, s.postpone(ctx, c, n, err)
	}
	if err != nil {
		s.log.WarnContext(ctx, "the result of a notice could not be written", "client", c.ID, "error", err)
	}
	return done && err == nil
}

// badRequest is the status with which a client refuses a token (Back-Channel Logout §2.8): a later one would be no better.
const badRequest = 400

// deliver makes a logout token and sends it within PostTime. When the program stops, a request in progress still gets that time.
func (s *Service) deliver(ctx context.Context, c models.Client, n models.LogoutNotice) (status int, err error) {
	token, err := s.mint(ctx, n)
	if err != nil {
		return 0, fmt.Errorf("sign logout token: %w", err)
	}
	posting, cancel := context.WithTimeout(context.WithoutCancel(ctx), PostTime)
	defer cancel()
	return s.config.Post(posting, c.BackchannelLogoutURI, token)
}

// postpone makes a notice that could not be delivered wait, or gives it up.
func (s *Service) postpone(ctx context.Context, c models.Client, n models.LogoutNotice, cause error) error {
	now := s.clock.Now()
	if now.After(n.CreatedAt.Add(GiveUpAfter)) {
		s.counts.givenUp.Add(1)
		s.log.ErrorContext(ctx, "a client was never told of a sign-out", "client", c.ID, "tries", n.Tries, "error", cause)
		return s.store.DeleteLogoutNotice(ctx, n)
	}
	s.counts.failed.Add(1)
	wait := notify.Pause(n.Tries)
	s.log.WarnContext(ctx, "a client could not be told of a sign-out", "client", c.ID, "tries", n.Tries, "again_in", wait.Round(time.Second), "error", cause)
	return s.store.PostponeLogoutNotice(ctx, n, now.Add(wait))
}
