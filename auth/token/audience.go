package token

import (
	"encoding/json"
	"fmt"
	"slices"

	"latchkey/auth/client"
	"latchkey/auth/origin"
)

// Audience is aud: one text if there is one, else a list (RFC 7519 §4.1.3).
type Audience []string

// MarshalJSON writes one audience as a text.
func (a Audience) MarshalJSON() ([]byte, error) {
	if len(a) == 1 {
		return json.Marshal(a[0])
	}
	return json.Marshal([]string(a))
}

// mintedClaims are Claims whose aud encoding/json writes without Audience.MarshalJSON. With a method of its own, aud would take three times
// as long.
type mintedClaims struct {
	*Claims
	Audience any `json:"aud"`
}

func minted(c *Claims) mintedClaims {
	if len(c.Audience) == 1 {
		return mintedClaims{c, c.Audience[0]}
	}
	return mintedClaims{c, []string(c.Audience)}
}

// UnmarshalJSON reads a text or a list of texts.
func (a *Audience) UnmarshalJSON(b []byte) error {
	var one string
	if err := json.Unmarshal(b, &one); err == nil {
		*a = Audience{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(a))
}

func (a Audience) names(server string) bool {
	return slices.ContainsFunc(a, func(one string) bool { return origin.Same(one, server) })
}

// audienceFor returns who the tokens are for that have these claims: the configured audience, and this server itself if its own API takes
// them for more than GET /api/whoami.
func (s *Service) audienceFor(c *Claims) Audience {
	own := c.Scope == nil || c.Has(client.OwnDevicesRead) || c.Has(client.OwnDevicesWrite)
	if !own || origin.Same(s.config.Issuer, s.config.Audience) {
		return Audience{s.config.Audience}
	}
	return Audience{s.config.Audience, s.config.Issuer}
}

// checkAudience checks that iss names this server and that aud names this server or its configured audience, and sets ForAPI. In this
// release, /api/* also takes tokens as the previous release made them: with the configured audience as one string, and without a scope.
func (s *Service) checkAudience(c *presentedClaims) error {
	if !origin.Same(c.Issuer, s.config.Issuer) {
		return fmt.Errorf("%w: iss", errInvalidToken)
	}
	if json.Unmarshal(c.Audience, &c.Claims.Audience) != nil {
		return fmt.Errorf("%w: aud", errInvalidToken)
	}
	aud := c.Claims.Audience
	ours, here := aud.names(s.config.Audience), aud.names(s.config.Issuer)
	if !ours && !here {
		return fmt.Errorf("%w: aud", errInvalidToken)
	}
	c.ForAPI = here || c.Scope == nil && c.Audience[0] == '"'
	return nil
}
