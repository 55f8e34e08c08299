package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/mail"
	"net/url"
	"strings"
	"time"

	"latchkey/web/wire"
)

// securityTextLife is how long the file says it is valid (RFC 9116 §2.5.5 asks for less than a year). Each answer begins
// the time again: what the file says comes from the running configuration.
const securityTextLife = 180 * 24 * time.Hour

// ParseContact reads one address for reports about security: an https: or tel: URI, a mailto: URI or a bare e-mail
// address, as the URI that security.txt wants (RFC 9116 §2.5.3).
func ParseContact(s string) (string, error) {
	s = strings.TrimSpace(s)
	if !strings.Contains(s, ":") {
		s = "mailto:" + s
	}
	u, err := url.Parse(s)
	if err == nil && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		switch u.Scheme {
		case "https":
			if u.Host != "" && u.User == nil {
				return s, nil
			}
		case "mailto":
			if a, err := mail.ParseAddress(u.Opaque); err == nil && a.Address == u.Opaque {
				return s, nil
			}
		case "tel":
			if u.Opaque != "" {
				return s, nil
			}
		}
	}
	return "", errors.New("not an e-mail address, or a URL by https, mailto or tel")
}

// securityText tells people who find a weakness whom to write to (RFC 9116). Without a contact there is nothing.
func (s *Server) securityText(w http.ResponseWriter, _ *http.Request) error {
	if len(s.contacts) == 0 {
		return wire.ErrNoRoute
	}
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", wire.PublicMaxAge)
	for _, contact := range s.contacts {
		_, _ = fmt.Fprintf(w, "Contact: %s\n", contact)
	}
	expires := s.clock.Now().Add(securityTextLife).Truncate(time.Second)
	_, _ = fmt.Fprintf(w, "Expires: %s\nCanonical: %s/.well-known/security.txt\n", expires.Format(time.RFC3339), s.base)
	return nil
}

// changePassword leads password managers to the page where a password is changed (W3C: A Well-Known URL for Changing Passwords).
func (s *Server) changePassword(w http.ResponseWriter, r *http.Request) error {
	return redirect(w, r, "/security/password")
}
