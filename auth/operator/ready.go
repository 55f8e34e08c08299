package operator

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"latchkey/auth"
	"latchkey/models"
)

const (
	// ReadyEvery is how often readiness checks use the database at most, because anyone can send them.
	ReadyEvery = time.Second
	// readyPatience is how long writes may fail before the server reports that it is not ready. It still serves reads then.
	readyPatience = 5 * time.Second
)

// readiness is the result of the last check of the database.
type readiness struct {
	mu      sync.Mutex // held during a check
	asked   bool
	at      time.Duration // time of the last check
	wrote   bool          // a write has succeeded
	failing bool          // writes have failed since the time in since
	since   time.Duration
	key     []byte
	err     error
}

// Ready returns nil if the server can serve requests: the database responded within the last second and accepted a write within the
// last five, and there is a signing key. Otherwise it returns a KindUnavailable, or the error of the database.
func (s *Service) Ready(ctx context.Context) error {
	if err := s.databaseReady(ctx); err != nil {
		return err
	}
	_, err := s.keys.Current(ctx)
	return err
}

func (s *Service) databaseReady(ctx context.Context) error {
	r := &s.ready
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := s.elapsed(); !r.asked || now-r.at >= ReadyEvery {
		r.err = s.askDatabase(ctx, now)
		r.asked, r.at = true, now
	}
	return r.err
}

// askDatabase checks the database. The caller holds mu. It reports at once that a database does not respond. It reports that writes
// fail once they have failed for readyPatience, or if none has ever succeeded.
func (s *Service) askDatabase(ctx context.Context, now time.Duration) error {
	r := &s.ready
	// A caller who hangs up must not fail the others.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	if r.key == nil {
		r.key = make([]byte, 32)
		_, _ = rand.Read(r.key) // never fails
	}
	err := s.store.CheckWrite(ctx, r.key, s.clock.Now())
	if err == nil {
		r.wrote, r.failing = true, false
		return nil
	}
	if down := s.store.Ping(ctx); down != nil {
		return down
	}
	if !r.failing {
		r.failing, r.since = true, now
	}
	if r.wrote && now-r.since < readyPatience {
		return nil
	}
	if !errors.Is(err, models.ErrUnavailable) { // a bug, but another replica may do better
		err = &auth.Error{Kind: auth.KindUnavailable, Message: "The service isn’t available right now.", RetryAfter: readyPatience, Cause: err}
	}
	return err
}

// WatchWrites repeats the check while writes fail, so that the result is current even if clients check seldom.
func (s *Service) WatchWrites(ctx context.Context) {
	s.ready.mu.Lock()
	failing := s.ready.failing
	s.ready.mu.Unlock()
	if failing {
		_ = s.databaseReady(ctx)
	}
}
