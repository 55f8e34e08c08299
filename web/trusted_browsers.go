package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"net/http"

	"latchkey/auth/browser"
	"latchkey/views"
)

// trustedBrowsers lists the browsers that skip the second step.
func (s *Server) trustedBrowsers(w http.ResponseWriter, r *http.Request, by *browser.Session) error {
	o, err := s.factors.Overview(r.Context(), by)
	if err != nil {
		return err
	}
	where, err := s.placesOf(r, by.User.ID)
	if err != nil {
		return err
	}
	page := views.TrustedBrowsersPage{Now: by.Device.LastSeenAt}
	for _, t := range o.Trusted {
		address, at := t.UsedIP, timeOrZero(t.UsedAt)
		if address == "" {
			address, at = t.CreatedIP, t.CreatedAt
		}
		page.Browsers = append(page.Browsers, views.TrustedBrowser{
			ID: t.ID.String(), Name: t.Name, Current: s.isTrusted(r, t.Hash), AddedAt: t.CreatedAt, Address: address, Place: where.at(address, at),
			UsedAt: timeOrZero(t.UsedAt), ExpiresAt: t.ExpiresAt,
		})
	}
	page.Shell = s.shell(w, r, say(r).TrustedTitle(), "security")
	return render(w, r, http.StatusOK, views.TrustedBrowsers(page))
}

// isTrusted reports whether this browser has the secret with a hash.
func (s *Server) isTrusted(r *http.Request, hash []byte) bool {
	for _, secret := range s.cookies.trusts(r) {
		raw, err := base64.RawURLEncoding.DecodeString(secret)
		if sum := sha256.Sum256(raw); err == nil && bytes.Equal(sum[:], hash) {
			return true
		}
	}
	return false
}

// trustedBrowserEnd makes one browser, or without an id every browser, take the second step again.
func (s *Server) trustedBrowserEnd(w http.ResponseWriter, r *http.Request, by *browser.Session) error {
	from, err := s.caller(r)
	if err != nil {
		return err
	}
	if err := s.factors.EndTrusted(r.Context(), by, r.PathValue("id"), from); err != nil {
		return err
	}
	text := say(r).TrustedEnded()
	if r.PathValue("id") == "" {
		text = say(r).TrustedEndedAll()
	}
	s.cookies.flash(w, r, views.ToneSuccess, text)
	return redirect(w, r, "/security/browsers")
}
