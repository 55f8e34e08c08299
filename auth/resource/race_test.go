package resource

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/auth/keyring"
)

// Many goroutines verify while keys and lists are replaced. No valid token is refused, and after the last list no revoked token is
// accepted.
func TestVerifyWhileEverythingIsReplaced(t *testing.T) {
	i := newIssuer(t, keyring.EdDSA)
	v := i.verifier(func(c *Config) { c.CacheSize = 8 })
	good, revoked := i.listed(1), i.listed(2)
	var others []string
	for n := range 20 {
		others = append(others, i.token(map[string]any{"jti": strconv.Itoa(n)}))
	}
	want(t, v, good, nil, "at first")
	var all sync.WaitGroup
	var over atomic.Bool
	for range 4 {
		all.Go(func() {
			for !over.Load() {
				want(t, v, good, nil, "a good token")
				if _, err := v.Verify(context.Background(), revoked); err != nil && !errors.Is(err, ErrRevoked) {
					t.Errorf("a token that is being revoked: %v", err)
				}
				for _, token := range others {
					want(t, v, token, nil, "one of many")
				}
				want(t, v, "rubbish", ErrInvalidToken, "rubbish")
			}
		})
	}
	list := (*v.lists.Load())[theList]
	for n := range 50 {
		if n == 25 {
			i.revoke(2)
		}
		v.keys.update(v.background)
		list.update(v.background)
	}
	over.Store(true)
	all.Wait()
	want(t, v, revoked, ErrRevoked, "a revoked token")
	if n := i.count(jwksPath); n < 50 {
		t.Errorf("the keys were fetched %d times", n)
	}
}

func TestManyFirstRequestsAndAClose(t *testing.T) {
	for range 20 {
		i := newIssuer(t, keyring.EdDSA)
		v := i.verifier(nil)
		var all sync.WaitGroup
		for n := range 8 {
			token := i.token(map[string]any{"status": status(n, theIssuer+"/statuslists/"+strconv.Itoa(n%2))})
			all.Go(func() {
				if _, err := v.Verify(context.Background(), token); err != nil && !errors.Is(err, ErrUnavailable) {
					t.Error(err)
				}
			})
		}
		all.Go(v.Close)
		ended := make(chan struct{})
		go func() { all.Wait(); close(ended) }()
		select {
		case <-ended:
		case <-time.After(time.Minute):
			t.Fatal("somebody waits for ever")
		}
	}
}
