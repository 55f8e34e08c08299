package web

import (
	"net/http"
	"net/url"
	"strings"
)

// formAction lets the forms of a page lead to a URI of a client, which must be verified: browsers apply the form-action of the page also to
// the redirect that answers its form (Content Security Policy 3 §6.4.1). It names the origin of an http or https URI, and the scheme of a
// private-use one (RFC 8252 §7.1). No source expression can hold an IPv6 address, so that there it is the scheme alone, too.
func formAction(h http.Header, uri string) {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme == "" {
		return
	}
	source := u.Scheme + ":"
	if (u.Scheme == "https" || u.Scheme == "http") && !strings.HasPrefix(u.Host, "[") {
		source += "//" + u.Host
	}
	const own = "form-action 'self'"
	h.Set("Content-Security-Policy", strings.Replace(h.Get("Content-Security-Policy"), own, own+" "+source, 1))
}
