package auth

import (
	"net/netip"
	"slices"
)

// Caller describes the sender of a request, as far as the network tells.
type Caller struct {
	IP netip.Addr // of the caller, or of a proxy if the network is unknown
	// NetworkUnknown says that IP belongs to a proxy that did not say for whom it passed the request on. Such a caller has no
	// network: it shares none with any other caller, not even with another unknown one; no limit of a network applies to it, and no
	// account knows it by its network. It has no address to show either.
	NetworkUnknown bool
	UserAgent      string // made by CleanAgent
	Browser        string // the long-lived random mark in a browser's cookie; empty for apps
	JKT            string // thumbprint of the key that the request proved (RFC 9449); empty if it proved none
}

// Network returns the caller's NetworkOf, or "" if it is unknown.
func (c Caller) Network() string {
	if c.NetworkUnknown || !c.IP.IsValid() {
		return ""
	}
	return NetworkOf(c.IP)
}

// Address returns the IP address to show and store, or "" if it is unknown.
func (c Caller) Address() string {
	if c.NetworkUnknown || !c.IP.IsValid() {
		return ""
	}
	return c.IP.WithZone("").String() // a zone can be any text
}

// translated lists networks that hold an IPv6 address for each IPv4 address. A translator in front of a server without IPv4 writes
// its clients this way (RFC 6052 §2.1, RFC 8215; RFC 2765 and RFC 4291 §2.5.5.1 for ::/64).
var translated = []netip.Prefix{netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("::/64")}

const ipv6NetworkPrefix = 64

// NetworkOf returns the network that one subscriber commonly holds: an IPv4 address, also if it was translated to IPv6, or the /64
// of an IPv6 address.
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
