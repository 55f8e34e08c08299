package dpop

import (
	"cmp"
	"errors"
	"hash/maphash"
	"sync"
	"time"
)

// ErrCrowded says that a presenter sent too many proofs to remember them all; the same request may succeed within a minute.
var ErrCrowded = errors.New("too many DPoP proofs to remember")

// What is remembered of a proof is 8 bytes, and 12 for its presenter: 40 MB when full, 80 MB when every proof is another presenter's.
const (
	maxSeen = 1_000_000
	// One half of the memory is for presenters of many proofs, each of whom may take a tenth of what is free of it: 45,000 when it is
	// empty, less and less as others come. The other half is kept for all others, 200 proofs each: it takes 2,500 presenters together
	// to fill it, so a few cannot have somebody refused who has just come.
	smallShare = 200
	largeShare = 10 // one in so many

	turn       = time.Minute
	keepPlain  = MaxAge + maxFuture + time.Minute // longer than a proof is good by its iat
	keepNonced = nonceLife + time.Minute          // longer than any nonce is good
)

// Seen remembers proofs for longer than they could be replayed, in this process. The zero value is ready. It goes by the monotonic
// clock: setting the system's clock neither makes it forget nor keeps it from forgetting.
type Seen struct {
	mu    sync.Mutex
	seed  maphash.Seed
	began time.Time       // holds a monotonic reading
	turns map[int64]*seen // by when they are forgotten, in turns since began
	most  int             // proofs; 0: maxSeen
}

// seen are the proofs that are forgotten together.
type seen struct {
	proofs map[uint64]struct{} // 64 bits under a random seed: a mix-up refuses one proof, once in 10^13
	shares map[uint64]int32    // by presenter
}

// NewSeen is a memory of so many proofs; 0: a million.
func NewSeen(most int) *Seen { return &Seen{most: most} }

// Consume takes a proof the first time and returns ErrInvalid from then on (RFC 9449 §11.1). Call it last, when the rest
// of the request is known to be good: what strangers send is then not remembered. Presenters are told apart by what the
// server knows them by, best an account. It returns ErrCrowded past a presenter's share: then nothing is remembered, and nothing
// that was is forgotten.
func (s *Seen) Consume(p Proof, presenter string) error { return s.take(p, presenter, true, true) }

// Fresh says what Consume would say, and remembers nothing. It is for a request whose answer cannot be taken back: Fresh before, Add after.
func (s *Seen) Fresh(p Proof, presenter string) error { return s.take(p, presenter, true, false) }

// Add is Consume after Fresh. It takes no more note of shares, so requests that are under way together may go past one by their number.
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
