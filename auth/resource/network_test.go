package resource

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"latchkey/auth/keyring"
)

// served returns the issuer behind a real listener, whose address its tokens and lists name.
func served(t *testing.T, h http.Handler) *httptest.Server {
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server
}

func verifierOf(t *testing.T, server *httptest.Server, changes func(*Config)) *Verifier {
	t.Helper()
	transport := &http.Transport{}
	c := Config{Issuer: server.URL, Audience: theAudience, Client: &http.Client{Transport: transport}, Logger: slog.New(slog.DiscardHandler), FetchTimeout: 30 * time.Second}
	if changes != nil {
		changes(&c)
	}
	v := must[*Verifier](t)(New(c))
	t.Cleanup(transport.CloseIdleConnections)
	t.Cleanup(v.Close)
	return v
}

func TestOverARealNetwork(t *testing.T) {
	i := newIssuer(t, keyring.ES256)
	server := served(t, i)
	i.claims = map[string]any{"sub": server.URL + listPath}
	i.revoke(5)
	v := verifierOf(t, server, nil)
	at := func(n int) string {
		return i.token(map[string]any{"iss": server.URL, "status": status(n, server.URL+listPath)})
	}
	want(t, v, at(4), nil, "a good token")
	want(t, v, at(5), ErrRevoked, "a revoked one")
	server.Close()
	want(t, v, at(4), nil, "a good token, when the server is gone")
	want(t, v, at(5), ErrRevoked, "a revoked one, when the server is gone")
}

func TestTheKeysMayBeDiscovered(t *testing.T) {
	for name, test := range map[string]struct {
		metadata string // with the server's URL for %[1]s
		kind     error
	}{
		"as it should be":              {`{"issuer":"%[1]s/a","jwks_uri":"%[1]s/.well-known/jwks.json"}`, nil},
		"of another issuer":            {`{"issuer":"%[1]s","jwks_uri":"%[1]s/.well-known/jwks.json"}`, ErrUnavailable},
		"with keys of another host":    {`{"issuer":"%[1]s/a","jwks_uri":"%[3]s/.well-known/jwks.json"}`, ErrUnavailable},
		"with keys of a file":          {`{"issuer":"%[1]s/a","jwks_uri":"file:///etc/passwd"}`, ErrUnavailable},
		"without keys":                 {`{"issuer":"%[1]s/a"}`, ErrUnavailable},
		"a text":                       {`"%[1]s"`, ErrUnavailable},
		"with a password for the keys": {`{"issuer":"%[1]s/a","jwks_uri":"http://a:b@%[2]s/.well-known/jwks.json"}`, ErrUnavailable},
	} {
		i := newIssuer(t, keyring.ES256)
		var url, another string
		i.instead["/.well-known/oauth-authorization-server/a"] = func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, test.metadata, url, strings.TrimPrefix(url, "http://"), another)
		}
		server := served(t, i)
		url, another = server.URL, served(t, i).URL
		v := verifierOf(t, server, func(c *Config) { c.Issuer, c.Discover = url+"/a", true })
		want(t, v, i.token(map[string]any{"iss": url + "/a"}), test.kind, name)
	}
}

func TestRedirectsToOtherHostsAreNotFollowed(t *testing.T) {
	i := newIssuer(t, keyring.ES256)
	var reached atomic.Int64
	elsewhere := served(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reached.Add(1)
		i.ServeHTTP(w, r)
	}))
	var redirected atomic.Int64
	to := func(url string) *httptest.Server {
		return served(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == jwksPath {
				redirected.Add(1)
				http.Redirect(w, r, url, http.StatusFound)
				return
			}
			r.URL.Path = jwksPath
			i.ServeHTTP(w, r)
		}))
	}
	away, within, round := to(elsewhere.URL+jwksPath), to("/keys"), to(jwksPath)
	want(t, verifierOf(t, away, nil), i.token(map[string]any{"iss": away.URL}), ErrUnavailable, "a redirect to another host")
	want(t, verifierOf(t, within, nil), i.token(map[string]any{"iss": within.URL}), nil, "a redirect within the host")
	want(t, verifierOf(t, round, nil), i.token(map[string]any{"iss": round.URL}), ErrUnavailable, "redirects round and round")
	if n := redirected.Load(); n > 200 { // some fetches of four requests each
		t.Errorf("%d redirects were followed", n)
	}
	if reached.Load() > 0 {
		t.Error("the other host was asked")
	}
}

func TestAnIssuerThatHangsOrFloodsIsGivenUp(t *testing.T) {
	good := newIssuer(t, keyring.ES256)
	for name, answer := range map[string]http.HandlerFunc{
		"never answers": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"answers a letter and hangs": func(w http.ResponseWriter, r *http.Request) {
			w.Write([]byte("{"))
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		},
		"sends without an end": func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := w.Write([]byte(strings.Repeat(" ", 1<<16))); err != nil {
					return
				}
			}
		},
		"sends a huge set": func(w http.ResponseWriter, _ *http.Request) {
			w.Write([]byte(`{"keys":[` + strings.Repeat(`{"kty":"oct"},`, 100_000) + `{}]}`))
		},
		"sends a thousand keys": func(w http.ResponseWriter, _ *http.Request) {
			w.Write([]byte(`{"keys":[` + strings.Repeat(`{},`, 1000) + `{}]}`))
		},
		"sends a good set and a megabyte of blanks": func(w http.ResponseWriter, _ *http.Request) {
			w.Write(append(good.jwks(), strings.Repeat(" ", 1<<20)...))
		},
		"answers 500 with a good set": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500); w.Write(good.jwks()) },
		"answers 500":                 func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) },
		"answers 204":                 func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) },
		"closes at once":              func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"answers 200 and {}":          func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("{}")) },
	} {
		server := served(t, answer)
		v := verifierOf(t, server, func(c *Config) { c.FetchTimeout = 200 * time.Millisecond })
		want(t, v, good.token(map[string]any{"iss": server.URL}), ErrUnavailable, name)
	}
}

func TestCloseLeavesNothingRunning(t *testing.T) {
	before := goleak.IgnoreCurrent()
	i := newIssuer(t, keyring.ES256)
	server := httptest.NewServer(i)
	i.claims = map[string]any{"sub": server.URL + listPath}
	i.instead["/hangs"] = func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	transport := &http.Transport{}
	v := must[*Verifier](t)(New(Config{
		Issuer: server.URL, Audience: theAudience, Client: &http.Client{Transport: transport}, Logger: slog.New(slog.DiscardHandler), FetchTimeout: time.Minute,
	}))
	token := func(uri string) string {
		return i.token(map[string]any{"iss": server.URL, "status": status(1, server.URL+uri)})
	}
	want(t, v, token(listPath), nil, "while it runs")
	waiting := make(chan struct{})
	hanging := token("/hangs")
	go func() {
		want(t, v, hanging, ErrUnavailable, "when it is closed under way")
		close(waiting)
	}()
	for i.count("/hangs") == 0 {
		time.Sleep(time.Millisecond)
	}
	v.Close()
	v.Close()
	<-waiting
	want(t, v, token(listPath), nil, "by what it knows, when it is closed")
	want(t, v, token("/another"), ErrUnavailable, "by what it does not know")
	if n := len(*v.lists.Load()); n != 2 {
		t.Errorf("%d lists, one of them begun after the end", n)
	}
	transport.CloseIdleConnections()
	server.Close()
	var err error
	for range 3000 {
		if err = goleak.Find(before); err == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error(err)
}
