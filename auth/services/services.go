// Package services constructs the services of auth and passes each the others that it needs. Programs and tests start here.
package services

import (
	"cmp"
	"errors"
	"log/slog"
	"net/url"
	"runtime"
	"strings"
	"time"

	"latchkey/auth"
	"latchkey/auth/account"
	"latchkey/auth/address"
	"latchkey/auth/browser"
	"latchkey/auth/challenge"
	"latchkey/auth/client"
	"latchkey/auth/confirm"
	"latchkey/auth/deletion"
	"latchkey/auth/device"
	"latchkey/auth/devicetoken"
	"latchkey/auth/dpop"
	"latchkey/auth/export"
	"latchkey/auth/factor"
	"latchkey/auth/grant"
	"latchkey/auth/incident"
	"latchkey/auth/keyring"
	"latchkey/auth/keys"
	"latchkey/auth/language"
	"latchkey/auth/logout"
	"latchkey/auth/mail"
	"latchkey/auth/notify"
	"latchkey/auth/operator"
	"latchkey/auth/origin"
	"latchkey/auth/passkey"
	"latchkey/auth/password"
	"latchkey/auth/passwordcheck"
	"latchkey/auth/place"
	"latchkey/auth/ratelimit"
	"latchkey/auth/revocation"
	"latchkey/auth/seal"
	"latchkey/auth/signin"
	"latchkey/auth/stats"
	"latchkey/auth/support"
	"latchkey/auth/token"
	"latchkey/auth/transfer"
	"latchkey/auth/webhook"
	"latchkey/models"
)

const (
	waitingHashes = 64 // sign-ins that may wait for a hash
	hashPatience  = 5 * time.Second
)

// Config holds the operator's settings. New only fills in those that document a default; package main has the defaults of the
// others.
type Config struct {
	Name            string        // the service's, in passkeys and authenticator apps; empty: Latchkey
	Issuer          string        // iss of access tokens
	Origin          string        // the portal's public origin, to whose host passkeys belong; empty: Issuer if that is an origin
	Audience        string        // aud of access tokens
	SigningAlg      string        // ES256, EdDSA or RS256
	AccessTTL       time.Duration // life of an access token, which never exceeds the device's own
	StatusTTL       time.Duration // how long a resource server may use a status list that it fetched; 0: no status lists
	StatusURL       string        // URL of the status lists, with a slash at the end
	DeviceLifetime  time.Duration // absolute life of an app's sign-in, fixed when it begins
	DeviceIdle      time.Duration // an app that is unseen for this long must sign in again
	BrowserLifetime time.Duration
	BrowserIdle     time.Duration
	MaxRefreshes    int64         // refreshes of one app, fixed at sign-in; 0: no limit
	RetryWindow     time.Duration // see the fork rule of models.RotateDevice
	MaxDevices      int           // live apps, and live browsers, of one user; 0: no limit
	SignupOpen      bool
	PasswordMin     int               // in characters, at least password.Shortest
	Breached        password.Range    // asks for passwords that are known from breaches; nil: nothing is asked
	DeviceNameClaim bool              // put device_name into access tokens
	SecondFactor    auth.FactorPolicy // who must have a second factor; empty: no one
	DPoPRequired    bool              // new apps must bind their tokens to a key (RFC 9449)
	NonceRequired   bool              // DPoP proofs must carry a nonce of this server
	ProofMemory     int               // DPoP proofs remembered against replay, at most 80 bytes each; 0: a million

	Secret   []byte   // the server secret, at least seal.MinSecret random bytes
	Previous [][]byte // older secrets, or the next one during a change; accepted, but not used for new data

	Mail   mail.Sender   // sends mails; nil: there is no mail, neither alerts nor password resets
	Render notify.Render // renders notifications; needed only by processes that call Operator.Run

	IncidentMailRate int // mails about incidents in a minute, of all replicas together; 0: none

	PostLogout  logout.Post  // tells clients about sign-outs; nil: this process tells none
	PostWebhook webhook.Post // tells webhooks of events; nil: this process tells none

	Places *place.Database // where addresses are, for pages and mails; nil: not known

	Now     func() time.Time     // the clock; nil: time.Now
	Elapsed func() time.Duration // time since a fixed moment, by a monotonic clock; nil: the system's
	Logger  *slog.Logger         // nil discards
	Workers int                  // passwords hashed at a time; 0: one per core
	Hash    password.Params      // the cost of new password hashes; zero: password.DefaultParams. Tests lower it
	Hasher  *ratelimit.Hasher    // nil: one with Workers and Hash
	Budgets ratelimit.Budgets    // sign-ins of one account; zero: MaxSignIns and MaxSignInsDay. Tests raise them
}

// Services are all services over one store. Each is safe for concurrent use.
type Services struct {
	Clock       auth.Clock
	Keys        *keys.Service
	Clients     *client.Service
	Notify      *notify.Service
	Limits      *ratelimit.Service
	Revocations *revocation.Service
	Tokens      *token.Service
	Passwords   *passwordcheck.Service
	Browsers    *browser.Service
	Challenges  *challenge.Service
	SignIn      *signin.Service
	Confirm     *confirm.Service
	Grants      *grant.Service
	DeviceCodes *grant.Devices
	Logout      *logout.Service
	Accounts    *account.Service
	Languages   *language.Service
	Exports     *export.Service
	Transfers   *transfer.Service
	Addresses   *address.Service
	Deletions   *deletion.Service
	Incidents   *incident.Service
	Devices     *device.Service
	Factors     *factor.Service
	Support     *support.Service
	Stats       *stats.Service
	Operator    *operator.Service
	Webhooks    *webhook.Service

	Gate   *ratelimit.Gate
	Slots  *ratelimit.Slots
	Hasher *ratelimit.Hasher
	Places *place.Database
}

// New constructs the services. It reads nothing from the store; Keys.Load does. It returns an error if a server secret is shorter
// than seal.MinSecret or PasswordMin is below password.Shortest.
func New(store *models.Store, c Config) (*Services, error) {
	c.fill()
	if c.PasswordMin < password.Shortest {
		return nil, errors.New("services: passwords of fewer than 8 characters cannot be allowed")
	}
	if c.Audience != "" && c.Audience == strings.TrimSuffix(c.Issuer, "/")+token.BackendPath {
		return nil, errors.New("services: LATCHKEY_AUDIENCE is the name of the API for backends: servers that compare it would take their tokens")
	}
	k, err := deriveKeys(append([][]byte{c.Secret}, c.Previous...))
	if err != nil {
		return nil, err
	}
	passkeys, err := newPasskeys(c.Origin, c.Name)
	if err != nil {
		return nil, err
	}
	clock, idle := auth.Clock(c.Now), auth.Idle{App: c.DeviceIdle, Browser: c.BrowserIdle}
	s := &Services{
		Clock:  clock,
		Keys:   keys.New(store, clock, k.signing, keys.Config{SigningAlg: c.SigningAlg, AccessTTL: c.AccessTTL}),
		Notify: notify.New(store, clock, c.Logger, k.sealer, notify.Config{Sender: c.Mail, Render: c.Render, Places: c.Places, IncidentRate: c.IncidentMailRate}),
		Limits: ratelimit.New(store, clock, c.Logger, k.limits, c.Budgets),
		Gate:   ratelimit.NewGate(c.Workers, waitingHashes),
		Slots:  ratelimit.NewSlots(),
		Hasher: c.Hasher,
		Places: c.Places,
	}
	s.Clients = client.New(store, clock, s.Limits)
	idle.Clients = s.Clients.Idles
	s.Revocations = revocation.New(store, clock, c.Logger, s.Keys, revocation.Config{AccessTTL: c.AccessTTL, TTL: c.StatusTTL, URL: c.StatusURL})
	s.Tokens = token.New(token.Parts{
		Store: store, Clock: clock, Log: c.Logger, Idle: idle, Keys: s.Keys, Clients: s.Clients, Notify: s.Notify, Limits: s.Limits, Gate: s.Gate, Hasher: s.Hasher,
		Codec: k.tokens, Proofs: dpop.NewSeen(c.ProofMemory), Nonces: k.nonces, Revocations: s.Revocations, InstallationKeys: k.installations,
	}, token.Config{
		Issuer: c.Issuer, Audience: c.Audience, AccessTTL: c.AccessTTL, RetryWindow: c.RetryWindow,
		MaxDevices: c.MaxDevices, DeviceNameClaim: c.DeviceNameClaim, NonceRequired: c.NonceRequired,
	})
	s.Passwords = passwordcheck.New(store, clock, s.Limits, s.Gate, s.Slots, s.Hasher)
	s.Challenges = challenge.New(challenge.Parts{
		Store: store, Clock: clock, Log: c.Logger, Sealer: k.factors, Notify: s.Notify, Limits: s.Limits, Gate: s.Gate, Clients: s.Clients,
		Passkeys: passkeys, Policy: c.SecondFactor,
	})
	s.Browsers = browser.New(browser.Parts{Store: store, Clock: clock, Log: c.Logger, Idle: idle, Tokens: s.Tokens, Key: k.browsers},
		browser.Config{Lifetime: c.BrowserLifetime, SecondFactor: c.SecondFactor})
	s.SignIn = signin.New(signin.Parts{
		Store: store, Clock: clock, Keys: s.Keys, Tokens: s.Tokens, Browsers: s.Browsers, Limits: s.Limits,
		Gate: s.Gate, Passwords: s.Passwords, Challenges: s.Challenges,
	}, signin.Config{DeviceLifetime: c.DeviceLifetime, MaxRefreshes: c.MaxRefreshes, DPoPRequired: c.DPoPRequired, SecondFactor: c.SecondFactor})
	s.Confirm = confirm.New(confirm.Parts{
		Store: store, Clock: clock, Notify: s.Notify, Limits: s.Limits, Gate: s.Gate, Tokens: s.Tokens, Browsers: s.Browsers, Passwords: s.Passwords,
		Challenges: s.Challenges,
	})
	s.Grants, s.DeviceCodes = grant.New(grant.Parts{
		Store: store, Clock: clock, Log: c.Logger, Idle: idle, Sealer: k.grants, CodeKeys: k.codes, Keys: s.Keys, Clients: s.Clients, Notify: s.Notify, Limits: s.Limits,
		Gate: s.Gate, Tokens: s.Tokens, Browsers: s.Browsers, SignIn: s.SignIn, Confirm: s.Confirm,
	})
	s.Logout = logout.New(logout.Parts{Store: store, Clock: clock, Log: c.Logger, Idle: idle, Keys: s.Keys, Clients: s.Clients, Tokens: s.Tokens},
		logout.Config{Issuer: c.Issuer, Post: c.PostLogout})
	s.Webhooks = webhook.New(store, clock, c.Logger, k.webhooks, c.PostWebhook)
	s.Accounts = account.New(account.Parts{
		Store: store, Clock: clock, Log: c.Logger, Sealer: k.sealer, Notify: s.Notify, Passwords: s.Passwords,
		Browsers: s.Browsers, Confirm: s.Confirm, Limits: s.Limits, Gate: s.Gate, Slots: s.Slots, Hasher: s.Hasher,
	}, account.Config{SignupOpen: c.SignupOpen, PasswordMin: c.PasswordMin, Names: c.names(), Breached: c.Breached})
	s.Languages = language.New(store, clock, s.Limits, s.Gate)
	s.Exports = export.New(store, clock, idle, s.Confirm)
	s.Transfers = transfer.New(store, clock, k.factors)
	s.Addresses = address.New(address.Parts{
		Store: store, Clock: clock, Sealer: k.sealer, Notify: s.Notify, Passwords: s.Passwords, Confirm: s.Confirm, Accounts: s.Accounts, Limits: s.Limits, Gate: s.Gate,
	})
	s.Deletions = deletion.New(store, clock, c.Logger, k.sealer, s.Notify, s.Confirm)
	s.Incidents = incident.New(store, clock, c.Logger, s.Notify, s.Hasher)
	s.Devices = device.New(store, clock, idle, s.Tokens, s.Passwords, s.Confirm, s.Notify, s.Limits)
	s.Factors = factor.New(factor.Parts{
		Store: store, Clock: clock, Log: c.Logger, Sealer: k.factors, Notify: s.Notify, Confirm: s.Confirm, Limits: s.Limits, Passkeys: passkeys, Policy: c.SecondFactor, Name: c.Name,
	})
	s.Stats = stats.New(store, clock, c.Logger)
	s.Support = support.New(store, clock, idle, s.Devices, s.Stats)
	s.Operator = operator.New(operator.Parts{
		Store: store, Clock: clock, Idle: idle, Elapsed: c.Elapsed, Log: c.Logger, Keys: s.Keys, Notify: s.Notify, Revocations: s.Revocations, Challenges: s.Challenges,
		Accounts: s.Accounts, Deletions: s.Deletions, Incidents: s.Incidents, Factors: s.Factors, Limits: s.Limits, Hasher: s.Hasher, Logout: s.Logout, Webhooks: s.Webhooks,
		Transfers: s.Transfers, Stats: s.Stats,
	})
	return s, nil
}

// names are those of the service: passwords made of them are guessed first.
func (c *Config) names() []string {
	list := []string{c.Name}
	if u, err := url.Parse(c.Issuer); err == nil {
		list = append(list, u.Hostname())
	}
	return list
}

func (c *Config) fill() {
	if c.Now == nil {
		c.Now = time.Now
	}
	c.Name = cmp.Or(c.Name, defaultName)
	if _, err := origin.Parse(c.Issuer); c.Origin == "" && err == nil {
		c.Origin = c.Issuer
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Workers <= 0 {
		c.Workers = runtime.GOMAXPROCS(0)
	}
	if c.Hash == (password.Params{}) {
		c.Hash = password.DefaultParams
	}
	if c.Hasher == nil {
		c.Hasher = ratelimit.NewHasher(c.Hash, c.Workers, waitingHashes, hashPatience)
	}
}

// derived is what the server secrets are used for.
type derived struct {
	tokens           *devicetoken.Codec
	signing          *keyring.Sealer
	sealer           *seal.Sealer // of mails and links
	factors          *seal.Sealer // of second factors and challenges
	grants           *seal.Sealer // of authorization requests and codes
	webhooks         *seal.Sealer // of the secrets of webhooks
	nonces           *dpop.Nonces
	limits, browsers []byte
	codes            [][]byte // of authorization codes and of what they become
	installations    [][]byte // of the installations of apps
}

func deriveKeys(secrets [][]byte) (d derived, err error) {
	keys := map[string][][]byte{}
	for _, purpose := range []string{"device token", "seal", "limits", "browser", "dpop nonce", "mail", "factors", "grants", "codes", "webhooks", "installations"} { // stored words
		if keys[purpose], err = seal.Keys(secrets, purpose); err != nil {
			return d, err
		}
	}
	if d.signing, err = keyring.NewSealer(keys["seal"]); err != nil {
		return d, err
	}
	if d.sealer, err = seal.New(keys["mail"]); err != nil {
		return d, err
	}
	if d.factors, err = seal.New(keys["factors"]); err != nil {
		return d, err
	}
	if d.webhooks, err = seal.New(keys["webhooks"]); err != nil {
		return d, err
	}
	if d.grants, err = seal.New(keys["grants"]); err != nil {
		return d, err
	}
	d.tokens = devicetoken.New(keys["device token"][0], keys["device token"][1:]...)
	d.nonces = dpop.NewNonces(keys["dpop nonce"][0])
	d.limits, d.browsers = keys["limits"][0], keys["browser"][0]
	d.codes, d.installations = keys["codes"], keys["installations"]
	return d, nil
}

// newPasskeys returns the ceremonies of passkeys, which belong to the host of the public origin. It returns nil if that is an IP
// address or a name that no domain is made of, because browsers make no passkeys for one, and if there is no origin: the process then
// serves no one.
func newPasskeys(public, name string) (*passkey.Ceremonies, error) {
	if public == "" {
		return nil, nil //nolint:nilnil // no passkeys is no error
	}
	u, err := origin.Parse(public)
	if err != nil {
		return nil, err
	}
	c, err := passkey.New(passkey.Config{ID: u.Hostname(), Name: name, Origins: []string{origin.Of(u)}, Life: challenge.PasskeyLife})
	if errors.Is(err, passkey.ErrNoDomain) {
		return nil, nil //nolint:nilnil // no passkeys is no error
	}
	return c, err
}

// defaultName is what a service without a Config.Name is called.
const defaultName = "Latchkey"
