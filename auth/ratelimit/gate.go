package ratelimit

import (
	"context"
	"sync"

	"latchkey/auth"
)

// Gate limits what sign-ins take from other requests. The Hasher limits the hashing itself. The Gate admits no more sign-ins than
// can be hashed or wait for it, and refuses the others before any query. It also lets few of them use the database at a time, so
// that refreshes do not wait for a connection during a flood of sign-ins.
type Gate struct {
	inside  chan struct{} // one element for each admitted sign-in
	dbSlots chan struct{} // one element for each sign-in that uses the database
	share   int           // how many admitted sign-ins one network may have

	mu       sync.Mutex
	networks map[string]int // admitted sign-ins by network
}

// dbSlotCount is how many sign-ins use the database at a time: a quarter of the connections by default.
const dbSlotCount = 4

// NewGate returns a gate that admits workers+waiting sign-ins at a time. Of these, one network may have twice as many as there are workers,
// but no more than half of all, and always eight: it cannot keep others out.
func NewGate(workers, waiting int) *Gate {
	return &Gate{
		inside: make(chan struct{}, workers+waiting), dbSlots: make(chan struct{}, dbSlotCount),
		share: max(8, min(2*workers, (workers+waiting)/2)), networks: map[string]int{},
	}
}

// Admit admits a sign-in, or returns auth.ErrBusy at once. The caller must call leave when the sign-in is done.
func (g *Gate) Admit(from auth.Caller) (leave func(), err error) {
	network := from.Network() // callers with an unknown network share one share
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.networks[network] >= g.share {
		return nil, auth.ErrBusy
	}
	select {
	case g.inside <- struct{}{}:
	default:
		return nil, auth.ErrBusy
	}
	g.networks[network]++
	return func() { g.leave(network) }, nil
}

func (g *Gate) leave(network string) {
	<-g.inside
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.networks[network]--; g.networks[network] == 0 {
		delete(g.networks, network)
	}
}

// Query calls fn, which uses the database, when one of the few slots is free. It returns fn's error, or the context's if that ends
// first.
func (g *Gate) Query(ctx context.Context, fn func() error) error {
	select {
	case g.dbSlots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-g.dbSlots }()
	return fn()
}

// Inside returns how many sign-ins are admitted at the moment.
func (g *Gate) Inside() int { return len(g.inside) }
