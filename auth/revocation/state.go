package revocation

import "time"

// State describes the status lists of this process.
type State struct {
	ReadAt  time.Time // when revocations were last read from the database, in whole seconds
	Lists   int
	Revoked int // devices whose bit is set
}

// State returns the state without a query. It returns false while there are no status lists.
func (s *Service) State() (st State, ok bool) {
	b := &s.board
	b.mu.RLock()
	defer b.mu.RUnlock()
	if len(b.lists) == 0 {
		return st, false
	}
	st = State{ReadAt: time.Unix(b.publishedAt.Load(), 0), Lists: len(b.lists)}
	for _, l := range b.lists {
		st.Revoked += l.bits.Count()
	}
	return st, true
}
