package resource

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/auth/keyring"
	"latchkey/auth/origin"
)

func TestConfigurationsThatMakeNoSense(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Config)
		good   bool
	}{
		"issuer and audience alone":     {func(*Config) {}, true},
		"no issuer":                     {func(c *Config) { c.Issuer = "" }, false},
		"an issuer that is a name":      {func(c *Config) { c.Issuer = "latchkey" }, false},
		"an issuer with a password":     {func(c *Config) { c.Issuer = "https://a:b@id.example.com" }, false},
		"an issuer in the clear":        {func(c *Config) { c.Issuer = "http://id.example.com" }, false},
		"one in the clear, knowingly":   {func(c *Config) { c.Issuer, c.AllowHTTP = "http://id.example.com", true }, true},
		"an issuer on this machine":     {func(c *Config) { c.Issuer = "http://localhost:8080" }, true},
		"an issuer on ::1":              {func(c *Config) { c.Issuer = "http://[::1]:8080" }, true},
		"no audience":                   {func(c *Config) { c.Audience = "" }, false},
		"keys in the clear":             {func(c *Config) { c.JWKSURL = "http://keys.example.com" }, false},
		"keys of a file":                {func(c *Config) { c.JWKSURL = "file:///keys" }, false},
		"keys elsewhere":                {func(c *Config) { c.JWKSURL = "https://keys.example.com/keys" }, true},
		"keys elsewhere and discovered": {func(c *Config) { c.JWKSURL, c.Discover = "https://keys.example.com/keys", true }, false},
		"lists in the clear":            {func(c *Config) { c.StatusOrigin = "http://lists.example.com" }, false},
		"HS256":                         {func(c *Config) { c.Algs = []string{"HS256"} }, false},
		"none":                          {func(c *Config) { c.Algs = []string{"ES256", "none"} }, false},
		"DPoP without a URL":            {func(c *Config) { c.DPoP.Required = true }, false},
		"DPoP with a path alone":        {func(c *Config) { c.DPoP.BaseURL = "/api" }, false},
		"DPoP with a query":             {func(c *Config) { c.DPoP.BaseURL = "https://api.example.com?a=b" }, false},
		"DPoP in the clear":             {func(c *Config) { c.DPoP.BaseURL = "http://api.example.com" }, true},
		"a nonce key that is short":     {func(c *Config) { c.DPoP.BaseURL, c.DPoP.NonceKey = theAudience, []byte("short") }, false},
	} {
		c := Config{Issuer: theIssuer, Audience: theAudience, FetchTimeout: 10 * time.Millisecond, Logger: slog.New(slog.DiscardHandler), Client: newIssuer(t, keyring.EdDSA).client()}
		test.change(&c)
		v, err := New(c)
		if (err == nil) != test.good {
			t.Errorf("%s: %v", name, err)
		}
		if v != nil {
			v.Close()
		}
	}
}

func TestExtremesAreBounded(t *testing.T) {
	low, err := Config{
		Issuer: theIssuer, Audience: theAudience, FetchTimeout: -1, KeysRefresh: -1, KeysMaxAge: -1, MaxStaleness: -1, MaxStatusBytes: -1, Leeway: -1, MaxLifetime: -1,
		CacheSize: -1, DPoP: DPoP{MaxAge: -1},
	}.filled()
	if err != nil {
		t.Fatal(err)
	}
	const ever = 1 << 62
	high, err := Config{
		Issuer: theIssuer, Audience: theAudience, FetchTimeout: ever, KeysRefresh: ever, KeysMaxAge: ever, MaxStaleness: ever, MaxStatusBytes: ever, Leeway: ever,
		MaxLifetime: ever, CacheSize: ever, DPoP: DPoP{MaxAge: ever},
	}.filled()
	if err != nil {
		t.Fatal(err)
	}
	none, err := Config{Issuer: theIssuer, Audience: theAudience}.filled()
	if err != nil {
		t.Fatal(err)
	}
	show := func(c Config) string {
		return fmt.Sprint(c.FetchTimeout, c.KeysRefresh, c.KeysMaxAge, c.MaxStaleness, c.MaxStatusBytes, c.Leeway, c.MaxLifetime, c.CacheSize, c.DPoP.MaxAge)
	}
	for _, test := range []struct {
		name, want string
		c          Config
	}{
		{"least", "10ms 1s 1s 1s 1 0s 1s 0 1s", low},
		{"default", "5s 5m0s 24h0m0s 10m0s 1048576 10s 24h0m0s 10000 1m0s", none},
		{"most", "1m0s 24h0m0s 720h0m0s 168h0m0s 67108864 5m0s 8784h0m0s 10000000 1m0s", high},
	} {
		if got := show(test.c); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
	if now := none.Clock(); now != now.Round(0) {
		t.Errorf("%v: a clock that stands still while the machine sleeps", now)
	}
	if none.JWKSURL != theIssuer+jwksPath || none.StatusOrigin != theIssuer {
		t.Errorf("%s, %s", none.JWKSURL, none.StatusOrigin)
	}
}

func TestOriginsAreComparedAsBrowsersDo(t *testing.T) {
	for text, want := range map[string]string{
		"https://id.example.com/a?b": "https://id.example.com", "https://ID.example.COM:443": "https://id.example.com", "http://id.example.com:80/": "http://id.example.com",
		"https://id.example.com:80": "https://id.example.com:80", "https://id.example.com:8443": "https://id.example.com:8443", "http://[::1]:8080": "http://[::1]:8080",
	} {
		if got := origin.Of(parseURL(t, text)); got != want {
			t.Errorf("%s: %s", text, got)
		}
	}
}

func TestTheCacheIsBounded(t *testing.T) {
	i := newIssuer(t, keyring.EdDSA)
	v := i.verifier(func(c *Config) { c.CacheSize = 10 })
	inUse := i.token(nil)
	want(t, v, inUse, nil, "one in use, at first")
	first := v.verified.get(hash(inUse))
	for n := range 100 {
		want(t, v, i.token(map[string]any{"jti": strconv.Itoa(n)}), nil, "one of many")
		want(t, v, inUse, nil, "one in use")
		if v.verified.len() > 10 {
			t.Fatalf("%d tokens are remembered", v.verified.len())
		}
		if v.verified.get(hash(inUse)) != first {
			t.Fatal("the one in use was forgotten")
		}
	}
	none := i.verifier(func(c *Config) { c.CacheSize = -1 })
	want(t, none, inUse, nil, "without a cache")
	if none.verified.len() > 0 {
		t.Error("a token was remembered without a cache")
	}
}

func TestOnlyGoodTokensAreRemembered(t *testing.T) {
	i := newIssuer(t, keyring.EdDSA)
	v := i.verifier(nil)
	stranger := newIssuer(t, keyring.EdDSA)
	for _, token := range []string{"rubbish", stranger.token(nil), i.token(map[string]any{"exp": 1}), i.token(map[string]any{"aud": "x"})} {
		want(t, v, token, ErrInvalidToken, "a bad token")
	}
	if v.verified.len() > 0 {
		t.Errorf("%d bad tokens are remembered", v.verified.len())
	}
}

// A failure is logged when it begins and when it ends, not in between, and without any token.
func TestFailuresAreLoggedOnce(t *testing.T) {
	bubble(t, func(t *testing.T, i *issuer) {
		var log bytes.Buffer
		v := i.verifier(func(c *Config) { c.Logger, c.KeysRefresh = slog.New(slog.NewTextHandler(&log, nil)), time.Second })
		token := i.token(nil)
		want(t, v, token, nil, "at first")
		i.stop(true)
		time.Sleep(10 * time.Minute)
		i.stop(false)
		time.Sleep(time.Minute)
		synctest.Wait()
		if strings.Count(log.String(), "level=WARN") != 1 || strings.Count(log.String(), "level=INFO") != 1 || strings.Contains(log.String(), token) {
			t.Error(log.String())
		}
	})
}

func TestARequestThatIsGivenUpDoesNotWait(t *testing.T) {
	bubble(t, func(t *testing.T, i *issuer) {
		i.instead[jwksPath] = slowly(i)
		v := i.verifier(nil)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		start := time.Now()
		if _, err := v.Verify(ctx, i.token(nil)); time.Since(start) != 100*time.Millisecond || err == nil {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}
