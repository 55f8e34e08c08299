// Package grant signs apps in through the browser: it checks authorization requests (RFC 6749 §4.1, RFC 7636, RFC 9126, OpenID Connect
// Core §3.1), gives codes to clients whose request a signed-in person has approved, and redeems them. A redeemed code makes a device. Devices
// without a browser get a code that a person approves in a browser elsewhere (RFC 8628).
//
// It is built on none of the libraries for OpenID providers. zitadel/oidc (op) and ory/fosite decide about tokens themselves and take the
// store for a place to put them: a stranger's first request is a row, a code that comes twice ends what it gave, a refresh reads and then
// writes up to three rows, and neither knows DPoP. The lost answer, the fork rule and the refresh in one statement would each have to work
// around them.
package grant

import (
	"log/slog"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/client"
	"latchkey/auth/confirm"
	"latchkey/auth/keys"
	"latchkey/auth/notify"
	"latchkey/auth/ratelimit"
	"latchkey/auth/seal"
	"latchkey/auth/signin"
	"latchkey/auth/token"
	"latchkey/models"
)

// Parts are the dependencies of the service. All are required.
type Parts struct {
	Store    *models.Store
	Clock    auth.Clock
	Log      *slog.Logger
	Idle     auth.Idle
	Sealer   *seal.Sealer // of requests and of what codes keep
	CodeKeys [][]byte     // HMAC keys that derive codes, and the secrets of devices from codes: the present one first
	Keys     *keys.Service
	Clients  *client.Service
	Notify   *notify.Service
	Limits   *ratelimit.Service
	Gate     *ratelimit.Gate
	Tokens   *token.Service
	Browsers *browser.Service
	SignIn   *signin.Service
	Confirm  *confirm.Service
}

// codes makes the devices that codes stand for: those of an authorization request and those of a device alike.
type codes struct {
	store    *models.Store
	clock    auth.Clock
	log      *slog.Logger
	idle     auth.Idle
	sealer   *seal.Sealer
	codeKeys [][]byte
	keys     *keys.Service
	clients  *client.Service
	notify   *notify.Service
	limits   *ratelimit.Service
	gate     *ratelimit.Gate
	tokens   *token.Service
	browsers *browser.Service
	signIn   *signin.Service
	confirm  *confirm.Service
}

// Service gives codes for authorization requests, and redeems them. It is safe for concurrent use.
type Service struct{ *codes }

// Devices gives codes to devices without a browser, which people approve elsewhere (RFC 8628). It is safe for concurrent use.
type Devices struct{ *codes }

// New returns the services.
func New(p Parts) (*Service, *Devices) {
	c := &codes{
		store: p.Store, clock: p.Clock, log: p.Log, idle: p.Idle, sealer: p.Sealer, codeKeys: p.CodeKeys, keys: p.Keys, clients: p.Clients, notify: p.Notify,
		limits: p.Limits, gate: p.Gate, tokens: p.Tokens, browsers: p.Browsers, signIn: p.SignIn, confirm: p.Confirm,
	}
	return &Service{c}, &Devices{c}
}
