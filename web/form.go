package web

import (
	"net/http"
	"net/url"
	"strings"

	"latchkey/web/wire"
)

// decodePage reads a form of the portal.
func decodePage(r *http.Request, wanted ...string) (wire.Params, error) {
	return wire.Decode(r, []string{wire.FormType}, wanted...)
}

// maxLocalPath is the longest path to go on to, in bytes: an authorization request may stand in it.
const maxLocalPath = 8 << 10

// localPath is a path to go on to after sign-in, or "" when it would lead to another site. Browsers read "//host",
// "/\host" and "/<tab>/host" as other sites.
func localPath(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.IsAbs() || u.Host != "" || u.User != nil || !strings.HasPrefix(s, "/") || strings.HasPrefix(s, "//") ||
		strings.ContainsAny(s, "\\") || strings.ContainsFunc(s, func(c rune) bool { return c < 0x20 || c == 0x7f }) || len(s) > maxLocalPath {
		return ""
	}
	return s
}
