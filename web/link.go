package web

import (
	"net/http"
	"time"

	"github.com/gorilla/sessions"

	"latchkey/auth"
)

// linkLife is how long a link that was opened waits for its answer in the browser.
const linkLife = 30 * time.Minute

// followLink takes a mailed link's secret out of the address, into a cookie of its page, so that it reaches neither
// the browser's history nor a Referer, and shows the page without it. Nothing is used up: programs look at every link
// in a mail. It tells whether it has answered.
func (s *Server) followLink(w http.ResponseWriter, r *http.Request, path string) (answered bool, err error) {
	w.Header().Set("Referrer-Policy", "no-referrer")
	query := r.URL.Query()
	if !query.Has("token") {
		return false, nil
	}
	if err := s.cookies.keepLink(w, r, path, query.Get("token")); err != nil {
		// Longer than a cookie: no link of ours.
		return true, &auth.Error{Kind: auth.KindDeadLink, Message: "It was not copied whole.", Cause: err}
	}
	return true, redirect(w, r, path)
}

// linkCookie names the cookie of a link's page. It has no __Host- prefix, which would forbid a path.
func (c *cookies) linkCookie() string {
	if c.links.Options.Secure {
		return "__Secure-latchkey-link"
	}
	return "latchkey-link"
}

func (c *cookies) keepLink(w http.ResponseWriter, r *http.Request, path, secret string) error {
	session := sessions.NewSession(c.links, c.linkCookie())
	options := *c.links.Options
	options.Path = path
	session.Options = &options
	session.Values[path] = secret
	return c.links.Save(r, w, session) //nolint:wrapcheck // the adapter logs it with the route
}

// link is the secret that waits for the answer of a page, or "": then no link was opened here, or long ago.
func (c *cookies) link(r *http.Request, path string) string {
	session, err := c.links.New(r, c.linkCookie())
	secret, _ := session.Values[path].(string)
	if err != nil {
		return ""
	}
	return secret
}

func (c *cookies) dropLink(w http.ResponseWriter, path string) {
	options := *c.links.Options
	options.MaxAge, options.Path = -1, path
	http.SetCookie(w, sessions.NewCookie(c.linkCookie(), "", &options))
}
