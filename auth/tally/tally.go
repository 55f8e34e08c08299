// Package tally counts what happens, under keys that are fixed beforehand. Package web/metrics shows the counts, so the packages of auth
// need not know any monitoring system.
package tally

import (
	"iter"
	"sync/atomic"
)

// Tally counts under each of its keys, from zero at the start of the process. It is safe for concurrent use.
type Tally[K comparable] struct {
	keys   []K
	counts map[K]*atomic.Int64 // never written after New
}

// New returns a tally with the given keys. Their number bounds the series of the metric that shows it.
func New[K comparable](keys ...K) *Tally[K] {
	t := &Tally[K]{keys: keys, counts: make(map[K]*atomic.Int64, len(keys))}
	for _, key := range keys {
		t.counts[key] = new(atomic.Int64)
	}
	return t
}

// Add counts n under a key. It panics if New did not get the key: a count that no one sees is a bug.
func (t *Tally[K]) Add(key K, n int64) { t.counts[key].Add(n) }

// Count returns the count under a key, or 0 if New did not get the key.
func (t *Tally[K]) Count(key K) int64 {
	if n, ok := t.counts[key]; ok {
		return n.Load()
	}
	return 0
}

// All yields every key with its count, zeros included, in the order of New.
func (t *Tally[K]) All() iter.Seq2[K, int64] {
	return func(yield func(K, int64) bool) {
		for _, key := range t.keys {
			if !yield(key, t.counts[key].Load()) {
				return
			}
		}
	}
}
