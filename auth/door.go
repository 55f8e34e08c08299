package auth

import (
	"context"
	"sync"
)

// door bounds what sign-ins take from everybody else. Hashing has its own bound; what is around it has these: no more
// sign-ins are under way than can be hashed or wait for it, the rest is turned away before it costs a query; and few
// of them talk to the database at a time, so that a refresh never queues for a connection behind a flood of sign-ins.
type door struct {
	inside chan struct{} // one element for each sign-in under way
	lane   chan struct{} // one for each that talks to the database
	share  int           // of those inside that one network may be

	mu       sync.Mutex
	networks map[string]int // how many are inside, by network
}

// laneWidth is how many sign-ins talk to the database at a time: a quarter of the connections by default.
const laneWidth = 4

// newDoor admits as many as can be hashed or wait for it. One network may be twice the workers, and at least eight, of
// them: it can keep the cores busy, but not the door.
func newDoor(workers, waiting int) *door {
	return &door{
		inside: make(chan struct{}, workers+waiting), lane: make(chan struct{}, laneWidth),
		share: max(8, 2*workers), networks: map[string]int{},
	}
}

// enter admits whoever wants a password hashed, or returns errHasherBusy at once. The caller leaves by calling what it
// returns.
func (d *door) enter(from Caller) (leave func(), err error) {
	network := from.network() // all whose network is unknown share one part
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.networks[network] >= d.share {
		return nil, errHasherBusy
	}
	select {
	case d.inside <- struct{}{}:
	default:
		return nil, errHasherBusy
	}
	d.networks[network]++
	return func() { d.leave(network) }, nil
}

func (d *door) leave(network string) {
	<-d.inside
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.networks[network]--; d.networks[network] == 0 {
		delete(d.networks, network)
	}
}

// query runs what talks to the database. It returns the context's error when that ends first.
func (d *door) query(ctx context.Context, fn func() error) error {
	select {
	case d.lane <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-d.lane }()
	return fn()
}
