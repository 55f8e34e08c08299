package incident

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"latchkey/models"
)

const (
	lease      = 15 * time.Second // how long a process that has died keeps an incident from the others
	pollEvery  = 5 * time.Second  // how often a server looks for an incident that no process works on
	retryAfter = time.Second
	mostTries  = 20 // batches in a row that may fail
)

// Tell receives the progress of an incident from time to time. here says that this process does the work.
type Tell func(i models.Incident, here bool)

// Work works on a running incident, or waits while another process does, until it is paused or done. When the context ends, it stops
// after the current batch, and another process may go on. It returns the incident as it is then, and KindNotFound for an unknown one. After an
// error Work may be called again.
func (s *Service) Work(ctx context.Context, id uuid.UUID, tell Tell) (i models.Incident, err error) {
	for {
		here, err := s.attempt(ctx, id, tell)
		if err != nil {
			return i, err
		}
		if i, err = s.find(context.WithoutCancel(ctx), id); err != nil || i.State != models.IncidentRunning || ctx.Err() != nil {
			return i, err
		}
		if tell(i, here); !sleep(ctx, retryAfter) {
			return i, nil
		}
	}
}

// Run takes over incidents whose process has died or stopped, until the context ends.
func (s *Service) Run(ctx context.Context) {
	failing := false // logs it once, not every time
	for sleep(ctx, pollEvery) {
		i, err := s.store.RunningIncident(ctx)
		if errors.Is(err, models.ErrNotFound) {
			failing = false
			continue
		}
		if err == nil {
			_, err = s.attempt(ctx, i.ID, s.logOnce(ctx))
		}
		if err != nil && !failing && ctx.Err() == nil {
			s.log.WarnContext(ctx, "the sign-out of an incident’s devices could not go on", "incident", i.ID, "error", err)
		}
		failing = err != nil
	}
}

// logOnce logs that this process works on an incident.
func (s *Service) logOnce(ctx context.Context) Tell {
	logged := false
	return func(i models.Incident, _ bool) {
		if !logged {
			s.log.InfoContext(ctx, "signing the devices of an incident out", "incident", i.ID, "devices", i.Devices, "expected", i.Counts.Devices)
		}
		logged = true
	}
}

// attempt claims an incident and works on it until it is paused, done or another process has it, or the context ends. It returns here == false when
// another process had it from the beginning.
func (s *Service) attempt(ctx context.Context, id uuid.UUID, tell Tell) (here bool, err error) {
	i, err := s.claim(ctx, id)
	if errors.Is(err, models.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	p := &pass{s: s, i: i, tell: tell, limit: firstBatch, last: models.DeviceKey{UserID: i.AfterUser, ID: i.AfterDevice}, slowest: time.Duration(i.Slowest) * time.Microsecond}
	err = p.run(ctx)
	if lost := errors.Is(err, models.ErrNotFound) || errors.Is(err, models.ErrChanged); lost || err == nil && p.done {
		return true, nil // paused, another's, or done
	}
	if released := s.store.ReleaseIncident(ctx, id, s.worker); err == nil && !errors.Is(released, models.ErrNotFound) {
		err = released
	}
	return true, err
}

func (s *Service) claim(ctx context.Context, id uuid.UUID) (models.Incident, error) {
	now := s.clock.Now()
	return s.store.ClaimIncident(ctx, id, s.worker, now, now.Add(lease))
}

// sleep waits, and returns false when the context ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
