package auth

import (
	"context"
	"sync"
	"time"
)

// readyEvery is how often the database is asked at most, however many ask us: anybody may.
const readyEvery = time.Second

// readiness remembers what the database answered last.
type readiness struct {
	mu  sync.Mutex
	at  time.Time
	err error
}

// Ready tells whether requests can be served: the database answered within the last second and there is a key to sign
// with.
func (s *Service) Ready(ctx context.Context) error {
	if err := s.databaseReady(ctx); err != nil {
		return err
	}
	_, err := s.signingKey(ctx)
	return err
}

func (s *Service) databaseReady(ctx context.Context) error {
	s.ready.mu.Lock()
	defer s.ready.mu.Unlock()
	if now := s.now(); !fresh(s.ready.at, now, readyEvery) {
		// One caller's hanging up is not the database's answer to all.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
		defer cancel()
		s.ready.err = s.store.Ping(ctx)
		s.ready.at = now
	}
	return s.ready.err
}
