package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/models"
)

// Registration describes an app to be registered.
type Registration struct {
	Name        string
	ID          string   // the client_id; empty: a random one
	IOSApps     []string // TEAM.bundle
	AndroidApps []string // package=SHA-256 of its certificate: 64 hexadecimal digits, or pairs with colons between

	RedirectURIs         []string // where browsers take the answer of a sign-in
	PostLogoutURIs       []string // where browsers go after a sign-out
	Origins              []string // of pages whose scripts may call the API
	BackchannelLogoutURI string   // is told of sign-outs; empty: it is not told
	Confidential         bool     // it gets a secret (RFC 6749 §2.1)
	DeviceGrant          bool     // people may approve it with a user code (RFC 8628)
	SSO                  bool     // a browser that proved its user long ago may sign in to it
	Scopes               []string // none: those of a first-party app
	Limits               Limits   // of its devices
}

// Added is a client with the secret that it got now: it is stored hashed, and cannot be shown again. Empty: it got none.
type Added struct {
	models.Client

	Secret string
}

var (
	clientID = regexp.MustCompile(`^[A-Za-z0-9._~-]+$`)
	scope    = regexp.MustCompile(`^[!#-\[\]-~]{1,128}$`) // RFC 6749 §3.3
)

// Add registers a client. It returns KindInvalidRequest, of a field named like its flag: name, id, redirect-uri, and so on.
func (s *Service) Add(ctx context.Context, n Registration) (Added, error) {
	c := Added{Client: models.Client{ID: n.ID, CreatedAt: s.clock.Now(), DeviceGrant: n.DeviceGrant, SSO: n.SSO}}
	if n.ID == "" {
		c.ID = strings.ToLower(rand.Text())
	}
	var bad auth.Fields
	var problem string
	c.Name, problem = auth.ProperName(n.Name, "An app needs a name.")
	bad.Refuse("name", problem)
	if len(c.ID) > auth.MaxClientID || !clientID.MatchString(c.ID) {
		bad.Refuse("id", fmt.Sprintf("At most %d letters, digits, dots, hyphens, underscores and tildes.", auth.MaxClientID))
	}
	if _, err := uuid.Parse(c.ID); err == nil { // the ids of accounts are: no sub of a token may be taken for the other's
		bad.Refuse("id", "Not a UUID: accounts have those.")
	}
	for _, list := range []struct {
		field  string
		stored *string
		given  []string
	}{
		{"ios-app", &c.IOSApps, n.IOSApps}, {"android-app", &c.AndroidApps, n.AndroidApps}, {"redirect-uri", &c.RedirectURIs, n.RedirectURIs},
		{"post-logout-uri", &c.PostLogoutURIs, n.PostLogoutURIs}, {"origin", &c.Origins, n.Origins}, {"scope", &c.Scopes, scopesOf(n.Scopes)},
	} {
		*list.stored, problem = readList(list.given, readers[list.field])
		bad.Refuse(list.field, problem)
	}
	if n.BackchannelLogoutURI != "" {
		c.BackchannelLogoutURI, problem = readers["backchannel-logout-uri"](n.BackchannelLogoutURI)
		bad.Refuse("backchannel-logout-uri", problem)
	}
	if !n.Confidential {
		bad.Refuse("scope", problemOfPublic(strings.Fields(c.Scopes)))
	}
	c.SetLimits(n.Limits.ofNew(&bad))
	if err := bad.Err(); err != nil {
		return c, err
	}
	if n.Confidential {
		c.Secret, c.SecretHash = newSecret()
	}
	err := s.store.AddClient(ctx, c.Client)
	if errors.Is(err, models.ErrDuplicate) {
		return c, auth.InvalidField("id", "Another app has it.")
	}
	s.held.Store(nil)
	return c, err
}

// MaxListed is how many apps, URIs, origins or scopes one client may have of each kind.
const MaxListed = MaxApps

// readers check one entry of a list, by the flag that names it, and return it as it is stored.
var readers = map[string]func(string) (stored, problem string){
	"ios-app": readIOS, "android-app": readAndroid,
	"redirect-uri": checked(problemWithRedirect), "post-logout-uri": checked(problemWithRedirect),
	"origin": checked(problemWithOrigin), "backchannel-logout-uri": checked(ProblemWithCallback),
	"scope": checked(func(s string) string {
		switch {
		case !scope.MatchString(s):
			return "is not a scope, such as own_devices:read"
		case s == OwnAccountWrite:
			return "is for first-party apps: they have it, and are registered without scopes"
		}
		return ""
	}),
}

// checked makes a reader of texts that are stored as they are.
func checked(problemWith func(string) string) func(string) (stored, problem string) {
	return func(text string) (string, string) {
		if problem := problemWith(text); problem != "" {
			return "", fmt.Sprintf("%q %s.", text, problem)
		}
		return text, ""
	}
}

// scopesOf splits scopes that are given in one text, as OAuth writes them.
func scopesOf(given []string) (scopes []string) {
	for _, text := range given {
		if split := strings.Fields(text); len(split) > 0 {
			scopes = append(scopes, split...)
		} else {
			scopes = append(scopes, text)
		}
	}
	return scopes
}

// readList checks a list and returns it as it is stored, or what is wrong with it.
func readList(list []string, read func(string) (stored, problem string)) (stored, problem string) {
	entries := make([]string, len(list))
	for i, one := range list {
		if entries[i], problem = read(one); problem != "" {
			return "", problem
		}
	}
	if entries = inOrder(entries); len(entries) > MaxListed {
		return "", fmt.Sprintf("A client can have %d of them.", MaxListed)
	}
	return strings.Join(entries, " "), ""
}

// List returns the registered clients.
func (s *Service) List(ctx context.Context) ([]models.Client, error) { return s.store.Clients(ctx) }

// Find returns a registered client as it is in the database now, or models.ErrNotFound.
func (s *Service) Find(ctx context.Context, id string) (models.Client, error) {
	return s.store.Client(ctx, id)
}

// Remove removes a client. It can no longer sign people in; devices that it signed in stay signed in, and need no secret any more.
func (s *Service) Remove(ctx context.Context, id string) error {
	err := s.store.RemoveClient(ctx, id)
	s.held.Store(nil)
	return err
}

// AllowsRedirect reports whether a client may have an answer sent to this URI: it is one of those registered, exactly, or differs from
// one in the port of a loopback address alone.
func AllowsRedirect(c models.Client, presented string) bool {
	return matchesRedirect(strings.Fields(c.RedirectURIs), presented)
}

// AllowsPostLogout is AllowsRedirect for where a browser goes after a sign-out.
func AllowsPostLogout(c models.Client, presented string) bool {
	return matchesRedirect(strings.Fields(c.PostLogoutURIs), presented)
}
