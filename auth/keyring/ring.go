package keyring

import (
	"cmp"
	"slices"
	"time"
)

// Schedule says how long keys live. A zero or negative field takes its default.
type Schedule struct {
	// Every is how long a key signs; 30 days by default. Shorter than Lead, the
	// keys follow each other at Lead instead.
	Every time.Duration
	// Keep is how long a key stays published after its successor began to sign;
	// a day by default. It must not be shorter than the longest access token lives,
	// or tokens die with their key.
	Keep time.Duration
	// Lead is how long a key is published at least before it signs; an hour by
	// default. It must not be shorter than resource servers cache the key set. Only
	// the very first key signs at once, as there is nothing else to sign with.
	Lead time.Duration
	// Announce is how long a key is published at least before a forced rotation, or a change of algorithm, may make it sign;
	// Lead by default. It must not be shorter than the max-age of the key set.
	Announce time.Duration
}

func (s Schedule) withDefaults() Schedule {
	or := func(d *time.Duration, otherwise time.Duration) {
		if *d <= 0 {
			*d = otherwise
		}
	}
	or(&s.Every, 30*24*time.Hour)
	or(&s.Keep, 24*time.Hour)
	or(&s.Lead, time.Hour)
	or(&s.Announce, s.Lead)
	return s
}

// Ring is an immutable snapshot of the keys, safe for concurrent use. Every
// answer depends on the time that is asked about, none on when the ring was made.
type Ring struct {
	alg      string
	schedule Schedule
	keys     []*Key // by alg, then by turn: SignsFrom, then Seq
}

// New makes a ring that signs with alg. The keys may be of several algorithms:
// replicas that still run with another setting sign with theirs, and tokens outlive
// a change of it. The slice is not kept.
func New(alg string, keys []*Key, s Schedule) *Ring {
	keys = slices.Clone(keys)
	slices.SortFunc(keys, func(a, b *Key) int {
		return cmp.Or(cmp.Compare(a.Alg, b.Alg), a.SignsFrom.Compare(b.SignsFrom), cmp.Compare(a.Seq, b.Seq))
	})
	return &Ring{alg: alg, schedule: s.withDefaults(), keys: keys}
}

// Signing returns the key to sign with at now: of the ring's algorithm the one
// whose turn began last (of two that began together, the greater Seq). Before the
// first turn it is the key that signed before the algorithm was changed or, without one,
// the first key all the same: a replica whose clock is behind the one that made the key
// must not make another. False when there is no key: see [Ring.Due].
func (r *Ring) Signing(now time.Time) (*Key, bool) {
	var first *Key
	for _, k := range slices.Backward(r.keys) {
		if k.Alg != r.alg {
			continue
		}
		if !k.SignsFrom.After(now) {
			return k, true
		}
		first = k
	}
	if k := r.former(now); k != nil {
		return k, true
	}
	return first, first != nil
}

// former is the key of another algorithm that verifiers know, for the time until they know the ring's own: the one whose turn
// began last, or the first of all before that. nil: there is none.
func (r *Ring) former(now time.Time) (former *Key) {
	for i, k := range r.keys {
		if k.Alg == r.alg || r.retired(i, now) {
			continue
		}
		begun, later := !k.SignsFrom.After(now), former != nil && k.SignsFrom.After(former.SignsFrom)
		if former == nil || begun && later || !later && former.SignsFrom.After(now) {
			former = k
		}
	}
	return former
}

// Next returns the key that signs after the present one, and from when on it may: by then every verifier that caches the
// key set has met it. False when there is none: see [Ring.Due].
func (r *Ring) Next(now time.Time) (next *Key, from time.Time, ok bool) {
	current, _ := r.Signing(now)
	for _, k := range r.keys {
		if k.Alg == r.alg && k != current && k.SignsFrom.After(now) {
			if from = k.CreatedAt.Add(r.schedule.Announce); from.After(k.SignsFrom) {
				from = k.SignsFrom
			}
			return k, from, true
		}
	}
	return nil, time.Time{}, false
}

// Find returns the published key of that id, for checking a token's signature.
func (r *Ring) Find(kid string, now time.Time) (*Key, bool) {
	for i, k := range r.keys {
		if k.ID == kid {
			return k, !r.retired(i, now)
		}
	}
	return nil, false
}

// Published returns the keys that are not retired, those whose turn is still to
// come included, in an order that depends on nothing but the keys.
func (r *Ring) Published(now time.Time) []*Key { return r.filter(now, false) }

// Retired returns the keys that verify nothing any more and can be deleted.
func (r *Ring) Retired(now time.Time) []*Key { return r.filter(now, true) }

func (r *Ring) filter(now time.Time, retired bool) []*Key {
	var keys []*Key
	for i, k := range r.keys {
		if r.retired(i, now) == retired {
			keys = append(keys, k)
		}
	}
	return keys
}

// retired: Keep has passed since a successor of the same algorithm took over. A
// key without a successor is never retired while the ring signs with its
// algorithm; otherwise Keep after its turn would have ended, for other replicas may
// be using it until then.
func (r *Ring) retired(i int, now time.Time) bool {
	k := r.keys[i]
	end := k.SignsFrom.Add(r.schedule.Every)
	if i+1 < len(r.keys) && r.keys[i+1].Alg == k.Alg {
		end = r.keys[i+1].SignsFrom
	} else if k.Alg == r.alg {
		return false
	}
	return !end.Add(r.schedule.Keep).After(now)
}

// Due says which key must be generated at now so that there is a key to sign with
// and a next one published ahead of its turn. One at a time: callers add the key and
// ask again until none is due. Replicas that see the same keys get the same seq.
//
//   - no key at all: one that signs from now;
//   - only keys of another algorithm: one that signs when it has been published for Announce;
//   - no next key: one that signs when the newest has had its time, but not before
//     it has been published for Lead.
func (r *Ring) Due(now time.Time) (seq int64, signsFrom time.Time, due bool) {
	var newest *Key
	for _, k := range r.keys {
		if k.Alg == r.alg {
			newest, seq = k, max(seq, k.Seq)
		}
	}
	seq++
	if newest == nil && r.former(now) != nil {
		return seq, now.Add(r.schedule.Announce), true
	}
	if newest == nil {
		return seq, now, true
	}
	if newest.SignsFrom.After(now) {
		return 0, time.Time{}, false
	}
	signsFrom = newest.SignsFrom.Add(r.schedule.Every)
	if earliest := now.Add(r.schedule.Lead); signsFrom.Before(earliest) {
		signsFrom = earliest
	}
	return seq, signsFrom, true
}

// JWKS returns the published keys at now as a JSON Web Key Set (RFC 7517 section
// 5): public members only, and the same bytes for the same keys.
func (r *Ring) JWKS(now time.Time) []byte { return keySet(r.Published(now)) }
