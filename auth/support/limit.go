package support

import (
	"sync"
	"time"

	"github.com/google/uuid"

	"latchkey/auth"
)

// A member of the staff may search and look this often in an hour, in each process. Every time writes an event, and a look writes
// another one into the activity of the person. The count is kept in memory, because these pages are bound to a few statements; only
// accounts to which the operator gave the role are counted.
const (
	mostActs = 600
	actSpan  = time.Hour
)

// actLimit counts what each member of the staff did lately. The zero value is ready.
type actLimit struct {
	mu   sync.Mutex
	acts map[uuid.UUID]actCount
}

type actCount struct {
	since time.Time
	n     int
}

// admit counts a search or a look, or refuses it with KindRateLimited. A count that began in the future is over.
func (l *actLimit) admit(staff uuid.UUID, now time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	c, known := l.acts[staff]
	if age := now.Sub(c.since); !known || age < 0 || age >= actSpan {
		c = actCount{since: now}
	}
	if c.n >= mostActs {
		return auth.RateLimited(c.since.Add(actSpan).Sub(now))
	}
	c.n++
	if l.acts == nil {
		l.acts = map[uuid.UUID]actCount{}
	}
	l.acts[staff] = c
	return nil
}
