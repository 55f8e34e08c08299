package auth

import (
	"sync/atomic"
	"time"

	"latchkey/auth/argon"
)

// courtesySpan is how long after the last refresh a core is kept free of hashing.
const courtesySpan = 5 * time.Second

// courtesy keeps one core free for everybody else while apps are refreshing: with all cores hashing, a refresh waits at each of its
// steps until the kernel takes a core from a hash, which it does not always do at once. When nobody refreshes, all cores hash.
type courtesy struct {
	began time.Time    // spans are counted from here, so that setting the machine's clock changes none
	last  atomic.Int64 // when somebody refreshed last, in nanoseconds since began; 0: nobody did
}

// noteRefresh is called for every refresh.
func (c *courtesy) noteRefresh() { c.last.Store(max(int64(time.Since(c.began)), 1)) }

// cores is how many of n cores may hash.
func (c *courtesy) cores(n int) int {
	last := c.last.Load()
	if n < 2 || last == 0 || time.Since(c.began)-time.Duration(last) >= courtesySpan {
		return n
	}
	return n - 1
}

// hashIn lets a pool's processes do the work of a service.
func (s *Service) hashIn(pool *argon.Pool) {
	// The next ones are at a process's hand when it has done one.
	s.hasher.slots = make(chan struct{}, 2*pool.Size())
	s.hasher.derive = func(j argon.Job) ([]byte, error) { return pool.Key(j, s.others.cores(pool.Size())) }
}
