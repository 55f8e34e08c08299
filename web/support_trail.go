package web

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/seal"
	"latchkey/auth/support"
)

// trail is a search at the support desk: what the desk's pages hand on to each other. It travels sealed in the URL, because it may hold
// an e-mail address and what a caller asked, and URLs are kept by access logs, browser histories and Referer headers. It is bound to the
// account of the staff member. It allows nothing: each page checks the role and records what it shows.
type trail struct {
	Text   string `json:"q"`
	Kind   string `json:"kind,omitempty"`
	Live   string `json:"live,omitempty"`
	Seen   string `json:"seen,omitempty"`
	After  string `json:"after,omitempty"`  // cursor of a page of the results
	Reason string `json:"reason,omitempty"` // for the looks that follow the search
	// Dropped: a reason that was given for another search was left in the form, and does not count.
	Dropped bool `json:"dropped,omitempty"`
	// Person is the account that PersonReason was given for, on its page. It counts there instead of Reason, and nowhere else.
	Person       string `json:"person,omitempty"`
	PersonReason string `json:"person_reason,omitempty"`
}

// leftOver reports whether the reason in a form was given for the search before, which had another text.
func (t trail) leftOver(before trail) bool {
	key := func(s string) string { return auth.FoldEmail(auth.TrimEmail(s)) }
	reason := strings.TrimSpace(t.Reason)
	return reason != "" && reason == strings.TrimSpace(before.Reason) && before.Text != "" && key(t.Text) != key(before.Text)
}

// reasonFor is the reason for looks at an account.
func (t trail) reasonFor(account string) string {
	if account == t.Person {
		return t.PersonReason
	}
	return t.Reason
}

// ofSearch is the trail without what was said on a person's page.
func (t trail) ofSearch() trail {
	t.Person, t.PersonReason = "", ""
	return t
}

// trailParam is the parameter of the sealed trail.
const trailParam = "search"

// longestTrail is more than the longest search and reason need.
const longestTrail = 8 << 10

func newTrailSealer(c Config) (*seal.Sealer, error) {
	keys, err := seal.Keys(append([][]byte{c.Secret}, c.Previous...), "support search")
	if err != nil {
		return nil, fmt.Errorf("support desk: %w", err)
	}
	sealer, err := seal.New(keys)
	if err != nil {
		return nil, fmt.Errorf("support desk: %w", err)
	}
	return sealer, nil
}

// sealTrail returns the trail as a parameter.
func (s *Server) sealTrail(by *browser.Session, t trail) string {
	text, err := json.Marshal(t)
	if err != nil {
		return "" // strings cannot fail
	}
	return base64.RawURLEncoding.EncodeToString(s.trails.Seal(by.User.ID[:], text))
}

// openTrail reads a parameter. It returns false if the parameter was changed, or was made for another account or under a secret that is
// gone.
func (s *Server) openTrail(by *browser.Session, param string) (t trail, ok bool) {
	if len(param) > longestTrail {
		return t, false
	}
	sealed, err := base64.RawURLEncoding.DecodeString(param)
	if err != nil {
		return t, false
	}
	text, _, err := s.trails.Open(by.User.ID[:], sealed)
	if err != nil || json.Unmarshal(text, &t) != nil {
		return trail{}, false
	}
	return t, true
}

// resultsURL is a page of a search's results; "" without a trail.
func resultsURL(param string) string {
	if param == "" {
		return ""
	}
	return "/support?" + url.Values{trailParam: {param}}.Encode()
}

// furtherURL is the page of results at a cursor; "" without one.
func (s *Server) furtherURL(by *browser.Session, t trail, cursor string) string {
	if cursor == "" {
		return ""
	}
	t.After = cursor
	return resultsURL(s.sealTrail(by, t))
}

// firstURL is the first page of results.
func (s *Server) firstURL(by *browser.Session, t trail) string {
	t.After = ""
	return resultsURL(s.sealTrail(by, t))
}

// query is the search of a trail.
func (t trail) query() support.Query {
	return support.Query{Text: t.Text, Kind: t.Kind, Live: t.Live, Seen: t.Seen, After: t.After}
}
