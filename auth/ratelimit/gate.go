package ratelimit

import (
	"context"
	"sync"

	"latchkey/auth"
)

// Gate bounds what sign-ins take from everybody else. Hashing has its own bound; what is around it has these: no more
// sign-ins are under way than can be hashed or wait for it, the rest is turned away before it costs a query; and few
// of them talk to the database at a time, so that a refresh never queues for a connection behind a flood of sign-ins.
type Gate struct {
	inside  chan struct{} // one element for each sign-in under way
	dbSlots chan struct{} // one for each that talks to the database
	share   int           // of those inside that one network may be

	mu       sync.Mutex
	networks map[string]int // how many are inside, by network
}

// dbSlotCount is how many sign-ins talk to the database at a time: a quarter of the connections by default.
const dbSlotCount = 4

// NewGate admits as many as can be hashed or wait for it. One network may be twice the workers, and at least eight, of
// them: it can keep the cores busy, but not the door.
func NewGate(workers, waiting int) *Gate {
	return &Gate{
		inside: make(chan struct{}, workers+waiting), dbSlots: make(chan struct{}, dbSlotCount),
		share: max(8, 2*workers), networks: map[string]int{},
	}
}

// Admit admits whoever wants a password hashed, or returns ErrBusy at once. The caller leaves by calling what it
// returns.
func (g *Gate) Admit(from auth.Caller) (leave func(), err error) {
	network := from.Network() // all whose network is unknown share one part
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

// Query runs what talks to the database. It returns the context's error when that ends first.
func (g *Gate) Query(ctx context.Context, fn func() error) error {
	select {
	case g.dbSlots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-g.dbSlots }()
	return fn()
}

// Inside is how many sign-ins are under way.
func (g *Gate) Inside() int { return len(g.inside) }
