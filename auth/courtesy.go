package auth

import (
	"sync/atomic"
	"time"
)

// courtesySpan is how long after the last refresh a core is kept free of hashing.
const courtesySpan = 250 * time.Millisecond

// courtesy keeps one core free for everybody else while apps are refreshing: with all cores hashing, a refresh would
// wait for a scheduler's turn at each of its steps. When nobody refreshes, all cores hash.
type courtesy struct {
	clock func() time.Time // the real one: it is about cores, not about tokens; nil: no courtesy
	last  atomic.Int64     // when somebody refreshed last
	held  atomic.Bool      // one slot is kept free
}

// noteRefresh is called for every refresh.
func (c *courtesy) noteRefresh() {
	if c.clock != nil {
		c.last.Store(c.clock().UnixNano())
	}
}

func (c *courtesy) wanted() bool {
	return c.clock != nil && time.Duration(c.clock().UnixNano()-c.last.Load()) < courtesySpan
}

// release gives a slot back, or keeps it free while somebody refreshes. The last slot is never kept.
func (h *hasher) release() {
	if cap(h.slots) < 2 || !h.others.wanted() || !h.others.held.CompareAndSwap(false, true) {
		<-h.slots
		return
	}
	go func() {
		for h.others.wanted() {
			time.Sleep(courtesySpan / 4)
		}
		h.others.held.Store(false)
		<-h.slots
	}()
}
