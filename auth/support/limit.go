package support

import (
	"sync"
	"time"

	"github.com/google/uuid"

	"latchkey/auth"
)

// How often a member of the staff may search and view in an hour, in each process. Each act writes an event, and a view writes
// another one into the person's activity. The count is kept in memory to save statements, and only for accounts with the support
// role.
const (
	mostActs = 600
	actSpan  = time.Hour
)

// actLimit counts the recent acts of each member of the staff. The zero value is ready to use.
type actLimit struct {
	mu   sync.Mutex
	acts map[uuid.UUID]actCount
}

type actCount struct {
	since time.Time
	n     int
}

// admit counts an act, or returns KindRateLimited. A span that began in the future is over.
func (l *actLimit) admit(staff uuid.UUID, now time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	c, known := l.acts[staff]
	if age := now.Sub(c.since); !known || age < 0 || age >= actSpan {
		c = actCount{since: now}
	}
	if c.n >= mostActs {
		return auth.RateLimited("support", c.since.Add(actSpan).Sub(now))
	}
	c.n++
	if l.acts == nil {
		l.acts = map[uuid.UUID]actCount{}
	}
	l.acts[staff] = c
	return nil
}
