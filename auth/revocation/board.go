package revocation

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"latchkey/auth"
	"latchkey/auth/statuslist"
	"latchkey/models"
)

// The status lists (draft-ietf-oauth-status-list) tell resource servers whose access tokens are revoked. A device gets a random
// index in a list, so that indexes do not count users. Its bit is set when the device is revoked.
const (
	listSize  = 1 << 20     // entries in a list
	ReadEvery = time.Second // how soon this process publishes a revocation by another one
	// overlap is how far each read reaches back before the last one. A revocation is dated by its own replica's clock when it
	// begins, and becomes visible when it commits, at most five seconds later.
	overlap    = 15 * time.Second
	wholeEvery = 10 * time.Minute // how often everything is read again, to clear bits that are no longer needed
	// Keep is how long a revoked device's bit stays set: longer than any access token can live.
	Keep = 25 * time.Hour
	// crowded is how many taken places in a row mean that the list is nearly full, and the next one is begun.
	crowded = 8
)

// board is what this process knows of revoked devices.
type board struct {
	open            atomic.Int64 // the list in which new devices get their entries
	reading         sync.Mutex   // held while the database is read; guards the next four
	readAt, wholeAt time.Time
	agedAt          time.Time    // when young bits last became older ones
	youngAt         time.Time    // when a young bit was last set
	publishedAt     atomic.Int64 // readAt in seconds since 1970, for readers that must not wait
	readingAll      atomic.Bool  // a whole read is going on
	notedAt         atomic.Int64 // when the lists were last complete, in microseconds since 1970: during a whole read, later than readAt

	mu    sync.RWMutex // guards lists
	lists []*list
}

type list struct {
	bits         statuslist.Bits
	young, older statuslist.Bits // set while access tokens of their devices could live: kept, whatever the database says later
	signed       *List           // nil if the bits changed since
}

func newList() *list {
	return &list{
		bits: statuslist.NewBits(listSize), young: statuslist.NewBits(listSize), older: statuslist.NewBits(listSize),
	}
}

// Bound returns how long an access token can still be accepted after its device was revoked, by resource servers that
// read the status lists. Without status lists it is the life of an access token.
func (s *Service) Bound() time.Duration {
	if s.config.TTL <= 0 {
		return s.config.AccessTTL
	}
	return min(s.config.TTL+2*time.Second, s.config.AccessTTL)
}

// PickIndex returns a random status index for a new device. try counts the indexes that turned out to be taken.
func (s *Service) PickIndex(try int) int64 {
	for range crowded {
		if index := s.randomIndex(try); !s.board.has(index) { // else of a device that the database may have lost in a failover
			return index
		}
	}
	return s.randomIndex(try)
}

func (s *Service) randomIndex(try int) int64 {
	open := s.board.open.Load()
	if try > 0 && try%crowded == 0 {
		s.board.open.CompareAndSwap(open, open+1)
		open = s.board.open.Load()
	}
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return open*listSize + int64(binary.BigEndian.Uint64(b[:])%listSize)
}

// Claim returns the status claim for a device's access tokens, or nil if it has none.
func (s *Service) Claim(d models.Device) *statuslist.Status {
	if d.StatusIndex == nil || s.config.TTL <= 0 {
		return nil
	}
	return &statuslist.Status{StatusList: statuslist.Reference{
		Index: int(*d.StatusIndex % listSize), URI: s.uri(*d.StatusIndex / listSize),
	}}
}

func (s *Service) uri(list int64) string {
	return s.config.URL + strconv.FormatInt(list, 10)
}

// Load reads the revocations since the last read. operator.Service.Run calls it every second.
func (s *Service) Load(ctx context.Context) error {
	if s.config.TTL <= 0 {
		return nil
	}
	s.board.reading.Lock()
	defer s.board.reading.Unlock()
	return s.read(ctx)
}

// read is Load for a caller that holds reading.
func (s *Service) read(ctx context.Context) error {
	b, now := &s.board, s.clock.Now()
	// After the clock was set back, revocations since the last read may be dated long before it.
	whole := !auth.Fresh(b.wholeAt, now, wholeEvery) || now.Before(b.readAt)
	since := b.readAt.Add(-overlap)
	if whole {
		since = now.Add(-Keep)
	}
	last, err := s.store.LastStatusIndex(ctx)
	if err != nil {
		return err
	}
	keep := s.config.AccessTTL + time.Minute // longer than an access token can live
	current := !b.wholeAt.IsZero() && auth.Fresh(b.readAt, now, overlap)
	var revoked found
	if whole {
		b.readingAll.Store(true)
		defer b.readingAll.Store(false)
		revoked, err = s.findWhole(ctx, since, now.Add(-keep), func() error {
			at, from := s.clock.Now(), now.Add(-overlap)
			if current {
				from = b.readAt.Add(-overlap)
			}
			latest, err := s.find(ctx, from, now.Add(-keep))
			if err != nil {
				return err
			}
			if b.note(last, latest, false) {
				b.youngAt = now
			}
			if current { // otherwise the lists lack what the whole read brings
				b.notedAt.Store(at.UnixMicro())
			}
			return nil
		})
	} else {
		revoked, err = s.find(ctx, since, now.Add(-keep))
	}
	if err != nil {
		return err
	}
	if whole && !auth.Fresh(b.agedAt, now, keep) {
		b.age(auth.Fresh(b.youngAt, now, keep))
		b.agedAt = now
	}
	if b.note(last, revoked, whole) {
		b.youngAt = now
	}
	b.readAt = now
	b.publishedAt.Store(now.Unix())
	b.notedAt.Store(now.UnixMicro())
	if whole {
		b.wholeAt = now
	}
	return nil
}

// found is what a read brought, by the numbers of the lists: the bits of the revoked devices, and of the young ones among them.
type found struct{ all, young map[int64]statuslist.Bits }

// find reads the revocations after since. Those after young are young. It keeps one or two bits of each: after an incident they are very many.
func (s *Service) find(ctx context.Context, since, young time.Time) (found, error) {
	f := found{map[int64]statuslist.Bits{}, map[int64]statuslist.Bits{}}
	err := s.store.RevokedPlaces(ctx, since, func(d models.RevokedPlace) {
		set(f.all, d.Index)
		if d.RevokedAt.After(young) {
			set(f.young, d.Index)
		}
	})
	return f, err
}

func set(lists map[int64]statuslist.Bits, index int64) {
	list := index / listSize
	if lists[list] == nil {
		lists[list] = statuslist.NewBits(listSize)
	}
	lists[list].Set(int(index % listSize))
}

// findWhole is find for all revocations. After an incident they are so many that it takes seconds: it calls between every second, which publishes
// the latest ones.
func (s *Service) findWhole(ctx context.Context, since, young time.Time, between func() error) (f found, err error) {
	read := make(chan struct{})
	go func() {
		defer close(read)
		f, err = s.find(ctx, since, young)
	}()
	every := time.NewTicker(ReadEvery)
	defer every.Stop()
	var failed error
	for {
		select {
		case <-read:
			return f, errors.Join(err, failed)
		case <-every.C:
			failed = between()
		}
	}
}

// has reports whether an index has its bit set.
func (b *board) has(index int64) bool {
	b.mu.RLock()
	defer b.mu.RUnlock()
	list := index / listSize
	return list < int64(len(b.lists)) && b.lists[list].bits.Get(int(index%listSize))
}

// age makes the young bits the older ones, which the next call forgets. Without keep it forgets both at once.
func (b *board) age(keep bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range b.lists {
		l.young, l.older = statuslist.NewBits(listSize), l.young
		if !keep {
			l.older = statuslist.NewBits(listSize)
		}
	}
}

// note sets the bits of revoked devices. Those of young ones stay set until no access token of the device can live. If whole, it clears all
// others. It reports whether one is young.
func (b *board) note(last int64, f found, whole bool) (anyYoung bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	newest := max(last, 0) / listSize
	for i := len(b.lists); i <= int(newest); i++ {
		b.lists = append(b.lists, newList())
	}
	for open := b.open.Load(); open < newest && !b.open.CompareAndSwap(open, newest); open = b.open.Load() {
	}
	for i, l := range b.lists { // what is found of a list behind these was added after last was read: the next read covers it
		all, young := f.all[int64(i)], f.young[int64(i)]
		l.young.Add(young)
		anyYoung = anyYoung || young != nil
		var fresh statuslist.Bits
		switch {
		case whole:
			fresh = statuslist.NewBits(listSize)
			fresh.Add(l.young)
			fresh.Add(l.older)
		case all == nil:
			continue
		default:
			fresh = slices.Clone(l.bits)
		}
		fresh.Add(all)
		if string(fresh) != string(l.bits) {
			l.bits, l.signed = fresh, nil
		}
	}
	return anyYoung
}
