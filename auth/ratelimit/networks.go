package ratelimit

import (
	"context"
	"net/netip"
	"time"

	"github.com/google/uuid"

	"latchkey/auth"
)

// NewNetworkFor is how long a network stays new to an account after its first sign-in from there. A thief's sign-in makes the network
// known, and the owner may look days later.
const NewNetworkFor = 7 * 24 * time.Hour

// Networks says how an account knows networks: by its known origins, and by the sign-ins of devices that are still signed in. The zero
// Networks says nothing of any.
type Networks struct {
	hash  func(network string) string
	here  string               // the reader's network; "": no one's
	first map[string]time.Time // by hash: when the account first signed in from there; zero: long ago
	since time.Time            // the account remembers nothing before
}

// Networks returns what an account knows, for a reader. It says nothing to a reader whose network is unknown: behind a proxy that hides
// addresses, every address may be the proxy's.
func (s *Service) Networks(ctx context.Context, user uuid.UUID, reader auth.Caller) (Networks, error) {
	n := Networks{here: reader.Network(), first: map[string]time.Time{}}
	if n.here == "" {
		return Networks{}, nil
	}
	n.hash = func(network string) string { return string(s.KeyedHash("place network", network)) }
	list, err := s.store.Origins(ctx, user)
	for i, o := range list {
		var at time.Time
		if o.FirstAt != nil {
			at = *o.FirstAt
		}
		origin := string(o.Place)
		if origin == "" {
			origin = n.hash(networkOf(o.CreatedIP))
		}
		if first, known := n.first[origin]; !known || at.Before(first) {
			n.first[origin] = at
		}
		if i == 0 || at.Before(n.since) {
			n.since = at
		}
	}
	if forgotten := s.clock.Now().Add(-KnownFor); n.since.Before(forgotten) {
		n.since = forgotten
	}
	return n, err
}

// Elsewhere is n for a reader who is not the account's owner: no network is the reader's own.
func (n Networks) Elsewhere() Networks {
	n.here = ""
	return n
}

// Same reports whether an address is in the reader's network.
func (n Networks) Same(address string) bool {
	network := networkOf(address)
	return network != "" && network == n.here
}

// New reports whether the network of an address was new to the account when the address was used: whether the account had known the
// network for less than NewNetworkFor, or not at all. The reader's own network is never new, and neither is one that was used before the
// account's memory begins: at its first sign-in, at a new password, which clears what it knows, or KnownFor ago.
func (n Networks) New(address string, at time.Time) bool {
	network := networkOf(address)
	if len(n.first) == 0 || network == "" || network == n.here || !at.After(n.since) {
		return false
	}
	first, known := n.first[n.hash(network)]
	if !known {
		return true
	}
	return first.After(n.since) && at.Sub(first) < NewNetworkFor
}

// networkOf is auth.NetworkOf for a stored address, or "" if it is unknown.
func networkOf(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return ""
	}
	return auth.NetworkOf(ip)
}
