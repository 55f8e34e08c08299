package ratelimit

import (
	"context"
	"sync"
	"time"

	"latchkey/auth"
)

// How many sign-ins of one account are in progress at a time in each process, and how long the next one waits for its turn.
const (
	SlotsOfAccount = 2
	SlotsOfBrowser = 1 // of one browser that the account knows, in addition; the keys of its apps share one
	slotPatience   = 5 * time.Second
	SlotQueue      = 64 // waiting sign-ins for the same key
)

// Slots limits how much of the hashing one account gets. Otherwise an owner who signs in from many addresses could keep all other
// people from signing in.
type Slots struct {
	Patience time.Duration

	mu    sync.Mutex
	byKey map[string]*slot
}

// NewSlots returns slots for which a sign-in waits up to five seconds.
func NewSlots() *Slots { return &Slots{Patience: slotPatience, byKey: map[string]*slot{}} }

type slot struct {
	taken chan struct{}
	users int // callers that hold the slot or wait for it
}

// Take takes one of most slots of a key, and returns a function that releases it. If all are taken, Take calls waiting and then
// waits. It returns auth.ErrBusy when the wait exceeds Patience or too many callers wait already, or the error of the context.
func (s *Slots) Take(ctx context.Context, key string, most int, waiting func()) (release func(), err error) {
	one, err := s.use(key, most)
	if err != nil {
		return nil, err
	}
	select {
	case one.taken <- struct{}{}:
		return func() { <-one.taken; s.unuse(key, one) }, nil
	default:
	}
	waiting()
	patience := time.NewTimer(s.Patience)
	defer patience.Stop()
	select {
	case one.taken <- struct{}{}:
		return func() { <-one.taken; s.unuse(key, one) }, nil
	case <-patience.C:
		err = auth.ErrBusy
	case <-ctx.Done():
		err = ctx.Err()
	}
	s.unuse(key, one)
	return nil, err
}

// use counts one more user of a key's slot and returns it, or auth.ErrBusy.
func (s *Slots) use(key string, most int) (*slot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.byKey[key]
	if one == nil {
		one = &slot{taken: make(chan struct{}, most)}
		s.byKey[key] = one
	}
	if one.users >= most+SlotQueue {
		return nil, auth.ErrBusy
	}
	one.users++
	return one, nil
}

// unuse undoes use.
func (s *Slots) unuse(key string, one *slot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if one.users--; one.users == 0 {
		delete(s.byKey, key)
	}
}

// Users returns how many callers hold a slot or wait for one.
func (s *Slots) Users() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.byKey {
		n += one.users
	}
	return n
}

// Len returns how many keys have users.
func (s *Slots) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.byKey)
}
