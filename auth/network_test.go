package auth

import (
	"net/netip"
	"testing"
)

func TestANetworkIsWhatOneSubscriberHolds(t *testing.T) {
	for name, c := range map[string]struct {
		one, other string
		same       bool
	}{
		"two addresses of a /64":                        {"2001:db8::1", "2001:db8::ffff:1", true},
		"two /64":                                       {"2001:db8:0:1::1", "2001:db8:0:2::1", false},
		"two IPv4 addresses":                            {"198.51.100.1", "198.51.100.2", false},
		"an IPv4 address in both forms":                 {"198.51.100.1", "::ffff:198.51.100.1", true},
		"two behind NAT64 (RFC 6052)":                   {"64:ff9b::198.51.100.1", "64:ff9b::203.0.113.1", false},
		"two behind a local NAT64 (RFC 8215)":           {"64:ff9b:1::198.51.100.1", "64:ff9b:1::203.0.113.1", false},
		"two translated without state (RFC 2765)":       {"::ffff:0:198.51.100.1", "::ffff:0:203.0.113.1", false},
		"two in the old compatible form (RFC 4291)":     {"::198.51.100.1", "::203.0.113.1", false},
		"two beside the prefixes, in one network still": {"64:ff9b:2::1", "64:ff9b:2::2", true},
	} {
		one, other := Caller{IP: netip.MustParseAddr(c.one)}.Network(), Caller{IP: netip.MustParseAddr(c.other)}.Network()
		if (one == other) != c.same {
			t.Errorf("%s: %s and %s", name, one, other)
		}
	}
}
