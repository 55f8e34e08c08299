package auth

import (
	"sync"
	"time"

	"github.com/google/uuid"
)

// How many long requests one process does at a time.
const maxDownloads = 4 // of an account's data: each holds a page of it, for as long as its reader takes

// bulk bounds what takes long for one request. An account does one at a time, and all accounts together a few: whoever
// comes past that is told to come back, before it costs a connection.
type bulk struct {
	most    int
	mu      sync.Mutex
	running map[uuid.UUID]struct{}
}

func newBulk(most int) *bulk { return &bulk{most: most, running: map[uuid.UUID]struct{}{}} }

// begin admits an account, which leaves by calling what it returns, or refuses with KindUnavailable.
func (b *bulk) begin(user uuid.UUID) (end func(), err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, at := b.running[user]; at || len(b.running) >= b.most {
		return nil, &Error{Kind: KindUnavailable, Message: "Others are being served right now. Please try again.", RetryAfter: 10 * time.Second}
	}
	b.running[user] = struct{}{}
	return sync.OnceFunc(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.running, user)
	}), nil
}
