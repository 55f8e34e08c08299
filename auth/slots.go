package auth

import (
	"context"
	"sync"
	"time"
)

// How many sign-ins of one account are under way at a time, in each process, and how long another one waits for its turn.
const (
	slotsOfAccount = 2
	slotsOfMark    = 1 // of one browser that the account knows, beside the others; its keys have one together
	slotPatience   = 5 * time.Second
	slotQueue      = 64 // that wait for the same
)

// slots bound what one account takes of the hashing: without them its owner, at many addresses, could keep everybody else from
// signing in.
type slots struct {
	patience time.Duration

	mu sync.Mutex
	of map[string]*slot
}

type slot struct {
	taken chan struct{}
	users int // that hold it or wait for it
}

// take returns what frees the slot again. waiting is called before a wait begins. Past the patience, and past the queue, it
// returns errHasherBusy.
func (s *slots) take(ctx context.Context, key string, most int, waiting func()) (free func(), err error) {
	one, err := s.join(key, most)
	if err != nil {
		return nil, err
	}
	select {
	case one.taken <- struct{}{}:
		return func() { <-one.taken; s.part(key, one) }, nil
	default:
	}
	waiting()
	patience := time.NewTimer(s.patience)
	defer patience.Stop()
	select {
	case one.taken <- struct{}{}:
		return func() { <-one.taken; s.part(key, one) }, nil
	case <-patience.C:
		err = errHasherBusy
	case <-ctx.Done():
		err = ctx.Err()
	}
	s.part(key, one)
	return nil, err
}

func (s *slots) join(key string, most int) (*slot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.of[key]
	if one == nil {
		one = &slot{taken: make(chan struct{}, most)}
		s.of[key] = one
	}
	if one.users >= most+slotQueue {
		return nil, errHasherBusy
	}
	one.users++
	return one, nil
}

func (s *slots) part(key string, one *slot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if one.users--; one.users == 0 {
		delete(s.of, key)
	}
}
