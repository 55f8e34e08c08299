package tally

import (
	"slices"
	"sync"
	"testing"
)

func TestATallyCountsUnderItsKeysAlone(t *testing.T) {
	type key struct{ method, result string }
	one, two := key{"password", "wrong"}, key{"password", "succeeded"}
	counts := New(one, two)
	var adding sync.WaitGroup
	for range 50 {
		adding.Go(func() { counts.Add(two, 2) })
	}
	adding.Wait()
	var keys []key
	var values []int64
	for k, n := range counts.All() {
		keys, values = append(keys, k), append(values, n)
	}
	if !slices.Equal(keys, []key{one, two}) || !slices.Equal(values, []int64{0, 100}) {
		t.Errorf("All yields %v with %v", keys, values)
	}
	if counts.Count(two) != 100 || counts.Count(key{}) != 0 {
		t.Errorf("Count = %d, and %d of an unknown key", counts.Count(two), counts.Count(key{}))
	}
	defer func() {
		if recover() == nil {
			t.Error("an unknown key was counted")
		}
	}()
	counts.Add(key{"passkey", "wrong"}, 1)
}
