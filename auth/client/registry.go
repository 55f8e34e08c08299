package client

import (
	"context"
	"strings"
	"time"

	"latchkey/auth"
	"latchkey/models"
)

// ReadEvery is how soon a process sees what another one changed of the clients.
const ReadEvery = 10 * time.Second

// heldPatience is how long a caller waits for the database while there is an older list to go by.
const heldPatience = 3 * time.Second

// registry is all clients as they were read last.
type registry struct {
	at           time.Time
	clients      map[string]models.Client
	confidential []string // ids
	origins      map[string]bool
	apps         Apps
}

func newRegistry(list []models.Client, at time.Time) *registry {
	r := &registry{at: at, clients: map[string]models.Client{}, origins: map[string]bool{}, apps: AppsOf(list...)}
	for _, c := range list {
		r.clients[c.ID] = c
		if c.Confidential() {
			r.confidential = append(r.confidential, c.ID)
		}
		for origin := range strings.FieldsSeq(c.Origins) {
			r.origins[origin] = true
		}
	}
	return r
}

// registered returns the clients as they were at most ReadEvery ago. Of many concurrent callers, one reads. While the database does not
// answer, registered returns what it read last, within heldPatience.
func (s *Service) registered(ctx context.Context) (*registry, error) {
	held := s.held.Load()
	if s.fresh(held) {
		return held, nil
	}
	if held != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, heldPatience)
		defer cancel()
	}
	select {
	case s.reading <- struct{}{}:
		defer func() { <-s.reading }()
	case <-ctx.Done():
		return orHeld(held, ctx.Err())
	}
	if held = s.held.Load(); s.fresh(held) {
		return held, nil
	}
	now := s.clock.Now()
	list, err := s.store.Clients(ctx)
	if err != nil {
		return orHeld(held, err)
	}
	read := newRegistry(list, now)
	s.held.Store(read)
	return read, nil
}

func (s *Service) fresh(r *registry) bool {
	return r != nil && auth.Fresh(r.at, s.clock.Now(), ReadEvery)
}

func orHeld(held *registry, err error) (*registry, error) {
	if held == nil {
		return nil, err
	}
	return held, nil
}

// Apps returns the native apps of all clients, as they were at most ReadEvery ago. While the database does not answer, it
// returns what it read last.
func (s *Service) Apps(ctx context.Context) (Apps, error) {
	r, err := s.registered(ctx)
	if err != nil {
		return Apps{}, err
	}
	return r.apps, nil
}

// AllowsOrigin reports whether scripts of an origin may call the API, as it was at most ReadEvery ago. Origins are compared exactly
// (RFC 6454 §5). Without an answer of the database it reports what it read last, or false.
func (s *Service) AllowsOrigin(ctx context.Context, origin string) bool {
	r, err := s.registered(ctx)
	return err == nil && r.origins[origin]
}

// Registered returns a client, as it was at most ReadEvery ago, and whether it is registered.
func (s *Service) Registered(ctx context.Context, id string) (models.Client, bool, error) {
	r, err := s.registered(ctx)
	if err != nil {
		return models.Client{}, false, err
	}
	c, ok := r.clients[id]
	return c, ok, nil
}
