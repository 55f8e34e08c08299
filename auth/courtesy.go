package auth

import (
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// courtesySpan is how long after the last refresh a core is kept free of hashing.
const courtesySpan = 5 * time.Second

// courtesy keeps one core free for everybody else while apps are refreshing: with all cores hashing, a refresh would
// wait for a scheduler's turn at each of its steps. When nobody refreshes, all cores hash.
type courtesy struct {
	began time.Time    // zero: no courtesy. Spans are counted from here, so that setting the machine's clock changes none
	last  atomic.Int64 // when somebody refreshed last, in nanoseconds since began; 0: nobody did
	held  atomic.Bool  // one slot is kept free
}

// noteRefresh is called for every refresh.
func (c *courtesy) noteRefresh() {
	if !c.began.IsZero() {
		c.last.Store(max(int64(time.Since(c.began)), 1))
	}
}

// left is for how long a core is still to be kept free; 0 or less: it need not be.
func (c *courtesy) left() time.Duration {
	last := c.last.Load()
	if last == 0 {
		return 0
	}
	return courtesySpan - (time.Since(c.began) - time.Duration(last))
}

// release gives a slot back, or keeps it free while somebody refreshes. The last slot is never kept.
func (h *hasher) release() {
	if cap(h.slots) < 2 || h.others.left() <= 0 || !h.others.held.CompareAndSwap(false, true) {
		<-h.slots
		return
	}
	h.keep()
}

// keep holds a slot until nobody has refreshed for a while.
func (h *hasher) keep() {
	if left := h.others.left(); left > 0 {
		time.AfterFunc(left, h.keep)
		return
	}
	h.others.held.Store(false)
	<-h.slots
}

const (
	// patientPercent is the collector's GOGC while passwords are hashed. Each hash takes 19 MiB, which at the usual pace
	// would set the collector going every time, and everybody else would wait for it. The process's memory limit, of which
	// cmd makes one, bounds what then lies about.
	patientPercent = 400
	patienceSpan   = 5 * time.Second // for so long after the last hash
)

// patience tells the collector of this process that passwords are hashed. Its time is the machine's, as courtesy's is: both are
// about cores and memory, and decide nothing about tokens.
type patience struct {
	usual int // the process's GOGC otherwise; 0: it is not for us to change

	mu      sync.Mutex
	last    time.Time
	patient bool
}

// noteHash is called for every hash.
func (p *patience) noteHash() {
	if p.usual <= 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = time.Now()
	if !p.patient {
		p.patient = true
		debug.SetGCPercent(max(p.usual, patientPercent))
		time.AfterFunc(patienceSpan, p.end)
	}
}

// end goes back to the usual pace, once nothing was hashed for a while.
func (p *patience) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if left := patienceSpan - time.Since(p.last); left > 0 {
		time.AfterFunc(left, p.end)
		return
	}
	p.patient = false
	debug.SetGCPercent(p.usual)
}
