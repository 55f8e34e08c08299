package token

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"latchkey/auth"
	"latchkey/auth/statuslist"
	"latchkey/models"
)

// The status lists (draft-ietf-oauth-status-list) tell resource servers which access tokens are of revoked devices.
// A device holds a place, drawn at random, so that places do not count users; its bit is set when it is revoked.
const (
	statusListSize  = 1 << 20     // places in a list
	StatusReadEvery = time.Second // how soon a revocation elsewhere is published here
	// statusOverlap is how far behind its last look each look begins: a revocation is dated when it begins, by its own
	// replica's clock, and seen when it commits, at most five seconds later.
	statusOverlap    = 15 * time.Second
	statusWholeEvery = 10 * time.Minute // then everything is read anew, and bits that are no longer needed go
	// StatusKeep is for how long a revoked device's bit stays set: longer than any access token may live.
	StatusKeep = 25 * time.Hour
	// statusCrowded tries without luck say that a list is so full that the next one is begun.
	statusCrowded = 8
)

// statusBoard is what this process knows of revoked devices.
type statusBoard struct {
	open            atomic.Int64 // the list in which new devices get their places
	reading         sync.Mutex   // held by the one that asks the database; guards the next two
	readAt, wholeAt time.Time

	mu    sync.RWMutex // guards lists
	lists []*statusList
}

type statusList struct {
	bits   statuslist.Bits
	signed *StatusList // nil: the bits changed since
}

// RevocationBound is the longest that an access token may be trusted after its device was revoked, by resource servers
// that read the status lists; without lists, the life of an access token.
func (s *Service) RevocationBound() time.Duration {
	if s.config.StatusTTL <= 0 {
		return s.config.AccessTTL
	}
	return min(s.config.StatusTTL+2*time.Second, s.config.AccessTTL)
}

// PickStatusIndex draws a place for a new device.
func (s *Service) PickStatusIndex(try int) int64 {
	list := s.status.open.Load()
	if try > 0 && try%statusCrowded == 0 {
		s.status.open.CompareAndSwap(list, list+1)
		list = s.status.open.Load()
	}
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return list*statusListSize + int64(binary.BigEndian.Uint64(b[:])%statusListSize)
}

// statusClaim is the status claim of a device's access token; nil when it has none.
func (s *Service) statusClaim(d models.Device) *statuslist.Status {
	if d.StatusIndex == nil || s.config.StatusTTL <= 0 {
		return nil
	}
	return &statuslist.Status{StatusList: statuslist.Reference{
		Index: int(*d.StatusIndex % statusListSize), URI: s.statusURI(*d.StatusIndex / statusListSize),
	}}
}

func (s *Service) statusURI(list int64) string {
	return s.config.StatusURL + strconv.FormatInt(list, 10)
}

// LoadStatus reads what was revoked since the last look. Run calls it every second.
func (s *Service) LoadStatus(ctx context.Context) error {
	if s.config.StatusTTL <= 0 {
		return nil
	}
	s.status.reading.Lock()
	defer s.status.reading.Unlock()
	return s.readStatus(ctx)
}

// readStatus is called with reading held.
func (s *Service) readStatus(ctx context.Context) error {
	b, now := &s.status, s.clock.Now()
	// After a clock was set back, what happened since the last look may be dated long before it.
	whole := !auth.Fresh(b.wholeAt, now, statusWholeEvery) || now.Before(b.readAt)
	since := b.readAt.Add(-statusOverlap)
	if whole {
		since = now.Add(-StatusKeep)
	}
	last, err := s.store.LastStatusIndex(ctx)
	if err != nil {
		return err
	}
	revoked, err := s.store.RevokedStatusIndexes(ctx, since)
	if err != nil {
		return err
	}
	b.note(last, revoked, whole)
	b.readAt = now
	if whole {
		b.wholeAt = now
	}
	return nil
}

// note sets the bits of revoked devices. With whole, every other bit is cleared.
func (b *statusBoard) note(last int64, revoked []int64, whole bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	newest := max(last, 0) / statusListSize
	for i := len(b.lists); i <= int(newest); i++ {
		b.lists = append(b.lists, &statusList{bits: statuslist.NewBits(statusListSize)})
	}
	for open := b.open.Load(); open < newest && !b.open.CompareAndSwap(open, newest); open = b.open.Load() {
	}
	fresh := map[int64]statuslist.Bits{}
	for _, index := range revoked {
		list, place := index/statusListSize, int(index%statusListSize)
		if list > newest {
			continue // taken after last was read: the next look begins before it
		}
		if !whole {
			if l := b.lists[list]; !l.bits.Get(place) {
				l.bits.Set(place)
				l.signed = nil
			}
			continue
		}
		if fresh[list] == nil {
			fresh[list] = statuslist.NewBits(statusListSize)
		}
		fresh[list].Set(place)
	}
	if !whole {
		return
	}
	for i, l := range b.lists {
		bits := fresh[int64(i)]
		if bits == nil {
			bits = statuslist.NewBits(statusListSize)
		}
		if string(bits) != string(l.bits) {
			l.bits, l.signed = bits, nil
		}
	}
}
