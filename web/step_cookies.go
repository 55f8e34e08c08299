package web

import (
	"net/http"
	"slices"

	"github.com/gorilla/sessions"

	"latchkey/auth/browser"
)

// maxTrusts is how many accounts may trust one browser; the one that was added longest ago goes first.
const maxTrusts = 8

// keepStep keeps the challenge of a sign-in until its second step. A newer sign-in in this browser takes its place.
func (c *cookies) keepStep(w http.ResponseWriter, r *http.Request, challenge string) error {
	session := sessions.NewSession(c.steps, c.prefix+"-step")
	options := *c.steps.Options
	session.Options = &options
	session.Values["challenge"] = challenge
	return c.steps.Save(r, w, session)
}

// step returns the challenge of the sign-in that waits for its second step here, or "".
func (c *cookies) step(r *http.Request) string {
	name := c.prefix + "-step"
	if !hasCookie(r, name) {
		return ""
	}
	session, err := c.steps.New(r, name)
	if err != nil {
		return ""
	}
	challenge, _ := session.Values["challenge"].(string)
	return challenge
}

func (c *cookies) forgetStep(w http.ResponseWriter, r *http.Request) {
	if name := c.prefix + "-step"; hasCookie(r, name) {
		c.expire(w, name)
	}
}

// trusts returns the secrets that let this browser skip the second step, oldest first.
func (c *cookies) trusts(r *http.Request) []string {
	name := c.prefix + "-trust"
	if !hasCookie(r, name) {
		return nil
	}
	session, err := c.trusted.New(r, name)
	if err != nil {
		return nil
	}
	list, _ := session.Values["secrets"].([]string)
	return list
}

// addTrust adds the secret of an account that trusts this browser.
func (c *cookies) addTrust(w http.ResponseWriter, r *http.Request, secret string) error {
	list := append(slices.Clone(c.trusts(r)), secret)
	session := sessions.NewSession(c.trusted, c.prefix+"-trust")
	options := *c.trusted.Options
	session.Options = &options
	session.Values["secrets"] = list[max(0, len(list)-maxTrusts):]
	return c.trusted.Save(r, w, session)
}

// keeper lets a confirmation renew the cookie of the session that a request came with.
func (s *Server) keeper(w http.ResponseWriter, r *http.Request) func(browser.Key) {
	return func(key browser.Key) {
		if err := s.cookies.setSession(w, r, key); err != nil {
			s.log.WarnContext(r.Context(), "the renewed cookie could not be set", "request", request(r).ID, "cause", err.Error())
		}
	}
}
