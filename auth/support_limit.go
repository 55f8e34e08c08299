package auth

import (
	"sync"
	"time"

	"github.com/google/uuid"
)

// A member of the staff may search and look this often in an hour, in each process. Every time writes an event, and a look writes
// another one into the activity of the person. The count is kept in memory, because these pages are bound to a few statements; only
// accounts to which the operator gave the role are counted.
const (
	deskMost = 600
	deskSpan = time.Hour
)

// deskLimit counts what each member of the staff did lately. The zero value is ready.
type deskLimit struct {
	mu   sync.Mutex
	acts map[uuid.UUID]deskCount
}

type deskCount struct {
	since time.Time
	n     int
}

// admit counts a search or a look, or refuses it with KindRateLimited. A count that began in the future is over.
func (d *deskLimit) admit(staff uuid.UUID, now time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	c, known := d.acts[staff]
	if age := now.Sub(c.since); !known || age < 0 || age >= deskSpan {
		c = deskCount{since: now}
	}
	if c.n >= deskMost {
		return rateLimited(c.since.Add(deskSpan).Sub(now))
	}
	c.n++
	if d.acts == nil {
		d.acts = map[uuid.UUID]deskCount{}
	}
	d.acts[staff] = c
	return nil
}
