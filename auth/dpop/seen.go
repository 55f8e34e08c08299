package dpop

import (
	"cmp"
	"errors"
	"hash/maphash"
	"sync"
	"time"
)

// ErrCrowded says that a presenter sent too many proofs to remember. The same request may succeed within a minute.
var ErrCrowded = errors.New("too many DPoP proofs to remember")

// A remembered proof takes 8 bytes, and its presenter 12: 40 MB when full, 80 MB when every proof has a presenter of its own.
const (
	maxSeen = 1_000_000
	// Half of the memory is for presenters of many proofs. Each may take a tenth of what is free in it: 45,000 proofs when it is
	// empty, and fewer as more come. The other half is for all other presenters, with 200 proofs each. It takes 2,500 presenters
	// together to fill it, so a few cannot keep out newcomers.
	smallShare = 200
	largeShare = 10 // one tenth

	turn       = time.Minute
	keepPlain  = MaxAge + maxFuture + time.Minute // longer than a proof is valid by its iat
	keepNonced = nonceLife + time.Minute          // longer than a nonce is valid
)

// Seen remembers the proofs of this process for longer than they could be replayed. The zero value is ready to use. It uses the
// monotonic clock, so setting the system's clock has no effect on it.
type Seen struct {
	mu    sync.Mutex
	seed  maphash.Seed
	began time.Time       // holds a monotonic reading
	turns map[int64]*seen // by the end of their time, in turns since began
	most  int             // number of proofs; 0: maxSeen
}

// seen are proofs that are forgotten together.
type seen struct {
	proofs map[uint64]struct{} // 64-bit hashes with a random seed: a collision refuses one valid proof in 10^13
	shares map[uint64]int32    // number of proofs by presenter
}

// NewSeen returns a memory for most proofs; 0 stands for a million.
func NewSeen(most int) *Seen { return &Seen{most: most} }

// Consume accepts a proof the first time, and returns ErrInvalid from then on (RFC 9449 §11.1). Call it last, after the rest of the
// request was checked, so that it does not remember what strangers send. A presenter is any name under which the server knows the
// client, preferably an account. Past a presenter's share Consume returns ErrCrowded; then it remembers nothing, and forgets
// nothing.
func (s *Seen) Consume(p Proof, presenter string) error { return s.take(p, presenter, true, true) }

// Fresh returns what Consume would return, and remembers nothing. Before an act that cannot be undone, call Fresh, and Add after
// it.
func (s *Seen) Fresh(p Proof, presenter string) error { return s.take(p, presenter, true, false) }

// Add is Consume after Fresh. It does not check shares, so simultaneous requests can exceed one by their number.
func (s *Seen) Add(p Proof, presenter string) error { return s.take(p, presenter, false, true) }

func (s *Seen) take(p Proof, presenter string, sharing, remember bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.turns == nil {
		s.began, s.seed, s.turns = time.Now(), maphash.MakeSeed(), map[int64]*seen{}
	}
	now := time.Since(s.began)
	proof, who := maphash.Comparable(s.seed, [2]string{p.JKT, p.ID}), maphash.String(s.seed, presenter)
	total, share := 0, 0
	for end, held := range s.turns {
		if time.Duration(end)*turn <= now {
			delete(s.turns, end)
			continue
		}
		if _, ok := held.proofs[proof]; ok {
			return invalid("jti was used before")
		}
		total += len(held.proofs)
		share += int(held.shares[who])
	}
	most := cmp.Or(s.most, maxSeen)
	if sharing && (total >= most || share >= max((most/2-total)/largeShare, smallShare)) {
		return ErrCrowded
	}
	if remember {
		s.add(proof, who, now, p.ByNonce)
	}
	return nil
}

func (s *Seen) add(proof, who uint64, now time.Duration, byNonce bool) {
	keep := keepPlain
	if byNonce {
		keep = keepNonced
	}
	end := int64((now+keep)/turn) + 1
	into := s.turns[end]
	if into == nil {
		into = &seen{map[uint64]struct{}{}, map[uint64]int32{}}
		s.turns[end] = into
	}
	into.proofs[proof] = struct{}{}
	into.shares[who]++
}
