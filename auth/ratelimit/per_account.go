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
func (b *PerAccount) Begin(user uuid.UUID) (end func(), err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, at := b.running[user]; at || len(b.running) >= b.most {
		return nil, &auth.Error{Kind: auth.KindUnavailable, Message: "Others are being served right now. Please try again.", RetryAfter: 10 * time.Second}
	}
	b.running[user] = struct{}{}
	return sync.OnceFunc(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.running, user)
	}), nil
}
