package models

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
)

const (
	// maxGroup is how many rotations share one commit.
	maxGroup = 64
	// groupLockWait is how long a group waits for a row that somebody else holds. Past it each of its rotations goes alone, so that
	// one stuck row keeps nobody but its own device waiting.
	groupLockWait = 20 * time.Millisecond
)

// rotation is one presented token on its way through the database. A group's runner fills in device and found, or err.
type rotation struct {
	Rotation
	device Device
	found  bool
	err    error
	turn   chan turn
}

// turn is what becomes of a rotation that waits.
type turn int

const (
	turnDone  turn = iota // its fields are filled in
	turnLead              // it runs the next group itself
	turnAlone             // its group was rolled back, perhaps for another's sake
)

// rotations commits refreshes that come at the same time together. Each is its own conditional UPDATE, sent once; one round
// trip and one flush of the log serve all that arrived while the last group was on its way. Nobody waits for company: a
// rotation that finds a free lane goes at once, alone. Whoever leads a group is one of its callers, so that no goroutine stands
// between a lone rotation and the database.
//
// A group has at most one device of a user, and none of a user whom another group of this process is at: whoever refreshes one
// device all the time keeps only that user's waiting. It takes its rows in the order of their keys: two groups never wait for
// each other in a circle, nor a group and a transaction that changes several devices of one user.
type rotations struct {
	group func(ctx context.Context, batch []*rotation) error // nil: committed; an error that rolledBack knows: nothing was done
	alone func(ctx context.Context, r *rotation) error       // autocommitted; waits for a row as long as ctx allows

	lanes   int         // groups at a time; 0: every rotation goes alone
	apart   func() bool // every rotation goes alone, as was found out later; nil: not so
	mu      sync.Mutex
	busy    int                // lanes that somebody leads
	flying  map[uuid.UUID]bool // users whom a group is at
	waiting []*rotation
}

// do runs one rotation to its end, which nobody's hanging up keeps it from.
func (g *rotations) do(ctx context.Context, r Rotation) (Device, bool, error) {
	one := &rotation{Rotation: r, turn: make(chan turn, 1)}
	ctx, deadline := context.WithoutCancel(ctx), time.Now().Add(writeTimeout)
	next := g.wait(one, deadline)
	if next == turnLead {
		next = g.lead(ctx, one)
	}
	if next == turnAlone {
		ctx, cancel := context.WithDeadline(ctx, deadline)
		defer cancel()
		one.err = g.alone(ctx, one)
	}
	return one.device, one.found, one.err
}

// wait queues a rotation until it is its turn, or too late.
func (g *rotations) wait(one *rotation, deadline time.Time) turn {
	if g.lanes == 0 || g.apart != nil && g.apart() {
		return turnAlone
	}
	g.mu.Lock()
	if g.busy < g.lanes && !g.flying[one.Key.UserID] {
		g.busy++
		g.board(one)
		g.mu.Unlock()
		return turnLead
	}
	g.waiting = append(g.waiting, one)
	g.mu.Unlock()
	patience := time.NewTimer(time.Until(deadline))
	defer patience.Stop()
	select {
	case next := <-one.turn:
		return next
	case <-patience.C:
	}
	g.mu.Lock()
	i := slices.Index(g.waiting, one)
	if i >= 0 {
		g.waiting = slices.Delete(g.waiting, i, i+1)
	}
	g.mu.Unlock()
	if i < 0 {
		return <-one.turn // on its way: its group ends within the leader's time
	}
	one.err = fmt.Errorf("%w: no connection became free in time", ErrUnavailable)
	return turnDone
}

// board is called with mu held.
func (g *rotations) board(r *rotation) {
	if g.flying == nil {
		g.flying = map[uuid.UUID]bool{}
	}
	g.flying[r.Key.UserID] = true
}

// lead runs a group and hands the lane on, whatever becomes of it: a lane that was lost would be lost for good.
func (g *rotations) lead(ctx context.Context, first *rotation) turn {
	runtime.Gosched() // whoever is about to ask goes along
	batch := g.gather(first)
	err := errLeaderLost
	func() {
		defer func() { g.land(batch, first, err) }()
		// The time is the group's own: its leader may have waited for most of what it had.
		ctx, cancel := context.WithTimeout(ctx, writeTimeout)
		defer cancel()
		err = g.group(ctx, batch)
	}()
	if err != nil && rolledBack(err) {
		return turnAlone
	}
	return turnDone
}

// errLeaderLost is what becomes of a group whose leader panicked: nobody knows whether it was committed.
var errLeaderLost = fmt.Errorf("%w: the group did not come back", ErrUnavailable)

// land hands the lane on and tells the others of the group what became of them.
func (g *rotations) land(batch []*rotation, first *rotation, err error) {
	g.handOn(batch)
	next := turnDone
	if err != nil && rolledBack(err) {
		next = turnAlone
	}
	for _, r := range batch {
		if err != nil {
			r.device, r.found, r.err = Device{}, false, err
		}
		if r != first {
			r.turn <- next
		}
	}
}

// gather takes what waits, at most one device of a user, in the order of the keys. The first one is on board already.
func (g *rotations) gather(first *rotation) []*rotation {
	batch := []*rotation{first}
	g.mu.Lock()
	g.waiting = slices.DeleteFunc(g.waiting, func(r *rotation) bool {
		if len(batch) == maxGroup || g.flying[r.Key.UserID] {
			return false
		}
		g.board(r)
		batch = append(batch, r)
		return true
	})
	g.mu.Unlock()
	slices.SortFunc(batch, func(a, b *rotation) int {
		return cmp.Or(bytes.Compare(a.Key.UserID[:], b.Key.UserID[:]), bytes.Compare(a.Key.ID[:], b.Key.ID[:]))
	})
	return batch
}

// handOn gives the lane to whoever has waited longest of those who may go. Who may not waits for another lane, which is at
// the same user and will be handed on, too.
func (g *rotations) handOn(batch []*rotation) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, r := range batch {
		delete(g.flying, r.Key.UserID)
	}
	i := slices.IndexFunc(g.waiting, func(r *rotation) bool { return !g.flying[r.Key.UserID] })
	if i < 0 {
		g.busy--
		return
	}
	next := g.waiting[i]
	g.waiting = slices.Delete(g.waiting, i, i+1)
	g.board(next)
	next.turn <- turnLead
}
