package ratelimit

import (
	"sync/atomic"
	"time"
)

// refreshSpan is how long after the last refresh a core is kept free of hashing.
const refreshSpan = 5 * time.Second

// refreshActivity keeps one core free of hashing while apps refresh: with all cores hashing, a refresh waits at each of
// its steps until the kernel takes a core from a hash. When no app refreshes, all cores hash.
type refreshActivity struct {
	began    time.Time    // zero: no core is kept free. Spans count from here by the monotonic clock
	last     atomic.Int64 // the last refresh, in nanoseconds since began; 0: none yet
	reserved atomic.Bool  // one slot is kept free
}

// Note records a refresh.
func (a *refreshActivity) Note() {
	if !a.began.IsZero() {
		a.last.Store(max(int64(time.Since(a.began)), 1))
	}
}

// left is how long a core must still be kept free; 0 or less: not at all.
func (a *refreshActivity) left() time.Duration {
	last := a.last.Load()
	if last == 0 {
		return 0
	}
	return refreshSpan - (time.Since(a.began) - time.Duration(last))
}
