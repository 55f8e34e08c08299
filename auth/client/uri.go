package client

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"latchkey/auth/origin"
)

// MaxURI is the length of a client's longest URI or origin, in bytes.
const MaxURI = 1024

// Two programs that read one URI must see the same: who is sent where is decided here, and carried out by a browser. So a URI has one
// spelling, at registration and when an app presents it. Everything that browsers repair or ignore is refused.

// uri is a URI without fragment and user, in its only spelling.
type uri struct {
	scheme       string
	hasAuthority bool   // there are two slashes: host and port follow, which may be empty
	host         string // with the brackets of an IPv6 address
	port         string
	rest         string // path and query
}

var (
	uriScheme     = regexp.MustCompile(`^[a-z][a-z0-9+.-]*$`)
	privateScheme = regexp.MustCompile(`^[a-z][a-z0-9-]*(\.[a-z0-9-]+)+$`)
	hostName      = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$`)
	privateHost   = regexp.MustCompile(`^[a-z0-9._-]*$`)
	lastNumber    = regexp.MustCompile(`(^|\.)([0-9]+|0x[0-9a-f]*)$`)
)

// parseURI reads a URI, or returns what is wrong with it.
func parseURI(text string) (u uri, problem string) {
	if problem := problemWithCharacters(text); problem != "" {
		return u, problem
	}
	var ok bool
	if u.scheme, u.rest, ok = strings.Cut(text, ":"); !ok || !uriScheme.MatchString(u.scheme) {
		return u, "does not begin with a scheme in small letters, such as https:"
	}
	var authority string
	if authority, u.hasAuthority = strings.CutPrefix(u.rest, "//"); u.hasAuthority {
		end := strings.IndexAny(authority, "/?")
		if end < 0 {
			end = len(authority)
		}
		authority, u.rest = authority[:end], authority[end:]
		if problem := u.readAuthority(authority); problem != "" {
			return u, problem
		}
	}
	return u, problemWithPath(u.rest)
}

// problemWithCharacters returns which characters of a URI RFC 3986 has no place for, or are no good here.
func problemWithCharacters(text string) string {
	switch {
	case text == "":
		return "is empty"
	case len(text) > MaxURI:
		return fmt.Sprintf("is longer than %d characters", MaxURI)
	case strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c >= 0x7f }):
		return "contains a space, a control character or one that is not ASCII"
	case strings.Contains(text, "#"):
		return "has a fragment (#)"
	case strings.Contains(text, "*"):
		return "has a wildcard (*): name each address"
	case strings.ContainsAny(text, "\\\"<>^`{|}"):
		return "contains a character that no URI has"
	}
	for i := 0; i < len(text); i++ {
		if text[i] != '%' {
			continue
		}
		if i+3 > len(text) {
			return "has a bad percent encoding"
		}
		c, err := strconv.ParseUint(text[i+1:i+3], 16, 8)
		switch {
		case err != nil:
			return "has a bad percent encoding"
		case c < ' ' || c == 0x7f:
			return "contains an encoded control character"
		case c == '-' || c == '.' || c == '_' || c == '~' || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z':
			return fmt.Sprintf("encodes %q, which must stand for itself", rune(c)) // RFC 3986 §6.2.2.2
		}
	}
	return ""
}

func (u *uri) readAuthority(authority string) (problem string) {
	if strings.Contains(authority, "@") {
		return "contains a user name or password (@)"
	}
	u.host = authority
	if i := strings.LastIndexByte(authority, ':'); i > strings.LastIndexByte(authority, ']') {
		u.host, u.port = authority[:i], authority[i+1:]
		n, err := strconv.ParseUint(u.port, 10, 16)
		if err != nil || n == 0 || strconv.FormatUint(n, 10) != u.port {
			return "has a port that is not a number from 1 to 65535"
		}
	}
	return ""
}

// problemWithPath finds what browsers and servers rewrite in a path: dot segments, and encoded separators.
func problemWithPath(rest string) string {
	path, _, _ := strings.Cut(rest, "?")
	for segment := range strings.SplitSeq(path, "/") {
		if segment, _, _ = strings.Cut(segment, ";"); segment == "." || segment == ".." {
			return "has a dot segment (/./ or /../)"
		}
	}
	for _, encoded := range []string{"%2f", "%5c", "%25"} {
		if strings.Contains(strings.ToLower(path), encoded) {
			return "has an encoded slash, backslash or percent sign in its path"
		}
	}
	return ""
}

// problemWithWeb checks the host of an http or https URI: its name as browsers look it up, its address as they write it (RFC 5952).
func (u *uri) problemWithWeb() string {
	name := strings.TrimSuffix(strings.TrimPrefix(u.host, "["), "]")
	normal := origin.Host(name)
	switch {
	case !u.hasAuthority || u.host == "":
		return "names no host"
	case strings.ContainsAny(u.host, "[]"):
		if u.host != "["+normal+"]" || !strings.Contains(name, ":") || !isAddress(name) {
			return "has a host that is not an IPv6 address in its shortest form"
		}
	case normal != u.host || !hostName.MatchString(u.host) || lastNumber.MatchString(u.host) && !isAddress(u.host):
		return "has a host that is not a name in small ASCII letters or a plain address"
	}
	if u.scheme == "https" && u.port == "443" || u.scheme == "http" && u.port == "80" {
		return "names the port that its scheme has anyway: leave it out"
	}
	return ""
}

// loopback reports whether the URI leads to the device itself by its address (RFC 8252 §7.3). localhost does not count: it is a name that
// a device may look up elsewhere, and an app that listens under it may listen on more than the loopback interface (§8.3).
func (u *uri) loopback() bool {
	return u.scheme == "http" && (u.host == "127.0.0.1" || u.host == "[::1]")
}

// problemWithRedirect checks an address to which browsers go with an answer of ours (RFC 6749 §3.1.2, RFC 8252 §7): https, a scheme
// of the app's own with a dot in it, or http on a loopback address.
func problemWithRedirect(text string) string {
	u, problem := parseURI(text)
	switch {
	case problem != "":
		return problem
	case u.scheme == "https", u.loopback():
		return u.problemWithWeb()
	case u.scheme == "http" && (u.host == "localhost" || strings.HasSuffix(u.host, ".localhost")):
		return "names localhost, which may be another machine: use http://127.0.0.1 (RFC 8252, section 8.3)"
	case u.scheme == "http":
		return "must be https: http is for 127.0.0.1 and [::1] only"
	case !privateScheme.MatchString(u.scheme):
		return "must be https, a scheme with a dot such as com.example.app:/callback, or http://127.0.0.1"
	case !strings.HasPrefix(u.rest, "/") && u.host == "":
		return "needs a slash behind its scheme, such as com.example.app:/callback"
	case !privateHost.MatchString(u.host) || u.port != "":
		return "has characters behind // that are not small letters, digits, dots and hyphens"
	}
	return ""
}

// ProblemWithCallback returns why this server cannot send requests to a URL of the operator's, such as logout tokens (OpenID Connect Back-Channel Logout
// §2.2), or "". It says what the URL does wrong: "must be https", for example.
func ProblemWithCallback(text string) string {
	u, problem := parseURI(text)
	switch {
	case problem != "":
		return problem
	case u.scheme != "https" && !u.loopback():
		return "must be https: http is for 127.0.0.1 and [::1] only"
	}
	return u.problemWithWeb()
}

// notOfApps are schemes whose origins are not those of one app, or none at all.
var notOfApps = []string{"about", "blob", "data", "file", "filesystem", "ftp", "javascript", "null", "ws", "wss"}

// problemWithOrigin checks an origin as the browsers of an app send it (RFC 6454 §6.2): of https, of a scheme under which apps
// serve their own pages (capacitor://localhost, app://.), or of http on this machine, for development.
func problemWithOrigin(text string) string {
	u, problem := parseURI(text)
	switch {
	case problem != "":
		return problem
	case !u.hasAuthority || u.host == "" || slices.Contains(notOfApps, u.scheme):
		return "is not an origin, such as https://app.example.com, capacitor://localhost or app://."
	case u.rest != "":
		return "has something behind its host: an origin ends there, without a slash"
	case u.scheme == "https":
		return u.problemWithWeb()
	case u.scheme == "http":
		if !u.loopback() && u.host != "localhost" && !strings.HasSuffix(u.host, ".localhost") {
			return "must be https: http is for localhost, 127.0.0.1 and [::1] only"
		}
		return u.problemWithWeb()
	case !privateHost.MatchString(u.host) || u.port != "":
		return "has a host that is not small letters, digits, dots and hyphens"
	}
	return ""
}

// matchesRedirect reports whether a presented URI is one of those registered: exactly (RFC 9700 §2.1), but for the port of a loopback
// address, which the app's system chooses (RFC 8252 §7.3).
func matchesRedirect(registered []string, presented string) bool {
	if problemWithRedirect(presented) != "" {
		return false
	}
	return slices.Contains(registered, presented) || slices.ContainsFunc(registered, func(r string) bool {
		one, ofOne := anyPort(r)
		other, ofOther := anyPort(presented)
		return ofOne && ofOther && one == other
	})
}

// anyPort is a loopback URI without its port.
func anyPort(text string) (string, bool) {
	u, problem := parseURI(text)
	return "http://" + u.host + u.rest, problem == "" && u.loopback()
}

func isAddress(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Zone() == ""
}
