package web

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"latchkey/auth"
)

// maxHops is how many entries of X-Forwarded-For are read, from the right. No honest chain is as long.
const maxHops = 64

// proxies are the networks whose X-Forwarded-For is believed.
type proxies []netip.Prefix

// parseProxies reads CIDRs. One in the IPv4-mapped form is taken as the IPv4 network that it means.
func parseProxies(cidrs []string) (proxies, error) {
	var list proxies
	for _, cidr := range cidrs {
		p, err := netip.ParsePrefix(cidr)
		if err != nil {
			return nil, fmt.Errorf("trusted proxies: %q is not a CIDR like 10.0.0.0/8", cidr)
		}
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		list = append(list, p.Masked())
	}
	return list, nil
}

func (p proxies) trust(ip netip.Addr) bool {
	return slices.ContainsFunc(p, func(prefix netip.Prefix) bool { return prefix.Contains(ip) })
}

// client tells who sent a request: the connection's peer or, when that is a trusted proxy, the rightmost address in
// X-Forwarded-For that is not one. When every hop is trusted, the leftmost is the client. An entry that names no address
// (RFC 7239's "unknown" and obfuscated identifiers, garbage) ends the walk, since what stands left of it was written by
// the stranger behind it: the peer is then all there is to show, and the client's network is unknown.
func (p proxies) client(remote string, forwarded []string) auth.Caller {
	peer, ok := parseHop(remote)
	if !ok {
		return auth.Caller{NetworkUnknown: true}
	}
	if !p.trust(peer) {
		return auth.Caller{IP: peer}
	}
	var leftmost netip.Addr
	hops := 0
	for _, line := range slices.Backward(forwarded) {
		for more := true; more; {
			var entry string
			line, entry, more = cutLast(line)
			if entry = strings.Trim(entry, " \t"); entry == "" {
				continue // RFC 9110 §5.6.1.2: empty elements are ignored
			}
			ip, ok := parseHop(entry)
			if hops++; !ok || hops > maxHops {
				return auth.Caller{IP: peer, NetworkUnknown: true}
			}
			if !p.trust(ip) {
				return auth.Caller{IP: ip}
			}
			leftmost = ip
		}
	}
	if !leftmost.IsValid() {
		return auth.Caller{IP: peer, NetworkUnknown: true}
	}
	return auth.Caller{IP: leftmost}
}

// cutLast splits a list at its last comma.
func cutLast(list string) (rest, last string, more bool) {
	i := strings.LastIndexByte(list, ',')
	if i < 0 {
		return "", list, false
	}
	return list[:i], list[i+1:], true
}

// parseHop reads an address as proxies write it: alone, with a port, an IPv6 one in brackets, any of them in quotes. The zone
// of a link-local address means nothing beyond the machine that wrote it, and is dropped.
func parseHop(s string) (ip netip.Addr, ok bool) {
	if len(s) > 128 {
		return ip, false
	}
	if n := len(s); n >= 2 && s[0] == '"' && s[n-1] == '"' {
		s = strings.Trim(s[1:n-1], " \t")
	}
	host := s
	if rest, bracket := strings.CutPrefix(s, "["); bracket {
		end := strings.IndexByte(rest, ']')
		if end < 0 || !isPort(rest[end+1:]) {
			return ip, false
		}
		if host = rest[:end]; !strings.Contains(host, ":") {
			return ip, false
		}
	} else if i := strings.LastIndexByte(s, ':'); i >= 0 && (i == strings.IndexByte(s, ':') || strings.Contains(s[:i], ".")) {
		// Behind an IPv4 address, also one written as IPv6, a colon begins a port.
		if host = s[:i]; !isPort(s[i:]) {
			return ip, false
		}
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return ip, false
	}
	ip = ip.WithZone("").Unmap()
	return ip, !ip.IsUnspecified() && !ip.IsMulticast()
}

// isPort takes nothing, or a colon and a port or an obfuscated one (RFC 7239 §6.3).
func isPort(s string) bool {
	if s == "" {
		return true
	}
	port := strings.TrimPrefix(s, ":")
	if port == s || port == "" {
		return false
	}
	if name, obfuscated := strings.CutPrefix(port, "_"); obfuscated {
		return name != ""
	}
	return len(port) <= 5 && strings.Trim(port, "0123456789") == ""
}
