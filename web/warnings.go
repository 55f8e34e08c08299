package web

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"latchkey/auth/origin"
)

// manyAddresses is the share of all public addresses from which on trusted proxies cannot all be the operator's own.
const manyAddresses = 0.25

// internet is what holds everybody's address: IPv4, the part of IPv6 that is given out, and IPv4 as translators write it (RFC 6052,
// RFC 8215).
var internet = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("2000::/3"), netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"),
}

// warnings tells of proxies that amount to everybody, however they are spelled.
func (p proxies) warnings() []string {
	for _, public := range internet {
		if p.share(public) >= manyAddresses {
			return []string{"LATCHKEY_TRUSTED_PROXIES trusts so much of the Internet that anybody may choose the IP address that they are limited and shown by: name the networks of your proxies only"}
		}
	}
	return nil
}

// share is how much of a network the proxies cover. Networks are either nested or apart, so those that lie in another are
// left out and the rest add up.
func (p proxies) share(of netip.Prefix) (share float64) {
	var counted proxies
	for _, prefix := range slices.SortedFunc(slices.Values(p), func(a, b netip.Prefix) int { return a.Bits() - b.Bits() }) {
		if !prefix.Overlaps(of) || slices.ContainsFunc(counted, prefix.Overlaps) {
			continue
		}
		counted = append(counted, prefix)
		part := 1.0
		for range prefix.Bits() - of.Bits() {
			part /= 2
		}
		share += part
	}
	return share
}

// baseURLWarnings tells of a public origin without TLS.
func baseURLWarnings(base *url.URL) []string {
	if base.Scheme != "http" || privateHost(base.Hostname()) {
		return nil
	}
	return []string{"LATCHKEY_BASE_URL is http:// and not on this machine or a private network: passwords, cookies and tokens can be read on their way; use https://"}
}

// privateHost tells whether a name or address is reached without crossing the Internet: this machine, private networks
// (RFC 1918, RFC 4193), the local link, and names that public DNS never has (RFC 6761, RFC 6762, RFC 8375).
func privateHost(host string) bool {
	host = strings.TrimSuffix(origin.Host(host), ".")
	if ip, err := netip.ParseAddr(host); err == nil {
		ip = ip.Unmap()
		return ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast()
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	if strings.Trim(last, "0123456789") == "" { // browsers take it for an IP address, but it is not one (WHATWG URL §3.5)
		return false
	}
	return last == host || slices.ContainsFunc([]string{".localhost", ".local", ".internal", ".home.arpa", ".test", ".lan"},
		func(private string) bool { return strings.HasSuffix(host, private) })
}
