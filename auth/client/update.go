package client

import (
	"context"
	"errors"
	"strings"

	"latchkey/auth"
	"latchkey/models"
)

// Change is what Update changes of a client. What is nil stays. A list replaces the whole list; a list of one empty text clears it.
type Change struct {
	Name                                                                *string
	IOSApps, AndroidApps, RedirectURIs, PostLogoutURIs, Origins, Scopes []string
	BackchannelLogoutURI                                                *string // empty: it is not told of sign-outs
	DeviceGrant, SSO                                                    *bool
	Limits                                                              Limits // of its devices

	Confidential bool // it gets a secret, unless it has one
	Public       bool // it loses its secret
	NewSecret    bool // it gets another secret; with Confidential also if it had none
}

// Update changes a client and returns it as it is afterwards, with the secret that it got now. It returns the errors of Add,
// KindInvalidRequest of new-secret for a public client, and models.ErrNotFound. After an error nothing has changed.
func (s *Service) Update(ctx context.Context, id string, n Change) (Added, error) {
	c := models.ClientChange{DeviceGrant: n.DeviceGrant, SSO: n.SSO}
	var bad auth.Fields
	if n.Name != nil {
		name, problem := auth.ProperName(*n.Name, "An app needs a name.")
		bad.Refuse("name", problem)
		c.Name = &name
	}
	for _, list := range []struct {
		field  string
		stored **string
		given  []string
	}{
		{"ios-app", &c.IOSApps, n.IOSApps}, {"android-app", &c.AndroidApps, n.AndroidApps}, {"redirect-uri", &c.RedirectURIs, n.RedirectURIs},
		{"post-logout-uri", &c.PostLogoutURIs, n.PostLogoutURIs}, {"origin", &c.Origins, n.Origins}, {"scope", &c.Scopes, scopesOf(n.Scopes)},
	} {
		if list.given == nil {
			continue
		}
		if len(list.given) == 1 && list.given[0] == "" {
			list.given = nil
		}
		stored, problem := readList(list.given, readers[list.field])
		bad.Refuse(list.field, problem)
		*list.stored = &stored
	}
	if n.BackchannelLogoutURI != nil {
		c.BackchannelLogoutURI = n.BackchannelLogoutURI
		if *n.BackchannelLogoutURI != "" {
			_, problem := readers["backchannel-logout-uri"](*n.BackchannelLogoutURI)
			bad.Refuse("backchannel-logout-uri", problem)
		}
	}
	if n.Public && (n.Confidential || n.NewSecret) {
		bad.Refuse("public", "A public client has no secret.")
	}
	c.Limits = n.Limits.check(&bad)
	n.checkBackendScopes(&c, &bad)
	if err := bad.Err(); err != nil {
		return Added{}, err
	}
	secret := n.secret(&c)
	updated, err := s.store.UpdateClient(ctx, id, c)
	s.held.Store(nil)
	if errors.Is(err, models.ErrNotFound) && (c.IfConfidential || c.UnlessScope != nil) {
		if found, none := s.store.Client(ctx, id); none == nil && c.IfConfidential {
			return Added{}, auth.InvalidField("scope", problemOfPublic(strings.Fields(*c.Scopes)))
		} else if none == nil {
			return Added{}, auth.InvalidField("public", "Its scopes are for confidential clients only: "+found.Scopes+". Give others with --scope.")
		}
	}
	if errors.Is(err, models.ErrNotFound) && c.Secret == models.NextSecret {
		if _, found := s.store.Client(ctx, id); found == nil {
			return Added{}, auth.InvalidField("new-secret", "This client is public and has no secret: give --confidential as well to make it confidential.")
		}
	}
	if err != nil {
		return Added{}, err
	}
	if c.Secret == models.FirstSecret && !sameSecret(updated.SecretHash, secret) {
		secret = "" // it had one already
	}
	return Added{updated, secret}, nil
}

// checkBackendScopes makes sure that no public client ends up with the scopes of a backend, whatever it has now.
func (n *Change) checkBackendScopes(c *models.ClientChange, bad *auth.Fields) {
	problem := ""
	if c.Scopes != nil {
		problem = problemOfPublic(strings.Fields(*c.Scopes))
	}
	switch {
	case n.Public && c.Scopes == nil:
		c.UnlessScope = backendScopes
	case n.Public:
		bad.Refuse("scope", problem)
	case !n.Confidential:
		c.IfConfidential = problem != ""
	}
}

// secret makes the secret that a change needs, if it needs one.
func (n *Change) secret(c *models.ClientChange) (secret string) {
	switch {
	case n.Public:
		c.Secret = models.NoSecret
		return ""
	case n.Confidential && n.NewSecret:
		c.Secret = models.AnySecret
	case n.NewSecret:
		c.Secret = models.NextSecret
	case n.Confidential:
		c.Secret = models.FirstSecret
	default:
		return ""
	}
	secret, c.NewSecretHash = newSecret()
	return secret
}
