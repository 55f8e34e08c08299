package resource

import (
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/auth/keyring"
)

const (
	jwksPath = "/.well-known/jwks.json"
	listPath = "/statuslists/1"
)

// These run in bubbles: time.Sleep is exact, and takes no time.

func TestKeysAreFetchedInTheBackground(t *testing.T) {
	bubble(t, func(t *testing.T, i *issuer) {
		v := i.verifier(func(c *Config) { c.KeysRefresh = time.Minute })
		synctest.Wait()
		if n := i.count(jwksPath); n != 1 {
			t.Fatalf("%d fetches before the first token", n)
		}
		time.Sleep(10*time.Minute + time.Second)
		if n := i.count(jwksPath); n != 11 {
			t.Errorf("%d fetches in ten minutes", n)
		}
		want(t, v, i.token(nil), nil, "after that")
	})
}

func TestANewKeyIsFetchedWhenATokenNamesIt(t *testing.T) {
	bubble(t, func(t *testing.T, i *issuer) {
		v := i.verifier(nil)
		want(t, v, i.token(nil), nil, "by the first key")
		time.Sleep(retryGap)
		i.rotate(keyring.EdDSA)
		i.stop(true)
		want(t, v, i.token(nil), ErrUnavailable, "by a new key, while the issuer is down")
		i.stop(false)
		time.Sleep(retryGap)
		want(t, v, i.token(nil), nil, "by a new key")
		if n := i.count(jwksPath); n != 3 {
			t.Errorf("%d fetches", n)
		}
	})
}

func TestUnknownKeysAreAskedForAtABoundedRate(t *testing.T) {
	bubble(t, func(t *testing.T, i *issuer) {
		v := i.verifier(func(c *Config) { c.KeysRefresh = time.Hour })
		stranger := newIssuer(t, keyring.EdDSA)
		for range 600 {
			want(t, v, stranger.token(nil), ErrInvalidToken, "by a key that nobody published")
			time.Sleep(100 * time.Millisecond)
		}
		if n := i.count(jwksPath); n < 10 || n > 13 {
			t.Errorf("%d fetches in a minute, want one every 5 s", n)
		}
	})
}

func TestManyTokensOfANewKeyShareOneFetch(t *testing.T) {
	bubble(t, func(t *testing.T, i *issuer) {
		v := i.verifier(nil)
		synctest.Wait()
		time.Sleep(retryGap)
		i.rotate(keyring.EdDSA)
		i.instead[jwksPath] = slowly(i)
		var all sync.WaitGroup
		for n := range 50 {
			token := i.token(map[string]any{"jti": strconv.Itoa(n)})
			all.Go(func() { want(t, v, token, nil, "by a new key") })
		}
		all.Wait()
		if n := i.count(jwksPath); n != 2 {
			t.Errorf("%d fetches", n)
		}
	})
}

// slowly responds with the keys after a second.
func slowly(i *issuer) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(time.Second)
		w.Write(i.jwks())
	}
}

func TestAWithdrawnKeyIsNotBelievedEvenForCachedTokens(t *testing.T) {
	bubble(t, func(t *testing.T, i *issuer) {
		v := i.verifier(func(c *Config) { c.KeysRefresh = time.Minute })
		old := i.token(nil)
		i.rotate(keyring.ES256)
		want(t, v, old, nil, "while the key is published")
		i.change(func() { i.keys = i.keys[1:] })
		want(t, v, old, nil, "before the next fetch")
		time.Sleep(time.Minute + time.Second)
		want(t, v, old, ErrInvalidToken, "after it")
		want(t, v, i.token(nil), nil, "by the key that stayed")
	})
}

func TestAKeyIsNotAnotherOfTheSameName(t *testing.T) {
	bubble(t, func(t *testing.T, i *issuer) {
		v := i.verifier(func(c *Config) { c.KeysRefresh = time.Minute })
		old := i.token(nil)
		want(t, v, old, nil, "by the first key")
		i.rotate(keyring.ES256)
		i.change(func() { i.keys[1].ID = i.keys[0].ID; i.keys = i.keys[1:] })
		time.Sleep(time.Minute + time.Second)
		want(t, v, old, ErrInvalidToken, "by the first key, when its name is another's")
		want(t, v, i.token(nil), nil, "by the other")
	})
}

func TestKeysAreBelievedForAWhileWithoutTheIssuer(t *testing.T) {
	bubble(t, func(t *testing.T, i *issuer) {
		v := i.verifier(func(c *Config) { c.KeysMaxAge, c.MaxLifetime = time.Hour, 100*time.Hour })
		long := i.token(map[string]any{"exp": time.Now().Add(50 * time.Hour).Unix()})
		want(t, v, long, nil, "at first")
		i.stop(true)
		time.Sleep(59 * time.Minute)
		want(t, v, long, nil, "within KeysMaxAge")
		time.Sleep(10 * time.Minute)
		want(t, v, long, ErrUnavailable, "after it")
		i.stop(false)
		time.Sleep(lastRetry + time.Second)
		want(t, v, long, nil, "when the issuer is back")
	})
}

func TestWithoutKeysNothingIsKnown(t *testing.T) {
	bubble(t, func(t *testing.T, i *issuer) {
		i.stop(true)
		v := i.verifier(nil)
		want(t, v, i.token(nil), ErrUnavailable, "before the issuer is up")
		want(t, v, "rubbish", ErrInvalidToken, "rubbish, even then")
		i.stop(false)
		time.Sleep(lastRetry + time.Second)
		want(t, v, i.token(nil), nil, "when it is up")
	})
}

// While an issuer hangs, only the request that begins a fetch waits for it. Otherwise requests would pile up.
func TestRequestsDoNotPileUpBeforeAnIssuerThatHangs(t *testing.T) {
	bubble(t, func(t *testing.T, i *issuer) {
		v := i.verifier(nil)
		want(t, v, i.token(nil), nil, "at first")
		i.change(func() {
			i.instead[listPath] = func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
		})
		token := i.listed(1)
		want(t, v, token, ErrUnavailable, "the first, which waits")
		waited := 0
		var all sync.WaitGroup
		var mu sync.Mutex
		for range 1000 {
			time.Sleep(100 * time.Millisecond)
			all.Go(func() {
				start := time.Now()
				want(t, v, token, ErrUnavailable, "another")
				mu.Lock()
				defer mu.Unlock()
				if time.Since(start) > 0 {
					waited++
				}
			})
		}
		all.Wait()
		if waited > 5 {
			t.Errorf("%d of 1000 requests waited", waited)
		}
	})
}

func TestAKeySetThatCannotBeUsedDoesNotReplaceOneThatCan(t *testing.T) {
	for name, body := range map[string]string{
		"not JSON": "<html>", "no keys": `{"keys":[]}`, "other keys": `{"keys":[{"kty":"oct","kid":"a","k":"AAAA"}]}`, "nothing": "", "null": "null", "a list": "[]",
	} {
		bubble(t, func(t *testing.T, i *issuer) {
			v := i.verifier(func(c *Config) { c.KeysRefresh = time.Second })
			token := i.token(nil)
			want(t, v, token, nil, name+", before")
			i.change(func() { i.instead[jwksPath] = func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(body)) } })
			time.Sleep(time.Minute)
			want(t, v, token, nil, name+", after")
		})
	}
}
