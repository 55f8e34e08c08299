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
	// ReadyEvery is how often the database is asked at most, however many ask us: anybody may.
	ReadyEvery = time.Second
	// readyPatience is how long writes may fail before we say so. Reads are still served then.
	readyPatience = 5 * time.Second
)

// readiness remembers what the database answered last.
type readiness struct {
	mu      sync.Mutex // held by the one that asks
	asked   bool
	at      time.Duration // when it was asked last
	wrote   bool          // ever
	failing bool          // since the time in since
	since   time.Duration
	key     []byte
	err     error
}

// Ready tells whether requests can be served: the database answered within the last second and took a row within the last five, and
// there is a key to sign with.
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

// askDatabase is called with mu held. A database that does not answer is told at once; one that answers and cannot be written to when
// that has lasted, or has been so from the start.
func (s *Service) askDatabase(ctx context.Context, now time.Duration) error {
	r := &s.ready
	// One caller's hanging up is not the database's answer to all.
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
	if !errors.Is(err, models.ErrUnavailable) { // a mistake of ours, yet others may do better
		err = &auth.Error{Kind: auth.KindUnavailable, Message: "The service is not available right now. Please try again.", RetryAfter: readyPatience, Cause: err}
	}
	return err
}

// WatchWrites asks again while writes fail, so that those who ask us seldom are not told late.
func (s *Service) WatchWrites(ctx context.Context) {
	s.ready.mu.Lock()
	failing := s.ready.failing
	s.ready.mu.Unlock()
	if failing {
		_ = s.databaseReady(ctx)
	}
}
