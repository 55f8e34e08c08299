package ratelimit

import (
	"sync"
	"time"

	"github.com/google/uuid"

	"latchkey/auth"
)

// MaxDownloads is how many downloads of account data one process serves at a time. Each holds a page of the data in memory as long
// as its reader takes.
const MaxDownloads = 4

// PerAccount limits requests that take long: one at a time of each account, and a few of all accounts together. It refuses the
// others before they use a database connection.
type PerAccount struct {
	most    int
	mu      sync.Mutex
	running map[uuid.UUID]struct{}
}

// NewPerAccount returns a limiter of most requests at a time.
func NewPerAccount(most int) *PerAccount {
	return &PerAccount{most: most, running: map[uuid.UUID]struct{}{}}
}

// Begin admits a request of an account, or returns KindUnavailable. The caller must call end when the request is done; more calls
// do nothing.
func (p *PerAccount) Begin(user uuid.UUID) (end func(), err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, at := p.running[user]; at || len(p.running) >= p.most {
		return nil, &auth.Error{Kind: auth.KindUnavailable, Message: "We’re busy right now.", RetryAfter: 10 * time.Second, Limit: "downloads"}
	}
	p.running[user] = struct{}{}
	return sync.OnceFunc(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.running, user)
	}), nil
}
