// Package origin compares URLs by their normalised form. One server has many spellings (HTTPS://Bücher.example:443 and
// https://xn--bcher-kva.example, [::1] and [0:0:0:0:0:0:0:1]). Operators write one; browsers and clients send another. It is a
// package of its own because the server (web, auth, auth/dpop) and resource servers (auth/resource) both need it.
package origin

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// hosts maps names as browsers do before they look them up (UTS 46, RFC 5891 §5). It permits underscores, which internal networks
// use.
var hosts = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false))

// Of returns the scheme, host and port of a URL as browsers write them in the Origin header (RFC 6454 §6.1): in lower case, names
// in ASCII, IPv6 compressed (RFC 5952), without a default port.
func Of(u *url.URL) string {
	scheme, host := strings.ToLower(u.Scheme), Host(u.Hostname())
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port := u.Port(); port != "" && (scheme != "http" || port != "80") && (scheme != "https" || port != "443") {
		host += ":" + port
	}
	return scheme + "://" + host
}

// Parse reads the public origin of a server, as an operator writes it: http or https, a host, perhaps a port, and at most a slash.
func Parse(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" || strings.Trim(u.Path, "/") != "" ||
		strings.ContainsAny(text, "?#") || u.User != nil {
		return nil, errors.New("must be an origin like https://id.example.com, without a path or a user")
	}
	return u, nil
}

// Host returns the normalised form of a host name or an IP address, without port and brackets. It accepts all forms of IPv4
// addresses that browsers accept: 127.1, 0x7f000001 and 2130706433 are 127.0.0.1. It returns any other text in lower case.
func Host(name string) string {
	if strings.Contains(name, ":") {
		if ip, err := netip.ParseAddr(name); err == nil {
			if ip.Is4In6() { // browsers write these in hexadecimal too (WHATWG URL §3.5)
				b := ip.As16()
				return fmt.Sprintf("::ffff:%x:%x", binary.BigEndian.Uint16(b[12:]), binary.BigEndian.Uint16(b[14:]))
			}
			return ip.String()
		}
	}
	name = strings.ToLower(name)
	if strings.ContainsFunc(name, func(c rune) bool { return c >= 0x80 }) {
		ascii, err := hosts.ToASCII(name)
		if err != nil {
			return name
		}
		name = ascii
	}
	if ip, ok := ipv4(name); ok {
		return ip.String()
	}
	return name
}

// ipv4 parses an address as browsers do (WHATWG URL §3.5): up to four numbers, each decimal, octal after 0 or hexadecimal after 0x.
// The last one fills the remaining bytes.
func ipv4(name string) (ip netip.Addr, ok bool) {
	parts := strings.Split(strings.TrimSuffix(name, "."), ".")
	if len(parts) > 4 {
		return ip, false
	}
	var address uint64
	for i, part := range parts {
		n, ok := number(part)
		room := uint(8)
		if i == len(parts)-1 {
			room = 8 * uint(5-len(parts))
		}
		if !ok || n>>room != 0 {
			return ip, false
		}
		address = address<<room | n
	}
	return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, uint32(address)))), true
}

func number(s string) (n uint64, ok bool) {
	base := 10
	switch digits, hexadecimal := strings.CutPrefix(s, "0x"); {
	case hexadecimal && digits == "":
		return 0, true
	case hexadecimal:
		s, base = digits, 16
	case len(s) > 1 && s[0] == '0':
		base = 8
	}
	n, err := strconv.ParseUint(s, base, 64)
	return n, err == nil
}

// Same reports whether two identifiers are equal: exactly, or as http or https URLs with the same origin and exactly the same rest.
// An issuer with a slash at its end is a different one (RFC 8414 §3.3). Other identifiers have one spelling only.
func Same(a, b string) bool {
	if a == b {
		return true
	}
	x, rest, ok := split(a)
	if !ok {
		return false
	}
	y, other, ok := split(b)
	return ok && rest == other && Of(x) == Of(y)
}

func split(text string) (u *url.URL, rest string, ok bool) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || !strings.EqualFold(u.Scheme, "https") && !strings.EqualFold(u.Scheme, "http") {
		return nil, "", false
	}
	rest = u.EscapedPath()
	if u.RawQuery != "" || u.ForceQuery {
		rest += "?" + u.RawQuery
	}
	if u.Fragment != "" {
		rest += "#" + u.EscapedFragment()
	}
	return u, rest, true
}
