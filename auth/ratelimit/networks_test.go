package ratelimit

import (
	"testing"
	"time"
)

func TestANetworkIsNewForAWeek(t *testing.T) {
	const day = 24 * time.Hour
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	n := Networks{
		hash: func(network string) string { return network }, here: "203.0.113.7", since: now.Add(-30 * day),
		first: map[string]time.Time{"203.0.113.7": {}, "198.51.100.1": now.Add(-20 * day), "2001:db8::/64": now.Add(-2 * day), "192.0.2.1": now.Add(-40 * day)},
	}
	for name, c := range map[string]struct {
		n         Networks
		address   string
		ago       time.Duration
		same, new bool
	}{
		"the reader's own":                              {n, "203.0.113.7", 0, true, false},
		"unknown to the account":                        {n, "203.0.113.9", 0, false, true},
		"unknown, so long ago that it may be forgotten": {n, "203.0.113.9", 31 * day, false, false},
		"known for long":                                {n, "192.0.2.1", 0, false, false},
		"known for 20 days":                             {n, "198.51.100.1", 0, false, false},
		"the sign-in that made it known":                {n, "198.51.100.1", 20 * day, false, true},
		"6 days after that":                             {n, "198.51.100.1", 14 * day, false, true},
		"7 days after that":                             {n, "198.51.100.1", 13 * day, false, false},
		"another address of a known IPv6 network":       {n, "2001:db8::9", day, false, true},
		"no address":                                    {n, "", 0, false, false},
		"for support, the network of the staff":         {n.Elsewhere(), "203.0.113.7", 0, false, false},
		"an account that remembers nothing":             {Networks{hash: n.hash, here: n.here}, "203.0.113.9", 0, false, false},
		"a reader whose network is unknown":             {Networks{}, "203.0.113.9", 0, false, false},
	} {
		at := now.Add(-c.ago)
		if same, isNew := c.n.Same(c.address), c.n.New(c.address, at); same != c.same || isNew != c.new {
			t.Errorf("%s: same %v, new %v", name, same, isNew)
		}
	}
}
