package models_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"latchkey/models"
	"latchkey/models/modelstest"
)

func TestEveryAttemptIsCounted(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		const callers, each = 20, 5
		key := []byte("account")
		together(callers, func(int) {
			for range each {
				if _, err := s.IncrementCounters(t.Context(), [][]byte{key}, noon, noon.Add(-time.Hour)); err != nil {
					t.Error(err)
				}
			}
		})
		got, err := s.Counters(t.Context(), [][]byte{key}, noon)
		if err != nil || len(got) != 1 || got[0].Count != callers*each {
			t.Errorf("%d attempts: %+v %v", callers*each, got, err)
		}
	})
}

// Fifty callers, each with some of the keys in its own order.
func TestKeysInEveryOrderDoNotDeadlock(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		var keys [][]byte
		for i := range 8 {
			keys = append(keys, fmt.Appendf(nil, "key %d", i))
		}
		n := rounds(s, 10, 4)
		together(50, func(int) {
			for range n {
				mine := slices.Clone(keys)
				rand.Shuffle(len(mine), func(i, j int) { mine[i], mine[j] = mine[j], mine[i] })
				before := slices.Clone(mine)
				if _, err := s.IncrementCounters(t.Context(), mine[:6], noon, noon.Add(-time.Hour)); err != nil {
					t.Error(err)
				}
				if !slices.EqualFunc(mine, before, slices.Equal) {
					t.Error("the caller's keys were put in another order")
				}
			}
		})
		got, err := s.Counters(t.Context(), keys, noon)
		var sum int64
		for _, a := range got {
			sum += a.Count
		}
		if err != nil || sum != int64(50*n*6) {
			t.Errorf("counted %d of %d, %v", sum, 50*n*6, err)
		}
	})
}

func TestAWindowBeginsAnewWhenItIsOver(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		const long, us = 15 * time.Minute, time.Microsecond
		zone := time.FixedZone("", 9*3600)
		key := [][]byte{{0, 1, 0xff, '?'}}
		for _, c := range []struct {
			name  string
			at    time.Time
			count int64
			began time.Time
		}{
			{"the first", noon, 1, noon},
			{"at once", noon, 2, noon},
			{"a microsecond before the window is over", noon.Add(long - us).In(zone), 3, noon},
			{"as it is over", noon.Add(long).In(zone), 1, noon.Add(long)},
			{"within the next one", noon.Add(long + us), 2, noon.Add(long)},
			{"long after", noon.Add(10 * long), 1, noon.Add(10 * long)},
		} {
			got, err := s.IncrementCounters(t.Context(), key, c.at, c.at.Add(-long))
			if err != nil || len(got) != 1 || got[0].Count != c.count || !got[0].WindowStart.Equal(c.began) || string(got[0].Key) != string(key[0]) {
				t.Errorf("%s: %+v %v, want %d since %v", c.name, got, err, c.count, c.began)
			}
		}
		for at, want := range map[time.Time]int{noon.Add(11*long - us).In(zone): 1, noon.Add(11 * long).In(zone): 0} {
			if got, err := s.Counters(t.Context(), key, at); err != nil || len(got) != want {
				t.Errorf("attempts at %v: %+v %v", at, got, err)
			}
		}
	})
}

func TestSetsOfKeysThatAreUnusual(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		for name, c := range map[string]struct {
			keys [][]byte
			want int
		}{
			"none": {nil, 0}, "one twice": {[][]byte{{1}, {2}, {1}}, 2},
		} {
			got, err := s.IncrementCounters(t.Context(), c.keys, noon, noon.Add(-time.Hour))
			if err != nil || len(got) != c.want {
				t.Errorf("count %s: %+v %v", name, got, err)
			}
			for _, a := range got {
				if a.Count != 1 {
					t.Errorf("count %s: %+v", name, a)
				}
			}
			if got, err := s.Counters(t.Context(), c.keys, noon); err != nil || len(got) != c.want {
				t.Errorf("read %s: %+v %v", name, got, err)
			}
		}
	})
}

func TestAPlaceIsKnownUntilItIsNot(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u, stranger := addUser(t, s), addUser(t, s)
		n := signIn(u.ID, models.KindApp, "phone", noon)
		n.KnownOrigins = [][]byte{[]byte("network"), []byte("browser")}
		add(t, s, n)
		known := func(user models.User, since time.Time, places ...string) bool {
			t.Helper()
			var list [][]byte
			for _, p := range places {
				list = append(list, []byte(p))
			}
			ok, err := s.KnownOrigin(t.Context(), user.ID, list, since)
			if err != nil {
				t.Fatal(err)
			}
			return ok
		}
		before, zone := noon.Add(-time.Microsecond), time.FixedZone("", -7*3600)
		for name, c := range map[string]struct{ got, want bool }{
			"one of the two":               {known(u, before, "elsewhere", "browser"), true},
			"since a microsecond before":   {known(u, before.In(zone), "network"), true},
			"since exactly then":           {known(u, noon.In(zone), "network"), false},
			"nowhere":                      {known(u, before), false},
			"elsewhere":                    {known(u, before, "elsewhere"), false},
			"the other account's doorstep": {known(stranger, before, "network"), false},
		} {
			if c.got != c.want {
				t.Errorf("%s: known %v, want %v", name, c.got, c.want)
			}
		}
		n = signIn(u.ID, models.KindApp, "phone", noon.Add(time.Hour))
		n.KnownOrigins = [][]byte{[]byte("network")}
		add(t, s, n)
		if !known(u, noon, "network") || known(u, noon, "browser") {
			t.Error("the later sign-in renewed the wrong place")
		}
	})
}
