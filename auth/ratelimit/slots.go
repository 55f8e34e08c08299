package ratelimit

import (
	"context"
	"sync"
	"time"

	"latchkey/auth"
)

// How many sign-ins of one account are under way at a time, in each process, and how long another one waits for its turn.
const (
	SlotsOfAccount = 2
	SlotsOfBrowser = 1 // of one browser that the account knows, beside the others; its keys have one together
	slotPatience   = 5 * time.Second
	SlotQueue      = 64 // that wait for the same
)

// Slots bound what one account takes of the hashing: without them its owner, at many addresses, could keep everybody else from
// signing in.
type Slots struct {
	Patience time.Duration

	mu    sync.Mutex
	byKey map[string]*slot
}

// NewSlots makes slots for which a sign-in waits up to five seconds.
func NewSlots() *Slots { return &Slots{Patience: slotPatience, byKey: map[string]*slot{}} }

type slot struct {
	taken chan struct{}
	users int // that hold it or wait for it
}

// Take returns what frees the slot again. waiting is called before a wait begins. Past the patience, and past the queue, it
// returns ErrBusy.
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

func (s *Slots) unuse(key string, one *slot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if one.users--; one.users == 0 {
		delete(s.byKey, key)
	}
}

// Users is how many hold a slot or wait for one.
func (s *Slots) Users() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.byKey {
		n += one.users
	}
	return n
}

// Len is how many keys slots are held or waited for under.
func (s *Slots) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.byKey)
}
