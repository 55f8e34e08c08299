package ratelimit

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/argon2"

	"latchkey/auth"
	"latchkey/auth/password"
	"latchkey/auth/password/foreign"
)

// Hasher hashes and verifies passwords, a few at a time. Each hash takes 19 MiB and a core for tens of milliseconds, and anyone can
// cause one at the sign-in page. Without a bound, a flood of sign-ins would take memory and processor time from people who are
// signed in.
type Hasher struct {
	params    password.Params
	wait      time.Duration
	slots     chan struct{} // one element for each running hash
	queue     chan struct{} // one element for each waiting caller
	dummy     password.PHC  // what unknown accounts are checked against
	Refreshes refreshActivity
	counts    struct{ admitted, refused, waited atomic.Int64 } // waited in nanoseconds
	garbage   struct {
		sync.Mutex
		kib int // that hashes have taken since the last of collect’s collections
	}
	Derive func(password, salt []byte, time, memory uint32, threads uint8, size uint32) []byte
}

// NewHasher returns a Hasher that runs at most workers hashes at once. At most queue callers wait, in order, and each for at most
// wait. NewHasher panics if password.Parse would refuse hashes with the parameters p, if workers is less than 1, or if queue is negative.
func NewHasher(p password.Params, workers, queue int, wait time.Duration) *Hasher {
	if !p.WithinLimits() || workers < 1 || queue < 0 {
		panic(fmt.Sprintf("ratelimit: impossible hashing parameters %+v, %d workers, queue of %d", p, workers, queue))
	}
	return &Hasher{
		params:    p,
		wait:      wait,
		slots:     make(chan struct{}, workers),
		queue:     make(chan struct{}, queue),
		dummy:     password.PHC{Params: p, Salt: make([]byte, password.SaltLen), Key: make([]byte, password.KeyLen)},
		Derive:    argon2.IDKey,
		Refreshes: refreshActivity{began: time.Now()},
	}
}

// Hash returns the PHC string of a password with a new random salt. It returns password.ErrRefused, auth.ErrBusy, or the context's
// error.
func (h *Hasher) Hash(ctx context.Context, typed string) (string, error) {
	prepared, err := password.Prepare(typed)
	if err != nil {
		return "", err
	}
	p := password.PHC{Params: h.params, Salt: make([]byte, password.SaltLen)}
	_, _ = rand.Read(p.Salt) // never fails: crypto/rand ends the program instead
	if p.Key, err = h.run(ctx, prepared, p, password.KeyLen); err != nil {
		return "", err
	}
	return p.String(), nil
}

// Verify reports whether typed is the password of phc. stale says that it is, and that phc has weaker parameters than today's: the
// caller should store a new hash while it knows the password. Verify returns password.ErrMalformed for a malformed phc, but only
// after the time of a hash, so that the account does not stand out by its speed. It can also return auth.ErrBusy or the context's
// error. An account without a password has password.None, which no password matches.
func (h *Hasher) Verify(ctx context.Context, phc, typed string) (ok, stale bool, err error) {
	if text, imported := foreign.Imported(phc); imported {
		return h.verifyForeign(ctx, text, typed)
	}
	if phc == password.None {
		return false, false, h.VerifyUnknown(ctx, typed)
	}
	stored, parseErr := password.Parse(phc)
	if parseErr != nil {
		stored = h.dummy
	}
	ok, err = h.matches(ctx, stored, typed)
	switch {
	case err != nil:
		return false, false, err
	case parseErr != nil:
		return false, false, parseErr
	}
	return ok, ok && stored.Below(h.params), nil
}

// VerifyUnknown takes the time of a failing Verify, for an address without an account, so that response times do not reveal which
// addresses have accounts. It returns auth.ErrBusy or the context's error.
func (h *Hasher) VerifyUnknown(ctx context.Context, typed string) error {
	_, err := h.matches(ctx, h.dummy, typed)
	return err
}

func (h *Hasher) matches(ctx context.Context, stored password.PHC, typed string) (bool, error) {
	prepared, refused := password.Prepare(typed)
	key, err := h.run(ctx, prepared, stored, uint32(len(stored.Key)))
	if err != nil {
		return false, err
	}
	same := subtle.ConstantTimeCompare(key, stored.Key) == 1
	return same && refused == nil, nil
}

// run derives a key once a slot is free. The derivation runs in the caller's goroutine and cannot be interrupted, so run holds the slot
// for as long as the derivation uses its memory.
func (h *Hasher) run(ctx context.Context, prepared string, p password.PHC, size uint32) ([]byte, error) {
	if err := h.acquire(ctx); err != nil {
		return nil, err
	}
	defer h.release()
	h.collect(p.MemoryKiB)
	return h.Derive([]byte(prepared), p.Salt, p.Time, p.MemoryKiB, p.Threads, size), nil
}

// collect runs the garbage collector before every third hash on two cores, and before every second one while apps refresh. Until then the
// memory of finished hashes cannot be used again. With more cores it waits for more hashes, as far as the program's memory limit allows.
// Go itself would collect much later. A memory limit that makes Go collect sooner also makes it return memory to the system, only to take
// it back for the next hash; on two cores that costs as much as half a hash. No other call of run begins a hash during the collection:
// that hash would not find the memory that is about to become free, and would take more.
func (h *Hasher) collect(kib uint32) {
	h.garbage.Lock()
	defer h.garbage.Unlock()
	atOnce := cap(h.slots)
	if h.Refreshes.reserved.Load() {
		atOnce--
	}
	if h.garbage.kib >= (atOnce/2+2)*int(password.DefaultParams.MemoryKiB) {
		h.garbage.kib = 0
		runtime.GC()
	}
	h.garbage.kib += int(kib)
}

// Do runs work that costs about as much as a hash, in the place of one. Errors: ErrBusy, or the context's.
func (h *Hasher) Do(ctx context.Context, work func()) error {
	if err := h.acquire(ctx); err != nil {
		return err
	}
	defer h.release()
	work()
	return nil
}

// acquire takes a slot. A channel serves its waiting senders in order, so a caller that tries the short way first cannot overtake
// the queue.
func (h *Hasher) acquire(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case h.slots <- struct{}{}:
		h.counts.admitted.Add(1)
		return nil
	default:
	}
	select {
	case h.queue <- struct{}{}:
		defer func() { <-h.queue }()
	default:
		h.counts.refused.Add(1)
		return auth.ErrBusy
	}
	began := time.Now()
	defer func() { h.counts.waited.Add(int64(time.Since(began))) }()
	patience := time.NewTimer(h.wait)
	defer patience.Stop()
	select {
	case h.slots <- struct{}{}:
	case <-patience.C:
		h.counts.refused.Add(1)
		return auth.ErrBusy
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := ctx.Err(); err != nil { // both were ready, and select chose the slot
		<-h.slots
		return err
	}
	h.counts.admitted.Add(1)
	return nil
}

// HasherStats are the present state of a Hasher, and what it did since the process started.
type HasherStats struct {
	Slots    int // hashes that may run at a time
	Taken    int // slots that hash, or are kept free while apps refresh
	Waiting  int // callers in the queue
	Admitted int64
	Refused  int64         // because the queue was full, or the wait too long
	Waited   time.Duration // in the queue, of all callers together
}

// Stats returns the statistics, for metrics.
func (h *Hasher) Stats() HasherStats {
	return HasherStats{
		Slots: cap(h.slots), Taken: len(h.slots), Waiting: len(h.queue),
		Admitted: h.counts.admitted.Load(), Refused: h.counts.refused.Load(), Waited: time.Duration(h.counts.waited.Load()),
	}
}

// release frees a slot, or reserves it while apps refresh. The last slot is never reserved.
func (h *Hasher) release() {
	if cap(h.slots) < 2 || h.Refreshes.left() <= 0 || !h.Refreshes.reserved.CompareAndSwap(false, true) {
		<-h.slots
		return
	}
	h.reserve()
}

// reserve holds a slot until apps have not refreshed for refreshSpan.
func (h *Hasher) reserve() {
	if left := h.Refreshes.left(); left > 0 {
		time.AfterFunc(left, h.reserve)
		return
	}
	h.Refreshes.reserved.Store(false)
	<-h.slots
}
