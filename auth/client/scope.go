package client

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"latchkey/models"
)

// The scopes of an app at this server's own API: what its access tokens may do with the devices of the person who signed in.
const (
	OwnDevicesRead  = "own_devices:read"
	OwnDevicesWrite = "own_devices:write"
	// OwnAccountWrite is what acts on the account itself need: its password, its address, its deletion. Only the apps of first-party clients
	// have it. No client is registered for it: an operator cannot give it to a third party by mistake.
	OwnAccountWrite = "own_account:write"
)

// The scopes of a backend at /api/admin: what the tokens may do that a confidential client gets for itself (RFC 6749 §4.4).
const (
	UsersRead        = "users:read"
	UsersWrite       = "users:write"
	CredentialsWrite = "credentials:write" // passwords, factors and e-mail addresses
	UsersDelete      = "users:delete"
	DevicesWrite     = "devices:write"
	EventsRead       = "events:read"
)

// openIDScopes are granted by the person who signs in (OpenID Connect Core §5.4, §11). A client is not registered for them.
var openIDScopes = []string{"openid", "profile", "email", "address", "phone", "offline_access"}

// backendScopes are what only a confidential client may have, for its own tokens (RFC 6749 §4.4): patterns of LIKE. No device gets them.
var backendScopes = []string{"users:%", "credentials:%", "devices:write", "events:read"}

func isBackendScope(scope string) bool {
	return slices.ContainsFunc(backendScopes, func(pattern string) bool {
		begin, open := strings.CutSuffix(pattern, "%")
		return scope == pattern || open && strings.HasPrefix(scope, begin)
	})
}

// problemOfPublic says which of a public client's scopes it cannot have, or "".
func problemOfPublic(scopes []string) string {
	if i := slices.IndexFunc(scopes, isBackendScope); i >= 0 {
		return fmt.Sprintf("%q is for confidential clients only: give --confidential as well.", scopes[i])
	}
	return ""
}

// BackendScopes are those of a client's scopes that its own tokens may carry. A public client has none.
func BackendScopes(c models.Client) []string {
	if !c.Confidential() {
		return nil
	}
	return slices.DeleteFunc(strings.Fields(c.Scopes), func(s string) bool { return !isBackendScope(s) })
}

// appScopes are those of a client's scopes that the access tokens of its devices carry.
func appScopes(registered string) []string {
	return slices.DeleteFunc(strings.Fields(registered), func(s string) bool {
		return isBackendScope(s) || s == OwnAccountWrite || slices.Contains(openIDScopes, s)
	})
}

// OwnDevices reports what the apps of a client may do with their owner's devices. A client without scopes is a first-party app, and may do both.
func OwnDevices(c models.Client) (read, write bool) {
	if c.Scopes == "" {
		return true, true
	}
	scopes := appScopes(c.Scopes)
	return slices.Contains(scopes, OwnDevicesRead), slices.Contains(scopes, OwnDevicesWrite)
}

// TokenScope returns what the access tokens of a device say in their scope claim (RFC 9068 §2.2.3); granted are the scopes that were
// granted when it signed in. limited is false for a device of a first-party app without granted scopes: its tokens have no such claim, and
// may do at this server's API what OwnDevicesRead, OwnDevicesWrite and OwnAccountWrite allow. TokenScope goes by the clients of at most ReadEvery
// ago. If the client was removed, a device with granted scopes keeps those of OpenID Connect alone.
func (s *Service) TokenScope(ctx context.Context, id, granted string) (scope string, limited bool, err error) {
	r, err := s.registered(ctx)
	if err != nil {
		return "", false, err
	}
	c, known := r.clients[id]
	list := slices.DeleteFunc(strings.Fields(granted), func(s string) bool { return !slices.Contains(openIDScopes, s) })
	switch {
	case c.Scopes != "":
		list = append(list, appScopes(c.Scopes)...)
	case granted == "":
		return "", false, nil
	case known:
		list = append(list, OwnDevicesRead, OwnDevicesWrite, OwnAccountWrite)
	}
	return strings.Join(list, " "), true, nil
}

// GrantedScope returns what to keep as granted of a device that signs in, beside the scopes that were asked for: the client's own. A device
// that has any is not taken for one of a first-party app when its client is removed.
func (s *Service) GrantedScope(ctx context.Context, id, asked string) (string, error) {
	r, err := s.registered(ctx)
	if err != nil {
		return "", err
	}
	list := strings.Fields(asked)
	for _, own := range appScopes(r.clients[id].Scopes) {
		if !slices.Contains(list, own) {
			list = append(list, own)
		}
	}
	return strings.Join(list, " "), nil
}
