package ratelimit

import (
	"sync"
	"time"

	"github.com/google/uuid"

	"latchkey/auth"
)

// MaxDownloads is how many downloads of accounts' data one process serves at a time. Each holds a page of the data for as long as its
// reader takes.
const MaxDownloads = 4

// PerAccount bounds what takes long for one request. An account does one at a time, and all accounts together a few: whoever
// comes past that is told to come back, before it costs a connection.
type PerAccount struct {
	most    int
	mu      sync.Mutex
	running map[uuid.UUID]struct{}
}

// NewPerAccount makes a limiter of most requests at a time.
func NewPerAccount(most int) *PerAccount {
	return &PerAccount{most: most, running: map[uuid.UUID]struct{}{}}
}

// Begin admits an account, which leaves by calling what it returns, or refuses with KindUnavailable.
func (p *PerAccount) Begin(user uuid.UUID) (end func(), err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, at := p.running[user]; at || len(p.running) >= p.most {
		return nil, &auth.Error{Kind: auth.KindUnavailable, Message: "Others are being served right now. Please try again.", RetryAfter: 10 * time.Second}
	}
	p.running[user] = struct{}{}
	return sync.OnceFunc(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.running, user)
	}), nil
}
