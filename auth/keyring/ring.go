package keyring

import (
	"cmp"
	"slices"
	"time"
)

// Schedule says how long keys live. Fields that are zero or negative take their defaults.
type Schedule struct {
	// Every is how long a key signs; 30 days by default. If it is shorter than Lead, keys follow each other at Lead instead.
	Every time.Duration
	// Keep is how long a key stays published after its successor begins to sign; a day by default. It must be at least the longest
	// life of an access token, or tokens become invalid with their key.
	Keep time.Duration
	// Lead is how long a key is published before it signs, at least; an hour by default. It must be at least as long as resource
	// servers cache the key set. Only the very first key signs at once, because there is no other.
	Lead time.Duration
	// Announce is how long a key is published, at least, before a forced rotation or a change of algorithm makes it sign; Lead by
	// default. It must be at least the max-age of the key set.
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

// Ring is an immutable snapshot of the keys. It is safe for concurrent use. Its results depend on the time that is passed in, and
// not on when the ring was made.
type Ring struct {
	alg      string
	schedule Schedule
	keys     []*Key // by alg, then by turn: SignsFrom, then Seq
}

// New returns a ring that signs with alg. The keys may have several algorithms: replicas with another setting still sign with
// theirs, and tokens outlive a change of the setting. New does not keep the slice.
func New(alg string, keys []*Key, s Schedule) *Ring {
	keys = slices.Clone(keys)
	slices.SortFunc(keys, func(a, b *Key) int {
		return cmp.Or(cmp.Compare(a.Alg, b.Alg), a.SignsFrom.Compare(b.SignsFrom), cmp.Compare(a.Seq, b.Seq))
	})
	return &Ring{alg: alg, schedule: s.withDefaults(), keys: keys}
}

// Signing returns the key that signs at now: the one of the ring's algorithm whose turn began last or, if two began together, the
// one with the greater Seq. Before the first turn it is the key that signed before the algorithm changed or, without one, the first
// key all the same: a replica whose clock is slow must not make another key. It returns false if there is no key; see [Ring.Due].
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

// former returns the key of another algorithm that signs until verifiers know the ring's own: the one whose turn began last or,
// before all turns, the first. It returns nil for an empty ring.
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

// Next returns the key that signs after the present one, and the time from which it may: by then every verifier that caches the key
// set knows it. It returns false if there is no such key; see [Ring.Due].
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

// Find returns the published key with an id.
func (r *Ring) Find(kid string, now time.Time) (*Key, bool) {
	for i, k := range r.keys {
		if k.ID == kid {
			return k, !r.retired(i, now)
		}
	}
	return nil, false
}

// Published returns the keys that are not retired, including those whose turn is yet to come, in an order that depends on the keys
// only.
func (r *Ring) Published(now time.Time) []*Key { return r.filter(now, false) }

// Retired returns the keys that are no longer needed and can be deleted.
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

// retired reports whether Keep has passed since a successor of the same algorithm began to sign. A key without a successor is never
// retired while the ring signs with its algorithm. Otherwise it is retired Keep after its turn would have ended, because other
// replicas may use it until then.
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

// Due returns the key that must be generated at now, so that there is one to sign with and a next one that is published ahead of
// its turn. It returns one at a time: callers add the key and call Due again until due is false. Replicas that see the same keys
// get the same seq. The cases are:
//
//   - no key at all: one that signs from now;
//   - only keys of another algorithm: one that signs after it was published for Announce;
//   - no next key: one that signs when the newest has signed for Every, and has itself been published for Lead.
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

// JWKS returns the published keys at now as a JSON Web Key Set (RFC 7517 §5): public members only, and the same bytes for the same
// keys.
func (r *Ring) JWKS(now time.Time) []byte { return keySet(r.Published(now)) }
