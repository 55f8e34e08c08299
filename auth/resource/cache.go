package resource

import (
	"crypto/sha256"
	"sync"
	"sync/atomic"
	"time"
)

// entry is a token whose signature and claims are valid.
type entry struct {
	claims  Claims
	key     *key
	expires time.Time // including the leeway
	list    atomic.Pointer[poller[list]]
}

type digest = [sha256.Size]byte

// cache remembers verified tokens by their hash, in two halves. When the current half is full, it becomes the last one, and the
// last one is dropped. Entries that are used move to the current half.
type cache struct {
	half          int // entries of one half; 0: no cache
	mu            sync.RWMutex
	current, last map[digest]*entry
}

func newCache(size int) *cache { return &cache{half: (size + 1) / 2, current: map[digest]*entry{}} }

func (c *cache) get(sum digest) *entry {
	c.mu.RLock()
	e := c.current[sum]
	older := e == nil && len(c.last) > 0
	if older {
		e = c.last[sum]
	}
	c.mu.RUnlock()
	if older && e != nil {
		c.put(sum, e)
	}
	return e
}

func (c *cache) put(sum digest, e *entry) {
	if c.half == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.current) >= c.half {
		c.last, c.current = c.current, make(map[digest]*entry, c.half)
	}
	c.current[sum] = e
}

func (c *cache) drop(sum digest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.current, sum)
	delete(c.last, sum)
}

func (c *cache) len() int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return len(c.current) + len(c.last)
}
