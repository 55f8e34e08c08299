package resource

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"latchkey/auth/origin"
)

// keySet is the set of the issuer's published keys.
type keySet struct {
	keys    map[string]*key // by kid
	fetched time.Time
	due     time.Time
	expires time.Time
}

// over reports whether the keys are too old to use, or may be, because the clock was ahead when they were fetched.
func (s *keySet) over(now time.Time) bool {
	return now.After(s.expires) || s.fetched.After(now.Add(maxSetBack))
}

func (v *Verifier) fetchKeys(ctx context.Context, old *keySet) (*keySet, error) {
	from := v.config.JWKSURL
	if v.config.Discover {
		var err error
		if from, err = v.discover(ctx); err != nil {
			return nil, err
		}
	}
	text, err := v.get(ctx, from, "application/jwk-set+json, application/json", maxKeySetBytes)
	if err != nil {
		return nil, err
	}
	keys, err := parseKeySet(text, v.config.Algs)
	if err != nil {
		return nil, err
	}
	if old != nil {
		for id, k := range keys { // keep equal keys: cached tokens compare pointers
			if before := old.keys[id]; before != nil && before.equal(k) {
				keys[id] = before
			}
		}
	}
	now := v.config.Clock()
	return &keySet{keys: keys, fetched: now, due: now.Add(v.config.KeysRefresh), expires: now.Add(v.config.KeysMaxAge)}, nil
}

// discover reads the URL of the keys from the issuer's metadata (RFC 8414 §3: the well-known part comes before the issuer's path).
func (v *Verifier) discover(ctx context.Context) (string, error) {
	issuer, err := url.Parse(v.config.Issuer)
	if err != nil {
		return "", err
	}
	from := issuer.Scheme + "://" + issuer.Host + "/.well-known/oauth-authorization-server" + strings.TrimSuffix(issuer.EscapedPath(), "/")
	text, err := v.get(ctx, from, "application/json", maxKeySetBytes)
	if err != nil {
		return "", err
	}
	var metadata struct {
		Issuer  string `json:"issuer"`
		JWKSURI string `json:"jwks_uri"`
	}
	if err := json.Unmarshal(text, &metadata); err != nil {
		return "", fmt.Errorf("metadata: %w", err)
	}
	if !origin.Same(metadata.Issuer, v.config.Issuer) { // RFC 8414 §3.3
		return "", errors.New("metadata: of another issuer")
	}
	keys, err := url.Parse(metadata.JWKSURI)
	if err != nil || origin.Of(keys) != origin.Of(issuer) || keys.User != nil {
		return "", errors.New("metadata: jwks_uri is not of the issuer's origin; set JWKSURL if that is meant")
	}
	return metadata.JWKSURI, nil
}

// findKey returns the key with an id. An unknown key may be new, so findKey then fetches the keys, but at most every retryGap,
// however many tokens name unknown keys.
func (v *Verifier) findKey(ctx context.Context, kid string) (*key, error) {
	if kid == "" {
		return nil, invalid("it does not name its key")
	}
	now := v.config.Clock()
	if k := v.heldKey(kid, now); k != nil {
		return k, nil
	}
	v.keys.await(ctx)
	if k := v.heldKey(kid, now); k != nil {
		return k, nil
	}
	if set := v.keys.value.Load(); set == nil || set.over(now) || v.keys.failing() || ctx.Err() != nil {
		return nil, unavailable("the issuer's keys cannot be fetched", context.Cause(ctx))
	}
	return nil, invalid("its key is not one of the issuer's")
}

// heldKey returns the key with an id from the current set, or nil if the set lacks it or is too old.
func (v *Verifier) heldKey(kid string, now time.Time) *key {
	set := v.keys.value.Load()
	if set == nil || set.over(now) {
		return nil
	}
	v.keys.nudge(set.due, now)
	return set.keys[kid]
}
