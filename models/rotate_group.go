package models

import (
	"bytes"
	"cmp"
	"context"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"latchkey/models/groupcommit"
)

const (
	// maxGroup is how many rotations share one commit.
	maxGroup = 64
	// groupLockWait is how long a group waits for a row that another transaction has locked. After that each of its rotations is
	// tried alone, so that one locked row delays only its own device.
	groupLockWait = 20 * time.Millisecond
)

// rotation is one presented token on its way through the database, and what the database answered.
type rotation struct {
	Rotation
	device Device
	found  bool // rotateStatement changed the row; device is filled in
}

// rotator runs rotateStatement. Refreshes that arrive at the same time share a transaction, each with its own statement. A batch
// has at most one device of a user, and no user who is in another batch of this process.
type rotator struct {
	queue *groupcommit.Queue[uuid.UUID, *rotation] // nil: every rotation has a transaction of its own
	solo  func(ctx context.Context, r *rotation) error
	// apart is set where tables are distributed: then there are no batches.
	apart atomic.Bool
}

// rotationBatches makes a queue. Batches take their rows in the order of the keys, so that they deadlock neither with each other
// nor with a transaction that changes several devices of one user.
func rotationBatches(slots int, batch func(context.Context, []*rotation) error, solo func(context.Context, *rotation) error) *groupcommit.Queue[uuid.UUID, *rotation] {
	return groupcommit.New(groupcommit.Config[uuid.UUID, *rotation]{
		Slots:    slots,
		MaxBatch: maxGroup,
		Timeout:  writeTimeout,
		Key:      func(r *rotation) uuid.UUID { return r.Key.UserID },
		Compare: func(a, b *rotation) int {
			return cmp.Or(bytes.Compare(a.Key.UserID[:], b.Key.UserID[:]), bytes.Compare(a.Key.ID[:], b.Key.ID[:]))
		},
		Batch: batch,
		Solo:  solo,
	})
}

// rotate runs one rotation to its end within writeTimeout, even when the caller hangs up. It returns found == false when no row
// met the conditions of rotateStatement.
func (g *rotator) rotate(ctx context.Context, r Rotation) (d Device, found bool, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	one := &rotation{Rotation: r}
	if g.queue == nil || g.apart.Load() {
		err = g.solo(ctx, one)
	} else {
		err = g.queue.Do(ctx, one)
	}
	if err != nil {
		return Device{}, false, err
	}
	return one.device, one.found, nil
}

// rowsOf is what the rows of pgx and of database/sql have in common.
type rowsOf interface {
	Next() bool
	Scan(into ...any) error
	Err() error
}

// read takes the row that rotateStatement returns, if it returns one. It forgets what an earlier attempt read.
func (r *rotation) read(rows rowsOf) error {
	r.found, r.device = false, Device{UserID: r.Key.UserID, ID: r.Key.ID, Kind: KindApp}
	d := &r.device
	for rows.Next() {
		if r.found {
			return errTwoDevices
		}
		r.found = true
		err := rows.Scan(&d.Name, &d.ClientID, &d.Scope, &d.CreatedAt, &d.ExpiresAt, &d.Generation, &d.Base, &d.Floor, &d.Repeats, &d.MaxRefreshes, &d.JKT,
			&d.StatusIndex, &d.ProvedBy, &d.ProvedAt)
		if err != nil {
			return err
		}
	}
	return rows.Err()
}
