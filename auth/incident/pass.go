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
	// After a batch or a page that took t, the pass sleeps for restFactor times t, at most mostRest, so that others get the machine and the database.
	restFactor = 5
	mostRest   = 2 * time.Second
	// readFor is how long this process reads on when nothing is selected, before it writes how far it has got.
	readFor = time.Second
	// settled is the longest time from the date of a sign-in to its commit, by the clock of any replica. The pass waits for it: only then are all
	// sign-ins from before the start in the database.
	settled = 15 * time.Second
	// LockedDetail says in an event that the password was locked as well.
	LockedDetail = "password_locked"
)

// pass is one process's way through the devices, in the order of the primary key.
type pass struct {
	s         *Service
	i         models.Incident
	tell      Tell
	page      []models.Device  // read from the store, not yet looked at
	last      models.DeviceKey // the last device that was looked at
	ended     bool             // there are no more
	limit     int              // most devices of the next batch
	began     time.Time
	signedOut int64 // devices that this pass signed out
	slowest   time.Duration
	done      bool
}

// run works until the incident is done or the context ends. It returns models.ErrChanged or models.ErrNotFound when the incident was paused or another
// process has it, and any other error when the claim cannot be renewed, or after mostTries failed batches in a row.
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

// pace returns how many devices the next batch may sign out. Where the work is spread over time (Start.Over), it waits until at least one is due.
func (p *pass) pace(ctx context.Context) (int, error) {
	if p.i.OverSeconds == 0 {
		return p.limit, nil
	}
	for {
		rate := float64(p.i.Counts.Devices) / float64(p.i.OverSeconds)
		room := int(min(rate*time.Since(p.began).Seconds()-float64(p.signedOut)+1, mostBatch)) // the first goes at once
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

// renew extends this process's claim on the incident while nothing is written, and tells how far it has got.
func (p *pass) renew(ctx context.Context) error {
	i, err := p.s.claim(ctx, p.i.ID)
	if err == nil {
		p.tell(i, true)
	}
	return err
}

// restart goes back to where the last batch was committed.
func (p *pass) restart() {
	p.page, p.ended, p.last = nil, false, models.DeviceKey{UserID: p.i.AfterUser, ID: p.i.AfterDevice}
	p.limit = max(leastBatch, p.limit/2)
}

// step writes one batch, or finishes the incident when no devices are left.
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

// rest sleeps, so that others get the machine and the database. began is when the work before it started.
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
			if p.page, err = p.s.store.IncidentDevices(ctx, p.last, pageSize); err != nil {
				return nil, 0, err
			}
			p.ended = len(p.page) < pageSize
			rest(ctx, asked)
			continue
		}
		d := p.page[0]
		p.page, p.last = p.page[1:], models.DeviceKey{UserID: d.UserID, ID: d.ID}
		seen++
		if selects(p.i.Filter, d, *p.i.StartedAt, now) || p.i.RequireReset && hadSelected(p.i.Filter, d, *p.i.StartedAt) {
			devices = append(devices, p.last)
		}
	}
	return devices, seen, nil
}

// write signs devices out and notes how far the pass has got.
func (p *pass) write(ctx context.Context, after models.DeviceKey, devices []models.DeviceKey, seen int64) error {
	now := p.s.clock.Now()
	b := models.IncidentBatch{
		ID: p.i.ID, Worker: p.s.worker, Until: now.Add(lease), At: now, After: after, To: p.last, Seen: seen, Devices: devices, Slowest: p.slowest, LastUser: p.i.LastUser,
		Event: p.event(now),
	}
	if p.i.RequireReset {
		b.Reset = &models.IncidentReset{Since: *p.i.Filter.From, NoPassword: password.None, Detail: LockedDetail}
	}
	done, err := p.s.store.EndIncidentBatch(ctx, b)
	if err != nil {
		return err
	}
	p.signedOut += done.Devices
	p.i.AfterUser, p.i.AfterDevice, p.i.LastUser = p.last.UserID, p.last.ID, done.LastUser
	p.i.Seen, p.i.Devices, p.i.Accounts = p.i.Seen+seen, p.i.Devices+done.Devices, p.i.Accounts+done.Accounts
	if len(devices) > 0 {
		p.i.Batches++
		p.slowest = max(p.slowest, done.Took)
		p.limit = nextLimit(p.limit, len(devices), done.Took)
	}
	return nil
}

// nextLimit returns how many devices the next batch may sign out, after a batch of that size, under that limit, took that long.
func nextLimit(limit, size int, took time.Duration) int {
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
