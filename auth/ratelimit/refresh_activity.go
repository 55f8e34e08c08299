package ratelimit

import (
	"sync/atomic"
	"time"
)

// refreshSpan is how long one core stays free of hashing after the last refresh.
const refreshSpan = 5 * time.Second

// refreshActivity keeps one core free of hashing while apps refresh. With hashes on all cores, a refresh would wait at each of its
// steps until the kernel takes a core from a hash. While no app refreshes, all cores hash.
type refreshActivity struct {
	began    time.Time    // spans count from here by the monotonic clock
	last     atomic.Int64 // time of the last refresh, in nanoseconds since began; 0: none yet
	reserved atomic.Bool  // a slot is reserved
}

// Note records a refresh.
func (a *refreshActivity) Note() {
	a.last.Store(max(int64(time.Since(a.began)), 1))
}

// left returns how much longer a core must stay free; 0 or less if it need not.
func (a *refreshActivity) left() time.Duration {
	last := a.last.Load()
	if last == 0 {
		return 0
	}
	return refreshSpan - (time.Since(a.began) - time.Duration(last))
}
