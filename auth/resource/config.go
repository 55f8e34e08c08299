package resource

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"latchkey/auth/dpop"
	"latchkey/auth/jws"
	"latchkey/auth/origin"
)

// Config says whose tokens the verifier accepts, and how long it uses what it fetched. Issuer and Audience are required; for
// everything else the zero value is a good choice.
type Config struct {
	// Issuer is the iss of valid tokens: the server's LATCHKEY_ISSUER, by default its base URL. Required; an http or https URL.
	// Scheme, host and port may have any spelling (Punycode or not, with a default port or not); the path may not.
	Issuer string
	// Audience is the aud of valid tokens, or a member of it: LATCHKEY_AUDIENCE, by default the issuer. Required. A URL may have
	// any spelling, like the issuer; another audience is compared exactly.
	Audience string

	// JWKSURL is the URL of the issuer's keys. Default: the issuer + /.well-known/jwks.json.
	JWKSURL string
	// Discover reads the URL of the keys from the issuer's metadata (RFC 8414) instead; it must have the issuer's origin. JWKSURL
	// must then be empty.
	Discover bool
	// StatusOrigin is the origin (https://host, with a port if there is one) of the status lists that tokens may name. The verifier
	// refuses a token that names another, and fetches nothing from there. Default: the issuer's.
	StatusOrigin string
	// AllowHTTP permits unencrypted fetches of keys and lists from other hosts than this machine. An attacker who can change them
	// in transit can sign any token.
	AllowHTTP bool
	// Client fetches keys and lists. The verifier follows redirects within one origin only. The client's own timeout applies, too.
	// Default: a client with http.DefaultTransport.
	Client *http.Client
	// FetchTimeout bounds one fetch. Default 5 s; 10 ms to a minute.
	FetchTimeout time.Duration

	// KeysRefresh is how often the keys are fetched, and how long a key that the issuer withdraws is still accepted. Default 5
	// minutes; 1 s to 24 hours. A token that names an unknown key causes a fetch at once, but at most every 5 s.
	KeysRefresh time.Duration
	// KeysMaxAge is how long keys are used when newer ones cannot be fetched; then tokens get ErrUnavailable. Default 24 hours;
	// KeysRefresh to 30 days.
	KeysMaxAge time.Duration
	// StatusRefresh is how often a status list is fetched, if that is more often than its own ttl. A revocation takes effect after
	// that time and the time of a fetch. Default: the ttl, or a minute if the list has none; at least 1 s.
	StatusRefresh time.Duration
	// MaxStaleness is how long a status list is used when a newer one cannot be fetched, unless its own exp comes first. Default 10
	// minutes; 1 s to 7 days.
	MaxStaleness time.Duration
	// FailOpen accepts tokens whose status is unknown, because no list was ever fetched or the list is stale. Tokens that the last
	// list calls revoked are still refused. Default: such tokens get ErrUnavailable.
	FailOpen bool
	// MaxStatusBytes bounds one status list in memory; each byte holds eight devices. Default 1 MiB; at most 64 MiB. Longer lists
	// are refused.
	MaxStatusBytes int

	// Algs are the signature algorithms that keys may have: ES256, EdDSA (or Ed25519, which means the same here) and RS256.
	// Default: all three.
	Algs []string
	// Leeway allows for clocks that differ: exp may have passed, and iat may be ahead, by this much. Default 10 s; negative for
	// none; at most 5 minutes.
	Leeway time.Duration
	// MaxLifetime is the longest time from iat to exp that is accepted. A longer one is a mistake of the issuer. Default 24 hours;
	// raise it if LATCHKEY_ACCESS_TTL is longer; 1 s to 366 days.
	MaxLifetime time.Duration
	// CacheSize is how many verified tokens are remembered, at about 1 kB each, so that only the first use of a token costs a
	// signature check. Default 10,000; negative for none; at most 10 million.
	CacheSize int

	// DPoP says how tokens that are bound to a key are presented.
	DPoP DPoP

	// Metadata is what this server publishes about itself, and points to when it refuses a request.
	Metadata Metadata

	// Clock returns the time at which tokens, keys and lists are checked. Default time.Now.
	Clock func() time.Time
	// Logger gets failed fetches, and the first successful one after them. Default slog.Default().
	Logger *slog.Logger
}

// DPoP says how tokens that are bound to a key (RFC 9449) are presented to this resource server.
type DPoP struct {
	// BaseURL is this server's public URL (https://api.example.com), without the path of a request, for which clients make proofs.
	// It does not come from the Host header, because an attacker who replays a proof chooses that. Default: none, and bound tokens
	// are refused.
	BaseURL string
	// Required refuses tokens that are not bound to a key. It needs BaseURL.
	Required bool
	// MaxAge is how old a proof without a nonce may be. Default and maximum: 60 s; at least 1 s.
	MaxAge time.Duration
	// NonceKey is 32 random bytes or more that all replicas of this server share. It makes proofs carry a nonce of the last three
	// minutes (RFC 9449 §9), so that clients cannot make proofs ahead of time, and a proof's age does not depend on the device's
	// clock. Default: no nonces.
	NonceKey []byte
}

var allAlgs = []string{"ES256", "EdDSA", "RS256"}

// filled returns the configuration with its defaults, or an error if a field is invalid.
func (c Config) filled() (Config, error) {
	issuer, err := c.checkURL("Issuer", c.Issuer)
	if err != nil {
		return c, err
	}
	if c.Audience == "" {
		return c, errors.New("resource: Audience is missing")
	}
	if c.JWKSURL != "" && c.Discover {
		return c, errors.New("resource: JWKSURL and Discover exclude each other")
	}
	if c.JWKSURL == "" {
		c.JWKSURL = strings.TrimSuffix(c.Issuer, "/") + "/.well-known/jwks.json"
	}
	if _, err := c.checkURL("JWKSURL", c.JWKSURL); err != nil {
		return c, err
	}
	if c.StatusOrigin == "" {
		c.StatusOrigin = origin.Of(issuer)
	}
	status, err := c.checkURL("StatusOrigin", c.StatusOrigin)
	if err != nil {
		return c, err
	}
	c.StatusOrigin = origin.Of(status)
	if len(c.Algs) == 0 {
		c.Algs = allAlgs
	}
	var algs []string // a copy, because the slice belongs to the caller
	for _, alg := range c.Algs {
		if !slices.Contains(allAlgs, jws.Alg(alg)) {
			return c, fmt.Errorf("resource: alg %q is not ES256, EdDSA or RS256", alg)
		}
		algs = append(algs, jws.Alg(alg))
	}
	c.Algs = algs
	c.fillLimits()
	c.fillParts()
	return c, c.checkDPoP()
}

func (c *Config) fillLimits() {
	c.FetchTimeout = within(c.FetchTimeout, 10*time.Millisecond, 5*time.Second, time.Minute)
	c.KeysRefresh = within(c.KeysRefresh, time.Second, 5*time.Minute, 24*time.Hour)
	c.KeysMaxAge = within(c.KeysMaxAge, c.KeysRefresh, 24*time.Hour, 30*24*time.Hour)
	c.MaxStaleness = within(c.MaxStaleness, time.Second, 10*time.Minute, 7*24*time.Hour)
	c.MaxStatusBytes = within(c.MaxStatusBytes, 1, 1<<20, 64<<20)
	c.Leeway = within(c.Leeway, 0, 10*time.Second, 5*time.Minute)
	c.MaxLifetime = within(c.MaxLifetime, time.Second, 24*time.Hour, 366*24*time.Hour)
	c.CacheSize = within(c.CacheSize, 0, 10_000, 10_000_000)
	c.DPoP.MaxAge = within(c.DPoP.MaxAge, time.Second, dpop.MaxAge, dpop.MaxAge)
}

func (c *Config) fillParts() {
	client := http.Client{}
	if c.Client != nil {
		client = *c.Client
	}
	client.CheckRedirect = withinOrigin
	c.Client = &client
	clock := c.Clock
	if clock == nil {
		clock = time.Now
	}
	c.Clock = func() time.Time { return clock().Round(0) } // the wall clock: the monotonic one stops while a machine sleeps, and lists age
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
}

func (c Config) checkDPoP() error {
	if c.DPoP.BaseURL == "" {
		if c.DPoP.Required {
			return errors.New("resource: DPoP.Required needs DPoP.BaseURL")
		}
		return nil
	}
	u, err := url.Parse(c.DPoP.BaseURL)
	switch {
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return errors.New("resource: DPoP.BaseURL is not an http or https URL")
	case len(c.DPoP.NonceKey) > 0 && len(c.DPoP.NonceKey) < 32:
		return errors.New("resource: DPoP.NonceKey is shorter than 32 bytes")
	}
	return nil
}

// checkURL parses a URL from which documents are fetched.
func (c Config) checkURL(field, text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.Fragment != "":
		return nil, fmt.Errorf("resource: %s is not an http or https URL", field)
	case u.Scheme == "http" && !c.AllowHTTP && !onThisMachine(u.Hostname()):
		return nil, fmt.Errorf("resource: %s is not https; AllowHTTP would take it", field)
	}
	return u, nil
}

func onThisMachine(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// within returns value limited to its bounds, or otherwise if value is zero.
func within[T cmp.Ordered](value, least, otherwise, most T) T {
	var zero T
	if value == zero {
		value = otherwise
	}
	return min(max(value, least), most)
}
