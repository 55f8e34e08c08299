package incident

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/password"
	"latchkey/models"
)

const (
	// batchTime is how long a batch should take. On SQLite every other write waits for it, on PostgreSQL every other commit may wait for what it logs.
	batchTime  = 10 * time.Millisecond
	firstBatch = 10 // devices
	leastBatch = 2
	mostBatch  = 500
	// restFactor is how many times as long as a batch or a page took the machine and the database are left to others, for up to mostRest.
	restFactor = 5
	mostRest   = 2 * time.Second
	// readFor is how long this process reads on when nothing is selected, before it writes how far it has got.
	readFor = time.Second
	// settled is how long after its date a sign-in is committed at the latest, by the clock of any replica. The selection is of sign-ins before the
	// start: the pass must not come by before they are there.
	settled = 15 * time.Second
	// LockedDetail says in an event that the password was locked as well.
	LockedDetail = "password_locked"
)

// pass is one process's way through the devices, in the order of the primary key.
type pass struct {
	s       *Service
	i       models.Incident
	tell    Tell
	page    []models.Device  // that were read and not looked at
	read    models.DeviceKey // the last device that was looked at
	ended   bool             // there are no more
	limit   int              // devices of a batch
	began   time.Time
	out     int64 // devices that this pass signed out
	slowest time.Duration
	done    bool
}

// run goes on until the incident is done, is another's or paused (models.ErrChanged or models.ErrNotFound), or the context ends, without an error.
func (p *pass) run(ctx context.Context) error {
	if err := p.settle(ctx); err != nil {
		return err
	}
	p.began = time.Now()
	for failed := 0; ctx.Err() == nil; {
		room, err := p.pace(ctx)
		if err != nil || ctx.Err() != nil {
			return err
		}
		err = p.step(ctx, room)
		switch {
		case p.done || errors.Is(err, models.ErrChanged) || errors.Is(err, models.ErrNotFound):
			return err
		case err == nil:
			failed = 0
			continue
		case ctx.Err() != nil:
			return nil
		}
		if failed++; failed == mostTries {
			return err
		}
		p.restart()
		sleep(ctx, retryAfter)
	}
	return nil
}

// settle waits until every sign-in that may be selected is committed.
func (p *pass) settle(ctx context.Context) error {
	last := *p.i.StartedAt
	if to := p.i.Filter.To; to != nil && to.Before(last) {
		last = *to
	}
	for p.s.clock.Now().Before(last.Add(settled)) && sleep(ctx, retryAfter) {
		if err := p.renew(ctx); err != nil {
			return err
		}
	}
	return nil
}

// pace returns how many devices the next batch may sign out. Where the work is spread over a time, it waits until there is one.
func (p *pass) pace(ctx context.Context) (int, error) {
	if p.i.OverSeconds == 0 {
		return p.limit, nil
	}
	for {
		rate := float64(p.i.Counts.Devices) / float64(p.i.OverSeconds)
		room := int(min(rate*time.Since(p.began).Seconds()-float64(p.out)+1, mostBatch)) // the first goes at once
		if room >= 1 {
			return min(p.limit, room), nil
		}
		if !sleep(ctx, retryAfter) {
			return 0, nil
		}
		if err := p.renew(ctx); err != nil {
			return 0, err
		}
	}
}

// renew keeps the incident while nothing is written.
func (p *pass) renew(ctx context.Context) error {
	i, err := p.s.claim(ctx, p.i.ID)
	if err == nil {
		p.tell(i, true)
	}
	return err
}

// restart goes back to where the last batch was committed.
func (p *pass) restart() {
	p.page, p.ended, p.read = nil, false, models.DeviceKey{UserID: p.i.AfterUser, ID: p.i.AfterDevice}
	p.limit = max(leastBatch, p.limit/2)
}

// step writes one batch.
func (p *pass) step(ctx context.Context, room int) error {
	after := models.DeviceKey{UserID: p.i.AfterUser, ID: p.i.AfterDevice}
	devices, seen, err := p.choose(ctx, room)
	if err != nil {
		return err
	}
	if seen == 0 {
		i, err := p.s.store.FinishIncident(ctx, p.i.ID, p.s.worker, after, p.slowest, p.s.clock.Now())
		if err == nil {
			p.done = true
			p.tell(i, true)
		}
		return err
	}
	began := time.Now()
	if err := p.write(ctx, after, devices, seen); err != nil {
		return err
	}
	p.tell(p.i, true)
	rest(ctx, began)
	return nil
}

// rest leaves the machine and the database to others. The work before it began at began.
func rest(ctx context.Context, began time.Time) {
	sleep(ctx, min(restFactor*time.Since(began), mostRest))
}

// choose looks at the next devices, and returns up to room of them that are selected and how many it looked at.
func (p *pass) choose(ctx context.Context, room int) (devices []models.DeviceKey, seen int64, err error) {
	now := p.s.clock.Now()
	for began := time.Now(); len(devices) < room && (seen == 0 || time.Since(began) < readFor); { // however long a page takes: nothing seen is the end
		if len(p.page) == 0 {
			if p.ended {
				break
			}
			asked := time.Now()
			if p.page, err = p.s.store.IncidentDevices(ctx, p.read, pageSize); err != nil {
				return nil, 0, err
			}
			p.ended = len(p.page) < pageSize
			rest(ctx, asked)
			continue
		}
		d := p.page[0]
		p.page, p.read = p.page[1:], models.DeviceKey{UserID: d.UserID, ID: d.ID}
		seen++
		if selects(p.i.Filter, d, *p.i.StartedAt, now) || p.i.RequireReset && hadSelected(p.i.Filter, d, *p.i.StartedAt) {
			devices = append(devices, p.read)
		}
	}
	return devices, seen, nil
}

// write signs devices out and notes how far the pass has got.
func (p *pass) write(ctx context.Context, after models.DeviceKey, devices []models.DeviceKey, seen int64) error {
	now := p.s.clock.Now()
	b := models.IncidentBatch{
		ID: p.i.ID, Worker: p.s.worker, Until: now.Add(lease), At: now, After: after, To: p.read, Seen: seen, Devices: devices, Slowest: p.slowest, LastUser: p.i.LastUser,
		Event: p.event(now),
	}
	if p.i.RequireReset {
		b.Reset = &models.IncidentReset{Since: *p.i.Filter.From, NoPassword: password.None, Detail: LockedDetail}
	}
	done, err := p.s.store.EndIncidentBatch(ctx, b)
	if err != nil {
		return err
	}
	p.out += done.Devices
	p.i.AfterUser, p.i.AfterDevice, p.i.LastUser = p.read.UserID, p.read.ID, done.LastUser
	p.i.Seen, p.i.Devices, p.i.Accounts = p.i.Seen+seen, p.i.Devices+done.Devices, p.i.Accounts+done.Accounts
	if len(devices) > 0 {
		p.i.Batches++
		p.slowest = max(p.slowest, done.Took)
		p.limit = next(p.limit, len(devices), done.Took)
	}
	return nil
}

// next returns how many devices the batch after one of a size may sign out, which took a time.
func next(limit, size int, took time.Duration) int {
	switch {
	case took > batchTime:
		limit = int(int64(size) * int64(batchTime) / int64(took))
	case took < batchTime/2 && size == limit:
		limit += limit/2 + 1
	}
	return min(max(limit, leastBatch), mostBatch)
}

// event makes the events of a batch. The id of an account's event follows from the incident's, so that a second batch with devices of the account
// finds it.
func (p *pass) event(at time.Time) func(user uuid.UUID, devices int) models.Event {
	return func(user uuid.UUID, devices int) models.Event {
		e := auth.NewEvent(models.EventIncident, user, auth.Caller{}, at)
		e.Actor, e.ID, e.More = models.ActorOperator, eventID(p.i, user), int64(devices-1)
		return e
	}
}

// eventID is a UUIDv7 of the incident's start: models.Store.IncidentReturn finds the accounts by it.
func eventID(i models.Incident, user uuid.UUID) uuid.UUID {
	id := models.NewID(*i.StartedAt)
	sum := sha256.Sum256(append(append([]byte("event of an incident\x00"), i.ID[:]...), user[:]...))
	copy(id[6:], sum[:])
	id[6], id[8] = id[6]&0x0f|0x70, id[8]&0x3f|0x80
	return id
}
