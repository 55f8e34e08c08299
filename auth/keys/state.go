package keys

import "time"

// State describes the keys that this process knows, without a query.
type State struct {
	Alg        string    // of the key that signs
	SignsSince time.Time // when that key's turn began
	NextFrom   time.Time // when the next key's turn begins; zero if there is no next key
	Published  int       // keys in the key set
	ReadAt     time.Time // when they were last read from the database, in whole seconds
}

// State returns the state. It returns false before the keys were read.
func (s *Service) State() (st State, ok bool) {
	ring, now := s.ring.Load(), s.clock.Now()
	if ring == nil {
		return st, false
	}
	current, ok := ring.Signing(now)
	if !ok {
		return st, false
	}
	st = State{Alg: current.Alg, SignsSince: current.SignsFrom, Published: len(ring.Published(now)), ReadAt: time.Unix(s.loadedAt.Load(), 0)}
	if next, _, ok := ring.Next(now); ok {
		st.NextFrom = next.SignsFrom
	}
	return st, true
}
