package auth

import (
	"net/netip"
	"slices"
)

// translated are networks in which each IPv4 address of the Internet has an IPv6 one: a translator in front of a server that
// has no IPv4 writes its clients so (RFC 6052 §2.1, RFC 8215; RFC 2765 and RFC 4291 §2.5.5.1 in ::/64).
var translated = []netip.Prefix{netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("::/64")}

const ipv6NetworkPrefix = 64

// NetworkOf is what one subscriber commonly holds: an IPv4 address, whether translated or not, or the /64 of an IPv6 one.
func NetworkOf(ip netip.Addr) string {
	ip = ip.Unmap()
	if !ip.IsValid() || ip.Is4() || slices.ContainsFunc(translated, func(p netip.Prefix) bool { return p.Contains(ip) }) {
		return ip.WithZone("").String()
	}
	prefix, err := ip.WithZone("").Prefix(ipv6NetworkPrefix)
	if err != nil {
		return ip.String()
	}
	return prefix.String()
}

// Caller is who sent a request, as far as the network tells.
type Caller struct {
	IP netip.Addr // shown to people; compared only when the network is known
	// NetworkUnknown says that IP is that of a proxy which did not tell whose request it passed on. Such a caller is from no
	// network: it equals no other, not even another unknown one, has no network's limit and is never known by its network.
	NetworkUnknown bool
	UserAgent      string // made by CleanAgent
	Browser        string // the long-lived random mark of a browser; empty for apps
	JKT            string // thumbprint of a key that was proven with the request (RFC 9449); empty without
}

// Network is what one subscriber commonly holds: an IPv4 address, or the /64 of an IPv6 one; "" when it is unknown.
func (c Caller) Network() string {
	if c.NetworkUnknown || !c.IP.IsValid() {
		return ""
	}
	return NetworkOf(c.IP)
}

// Address is what is shown and stored, "" when there is nothing to show.
func (c Caller) Address() string {
	if !c.IP.IsValid() {
		return ""
	}
	return c.IP.WithZone("").String() // a zone is any text
}
