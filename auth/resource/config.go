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

// Config says whose tokens are believed, and for how long without asking. Issuer and Audience have no default; the
// zero value of everything else is a sound choice.
type Config struct {
	// Issuer is the iss of every good token: the LATCHKEY_ISSUER of the server, by default its base URL. Required; an http or
	// https URL. Scheme, host and port may be spelt in any way (punycode or not, with a default port or not), the path may not.
	Issuer string
	// Audience is what the aud of every good token is, or holds: LATCHKEY_AUDIENCE, by default the issuer. Required. A URL may be spelt
	// in any way, as the issuer; another audience is compared letter for letter.
	Audience string

	// JWKSURL is where the issuer publishes its keys. Default: the issuer + /.well-known/jwks.json.
	JWKSURL string
	// Discover asks the issuer's metadata (RFC 8414) for the URL of the keys instead; it must have the issuer's origin.
	// JWKSURL must then be empty.
	Discover bool
	// StatusOrigin is the origin (https://host, with a port where there is one) of the status lists that tokens may name; a
	// token that names one elsewhere is refused, and nothing is fetched. Default: the issuer's.
	StatusOrigin string
	// AllowHTTP lets keys and lists be fetched in the clear from other hosts than this machine. Whoever can change
	// them on their way signs tokens for anybody.
	AllowHTTP bool
	// Client fetches. Its redirects within one origin are followed, others are not; its own timeout counts too. Default: one that
	// shares http.DefaultTransport.
	Client *http.Client
	// FetchTimeout bounds one fetch. Default 5 s; 10 ms to a minute.
	FetchTimeout time.Duration

	// KeysRefresh is how often the keys are fetched: a key that the issuer withdraws is believed for so long. Default 5 minutes;
	// 1 s to 24 hours. A token that names an unknown key makes them be fetched at once, but not more often than every 5 s.
	KeysRefresh time.Duration
	// KeysMaxAge is how long keys are believed when no newer ones can be had; then tokens get ErrUnavailable.
	// Default 24 hours; KeysRefresh to 30 days.
	KeysMaxAge time.Duration
	// StatusRefresh fetches a status list again sooner than its own ttl says: a revocation is seen after so long, and the
	// time of a fetch. Default: the ttl, or a minute where the list has none; at least 1 s. A longer one than the ttl counts for nothing.
	StatusRefresh time.Duration
	// MaxStaleness is how long a fetched status list is believed when no newer one can be had, unless its own exp comes first.
	// Default 10 minutes; 1 s to 7 days.
	MaxStaleness time.Duration
	// FailOpen accepts tokens whose status cannot be told, because there never was a list or it is stale; what
	// the last list calls revoked stays refused. Default: such tokens get ErrUnavailable.
	FailOpen bool
	// MaxStatusBytes bounds one status list in memory; each byte holds eight devices. Default 1 MiB; at most 64 MiB. A list
	// that is longer is not believed.
	MaxStatusBytes int

	// Algs are the signature algorithms that keys may have, of ES256, EdDSA (or Ed25519, which is the same here) and RS256. Default:
	// all three.
	Algs []string
	// Leeway forgives clocks that differ: exp is good for so much longer, iat may lie so far ahead. Default 10 s; negative for
	// none; at most 5 minutes.
	Leeway time.Duration
	// MaxLifetime refuses tokens whose exp is further from iat: an issuer that makes those makes a mistake. Default 24 hours,
	// to be raised where LATCHKEY_ACCESS_TTL is longer; 1 s to 366 days.
	MaxLifetime time.Duration
	// CacheSize is how many verified tokens are remembered, at about 1 kB each, so that only the first use of a token costs a
	// signature check. Default 10,000; negative for none; at most 10 million.
	CacheSize int

	// DPoP says how tokens that are bound to a key are presented.
	DPoP DPoP

	// Clock tells the time that tokens, keys and lists are judged by. Default time.Now.
	Clock func() time.Time
	// Logger hears of fetches that fail, and of the first that succeeds again. Default slog.Default().
	Logger *slog.Logger
}

// DPoP says how tokens that are bound to a key (RFC 9449) are presented to this resource server.
type DPoP struct {
	// BaseURL is this server's public URL (https://api.example.com), without the path of a request: what proofs are
	// made for. It is not taken from the Host header, which whoever replays a proof chooses. Default: none, and bound tokens are refused.
	BaseURL string
	// Required refuses tokens that are not bound. Needs BaseURL.
	Required bool
	// MaxAge is how old a proof without a nonce may be. Default and most: 60 s; at least 1 s.
	MaxAge time.Duration
	// NonceKey, 32 random bytes or more that all replicas of this server share, makes proofs carry a nonce of the last
	// three minutes (RFC 9449 §9): none can be made for later, and a proof is as old as its nonce, whatever the device's clock says.
	// Default: no nonces.
	NonceKey []byte
}

var allAlgs = []string{"ES256", "EdDSA", "RS256"}

// filled is the configuration with its defaults, or what is wrong with it.
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
	var algs []string // a copy: the caller's slice is not ours to change
	for _, alg := range c.Algs {
		if !slices.Contains(allAlgs, jws.Alg(alg)) {
			return c, fmt.Errorf("resource: alg %q is none of ES256, EdDSA and RS256", alg)
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
	c.Clock = func() time.Time { return clock().Round(0) } // of the wall: another stands still while a machine sleeps, and lists age
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

// checkURL parses a URL that may be fetched from.
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

// within is the value between its bounds, or for zero its default.
func within[T cmp.Ordered](value, least, otherwise, most T) T {
	var zero T
	if value == zero {
		value = otherwise
	}
	return min(max(value, least), most)
}
