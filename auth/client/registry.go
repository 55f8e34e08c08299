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
	idles        []auth.ClientIdle // of those that have a limit of their own
}

func newRegistry(list []models.Client, at time.Time) *registry {
	r := &registry{at: at, clients: map[string]models.Client{}, origins: map[string]bool{}, apps: AppsOf(list...)}
	for _, c := range list {
		r.clients[c.ID] = c
		if c.Confidential() {
			r.confidential = append(r.confidential, c.ID)
		}
		if own := c.Limits().Idle; own > 0 {
			r.idles = append(r.idles, auth.ClientIdle{ClientID: c.ID, Idle: own})
		}
		for origin := range strings.FieldsSeq(c.Origins) {
			r.origins[origin] = true
		}
	}
	return r
}

// registered returns the clients as they were at most ReadEvery ago.
func (s *Service) registered(ctx context.Context) (*registry, error) {
	return s.readWithin(ctx, ReadEvery)
}

// readWithin returns the clients as they were at most so long ago. Of many concurrent callers, one reads. While the database does not
// answer, readWithin returns what was read last, within heldPatience.
func (s *Service) readWithin(ctx context.Context, age time.Duration) (*registry, error) {
	held := s.held.Load()
	if s.fresh(held, age) {
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
	if held = s.held.Load(); s.fresh(held, age) {
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

func (s *Service) fresh(r *registry, age time.Duration) bool {
	return r != nil && auth.Fresh(r.at, s.clock.Now(), age)
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

// soon is how old the list may be where it lacks what a request needs: a client that was registered a moment ago works at once, and
// strangers cause a read a second at most.
const soon = time.Second

// Registered returns a client, as it was at most ReadEvery ago, and whether it is registered and fits.
func (s *Service) Registered(ctx context.Context, id string, fits func(models.Client) bool) (c models.Client, ok bool, err error) {
	for _, age := range []time.Duration{ReadEvery, soon} {
		r, err := s.readWithin(ctx, age)
		if err != nil {
			return c, false, err
		}
		if c, ok = r.clients[id]; ok && fits(c) {
			return c, true, nil
		}
	}
	return c, false, nil
}
