package account

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"latchkey/auth/password"
)

const (
	// MaxBreachLookups is how many lookups run at a time. Each one waits inside the gate, and a slow service must not fill it.
	MaxBreachLookups = 8
	breachLogEvery   = time.Minute
)

// BreachCounts are the lookups of breached passwords since the program began.
type BreachCounts struct{ Found, NotFound, Failed int64 }

// breaches asks a service whether passwords are known from breaches. It fails open: when the service does not answer, the password is accepted.
type breaches struct {
	ask   password.Range // nil: nothing is asked
	log   *slog.Logger
	now   func() time.Time
	slots chan struct{}

	found, notFound, failed atomic.Int64

	mu     sync.Mutex
	logged time.Time
}

func newBreaches(ask password.Range, log *slog.Logger, now func() time.Time) *breaches {
	return &breaches{ask: ask, log: log, now: now, slots: make(chan struct{}, MaxBreachLookups)}
}

var errManyLookups = errors.New("too many lookups are under way")

// know tells whether the service knows a password. What fails is counted, logged once a minute, and taken for "no".
func (b *breaches) know(ctx context.Context, typed string) bool {
	if b.ask == nil {
		return false
	}
	found, err := b.lookUp(ctx, typed)
	switch {
	case err != nil:
		b.failed.Add(1)
		b.warn(ctx, err)
	case found:
		b.found.Add(1)
	default:
		b.notFound.Add(1)
	}
	return found
}

func (b *breaches) lookUp(ctx context.Context, typed string) (bool, error) {
	select {
	case b.slots <- struct{}{}:
	default:
		return false, errManyLookups
	}
	defer func() { <-b.slots }()
	return password.Breached(ctx, b.ask, typed)
}

func (b *breaches) warn(ctx context.Context, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	if since := now.Sub(b.logged); since >= 0 && since < breachLogEvery { // a clock that was set back logs once more
		return
	}
	b.logged = now
	b.log.WarnContext(ctx, "breached passwords could not be looked up: new passwords are taken without", "error", err)
}

// BreachCounts are how the lookups of breached passwords ended.
func (s *Service) BreachCounts() BreachCounts {
	return BreachCounts{Found: s.breaches.found.Load(), NotFound: s.breaches.notFound.Load(), Failed: s.breaches.failed.Load()}
}
