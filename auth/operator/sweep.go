package operator

import (
	"context"
	"sync"
	"time"

	"latchkey/auth/incident"
	"latchkey/auth/keys"
	"latchkey/auth/logout"
	"latchkey/auth/notify"
	"latchkey/auth/passwordcheck"
	"latchkey/auth/ratelimit"
	"latchkey/auth/revocation"
	"latchkey/auth/webhook"
)

// How long the sweeper keeps rows after their end, and how often it runs.
const (
	keepDevices = 90 * 24 * time.Hour
	keepEvents  = 400 * 24 * time.Hour
	// A sealed challenge has a row only once it was used: the row must stay for longer than the challenge works.
	keepChallenges = 24 * time.Hour
	sweepEvery     = time.Hour
	// A message that was sent keeps its event from being sent again while the event may be read again.
	keepMessages = time.Hour
	// A client sends a creation again within a day, or not at all.
	keepCreations = 24 * time.Hour
	// A device code is not asked for any more a minute after its end.
	keepDeviceCodes = 2 * time.Minute
	// Strangers make counters by failed sign-ins, and device codes, so these go as soon as they expire.
	sweepAttemptsEvery = time.Minute
)

// Sweep finishes deletions, seals under the present server secret what a previous one sealed, drops weak imported password hashes, and
// deletes rows past their retention. It returns how many rows it deleted by retention.
func (s *Service) Sweep(ctx context.Context) (deleted int64, err error) {
	if _, err := s.deletions.Finish(ctx); err != nil {
		return 0, err
	}
	if n, err := s.factors.Reseal(ctx); err != nil {
		return 0, err
	} else if n > 0 {
		s.log.InfoContext(ctx, "sealed the secrets of authenticator apps under the new server secret", "secrets", n)
	}
	if _, err := s.webhooks.Reseal(ctx); err != nil {
		return 0, err
	}
	if n, err := s.transfers.DropWeak(ctx); err != nil {
		return 0, err
	} else if n > 0 {
		s.log.InfoContext(ctx, "dropped weak imported password hashes that were not used", "hashes", n)
	}
	if _, err := s.challenges.TellMissedSteps(ctx, s.missedSince()); err != nil { // before their challenges go
		return 0, err
	}
	past, err := s.notify.DropIncidents(ctx)
	if err != nil {
		return past, err
	}
	now := s.clock.Now()
	r := ratelimit.LimitRetention(now)
	r.DevicesBefore, r.EventsBefore, r.StatusBefore = now.Add(-keepDevices), now.Add(-keepEvents), now.Add(-revocation.Keep)
	r.FailuresBefore, r.LinksBefore, r.AlertsBefore = now.Add(-passwordcheck.KeepFailures), now, now.Add(-notify.AlertsEvery)
	r.ChallengesBefore, r.TrustBefore, r.DeviceCodesBefore = now.Add(-keepChallenges), now, now.Add(-keepDeviceCodes)
	r.MessagesBefore, r.LostMessagesBefore = now.Add(-keepMessages), now.Add(-webhook.GiveUpAfter-2*time.Hour) // a message is tried for the last time an hour after
	r.CreationsBefore = now.Add(-keepCreations)
	r.PreviewsBefore, r.IncidentsBefore = now.Add(-incident.PreviewLife), now.Add(-keepEvents)
	r.NoticesBefore = now.Add(-logout.GiveUpAfter - time.Hour) // an attempt gives up a notice before, unless its client has no URI any more
	deleted, err = s.store.Sweep(ctx, r)
	return past + deleted, err
}

// missedSince is when the first challenges expired that are still kept.
func (s *Service) missedSince() time.Time { return s.clock.Now().Add(-keepChallenges) }

// Run keeps the signing keys and the status lists current, sweeps, sends mails, tells clients about sign-outs and webhooks of events, and finishes deletions, until
// the context ends. It logs errors and tries again.
func (s *Service) Run(ctx context.Context) {
	var others sync.WaitGroup // in goroutines of their own: neither a slow mail server nor a large account may delay a revocation
	defer others.Wait()
	others.Go(func() { s.notify.Run(ctx) })
	others.Go(func() { s.logout.Run(ctx) })
	others.Go(func() { s.webhooks.Run(ctx) })
	others.Go(func() { s.deletions.Run(ctx) })
	others.Go(func() { s.incidents.Run(ctx) })
	others.Go(func() { s.runSweep(ctx) })
	others.Go(func() { s.revocations.Watch(ctx) })
	others.Go(func() { s.stats.Run(ctx) })
	keys, status := time.NewTicker(keys.RingReadEvery), time.NewTicker(revocation.ReadEvery)
	defer keys.Stop()
	defer status.Stop()
	blind := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-status.C:
			s.WatchWrites(ctx)
			err := s.revocations.Load(ctx)
			if err != nil && !blind && ctx.Err() == nil {
				s.log.WarnContext(ctx, "revocations could not be read", "error", err) // once, not every second
			}
			blind = err != nil
		case <-keys.C:
			if err := s.keys.Load(ctx); err != nil && ctx.Err() == nil {
				s.log.WarnContext(ctx, "signing keys could not be read", "error", err)
			}
		}
	}
}

// runSweep sweeps until the context ends.
func (s *Service) runSweep(ctx context.Context) {
	every, attempts := time.NewTicker(sweepEvery), time.NewTicker(sweepAttemptsEvery)
	defer every.Stop()
	defer attempts.Stop()
	missed := s.missedSince()
	s.sweeps.succeededAt.Store(s.clock.Now().Unix())
	for {
		select {
		case <-ctx.Done():
			return
		case <-attempts.C:
			n, err := s.store.SweepCounters(ctx, s.clock.Now())
			if err != nil && ctx.Err() == nil {
				s.log.WarnContext(ctx, "the counters of sign-ins could not be swept", "error", err)
			}
			s.sweeps.rows.Add(n)
			n, err = s.store.SweepDeviceCodes(ctx, s.clock.Now().Add(-keepDeviceCodes))
			if err != nil && ctx.Err() == nil {
				s.log.WarnContext(ctx, "the codes of devices could not be swept", "error", err)
			}
			s.sweeps.rows.Add(n)
			next, err := s.challenges.TellMissedSteps(ctx, missed)
			if err != nil && ctx.Err() == nil {
				s.log.WarnContext(ctx, "owners could not be told about sign-ins without a second step", "error", err)
			}
			missed = next
		case <-every.C:
			s.SweepAndCount(ctx)
		}
	}
}
