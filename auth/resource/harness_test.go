package resource

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"latchkey/auth/keyring"
	"latchkey/auth/statuslist"
)

const (
	theIssuer   = "https://id.example.com"
	theAudience = "https://api.example.com"
	theList     = theIssuer + "/statuslists/1"
	listTTL     = time.Minute
)

// issuer serves keys and one list, which a test can change, break or stop. It makes tokens as Latchkey does.
type issuer struct {
	t       testing.TB
	mu      sync.Mutex
	keys    []*keyring.Key // the last one signs
	down    bool
	revoked statuslist.Bits
	ttl     int64
	exp     time.Duration
	hits    map[string]int
	instead map[string]http.HandlerFunc // by path
	now     func() time.Time
	header  map[string]any // of the list
	claims  map[string]any
}

func newIssuer(t testing.TB, alg string) *issuer {
	i := &issuer{
		t: t, revoked: statuslist.NewBits(1024), ttl: int64(listTTL / time.Second), hits: map[string]int{}, instead: map[string]http.HandlerFunc{}, now: time.Now,
	}
	i.rotate(alg)
	return i
}

// rotate adds a new signing key.
func (i *issuer) rotate(alg string) {
	i.t.Helper()
	k, err := keyring.Generate(alg, 1, time.Now(), time.Now())
	if err != nil {
		i.t.Fatal(err)
	}
	i.change(func() { i.keys = append(i.keys, k) })
}

func (i *issuer) change(f func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	f()
}

func (i *issuer) count(path string) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.hits[path]
}

func (i *issuer) stop(down bool) { i.change(func() { i.down = down }) }

func (i *issuer) revoke(n int) {
	i.change(func() { i.revoked = slices.Clone(i.revoked); i.revoked.Set(n) })
}

func (i *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	i.hits[r.URL.Path]++
	instead, down := i.instead[r.URL.Path], i.down
	i.mu.Unlock()
	switch {
	case down:
		panic(http.ErrAbortHandler)
	case instead != nil:
		instead(w, r)
	case r.URL.Path == "/.well-known/jwks.json":
		w.Write(i.jwks())
	case r.URL.Path == "/.well-known/oauth-authorization-server":
		w.Write(asJSON(i.t, map[string]string{"issuer": theIssuer, "jwks_uri": theIssuer + "/.well-known/jwks.json"}))
	case r.URL.Path == "/statuslists/1":
		w.Write([]byte(i.list()))
	default:
		http.NotFound(w, r)
	}
}

// list returns the JWT of the current list.
func (i *issuer) list() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	lst, err := statuslist.Encode(i.revoked)
	if err != nil {
		i.t.Error(err)
	}
	claims := map[string]any{"sub": theList, "iat": i.now().Unix(), "ttl": i.ttl, "status_list": map[string]any{"bits": 1, "lst": lst}}
	if i.exp > 0 {
		claims["exp"] = i.now().Add(i.exp).Unix()
	}
	header := map[string]any{"typ": statuslist.Type}
	maps.Copy(claims, i.claims)
	maps.Copy(header, i.header)
	return i.sign(i.keys[len(i.keys)-1], header, claims)
}

func (i *issuer) signer() *keyring.Key {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.keys[len(i.keys)-1]
}

// token returns an access token that is valid except for the changes; nil removes a member.
func (i *issuer) token(changes map[string]any) string {
	claims := map[string]any{
		"iss": theIssuer, "aud": theAudience, "sub": "019aad6e-8000-7000-8000-000000000001", "sid": "019aad6e-8000-7000-8000-000000000002",
		"client_id": "app", "device_name": "phone", "jti": "a token", "iat": i.now().Unix(), "exp": i.now().Add(15 * time.Minute).Unix(),
	}
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	return i.sign(i.signer(), map[string]any{"typ": "at+jwt"}, claims)
}

// listed returns a valid token whose status is in the list.
func (i *issuer) listed(index int) string {
	return i.token(map[string]any{"jti": strconv.Itoa(index), "status": status(index, theList)})
}

func status(index any, uri string) map[string]any {
	return map[string]any{"status_list": map[string]any{"idx": index, "uri": uri}}
}

// sign returns a JWS. The header has the key's alg and kid unless it sets them itself.
func (i *issuer) sign(k *keyring.Key, header map[string]any, payload any) string {
	all := map[string]any{"alg": k.Alg, "kid": k.ID}
	maps.Copy(all, header)
	maps.DeleteFunc(all, func(_ string, v any) bool { return v == nil })
	return signText(i.t, k.Method(), k.Signer(), asJSON(i.t, all), asJSON(i.t, payload))
}

func asJSON(t testing.TB, v any) []byte {
	if text, ok := v.(string); ok {
		return []byte(text)
	}
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func signText(t testing.TB, method jwt.SigningMethod, key any, header, payload []byte) string {
	signed := b64(header) + "." + b64(payload)
	signature, err := method.Sign(signed, key)
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + b64(signature)
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// RoundTrip lets a client reach the issuer without a network, so that a synctest bubble does not wait for it.
func (i *issuer) RoundTrip(r *http.Request) (answer *http.Response, err error) {
	defer func() {
		if recover() != nil {
			answer, err = nil, errors.New("connection refused")
		}
	}()
	w := httptest.NewRecorder()
	i.ServeHTTP(w, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

// verifier returns a verifier of the issuer's tokens, which is closed at the end of the test.
func (i *issuer) verifier(changes func(*Config)) *Verifier {
	i.t.Helper()
	c := Config{
		Issuer: theIssuer, Audience: theAudience, Client: &http.Client{Transport: i}, Clock: func() time.Time { return i.now() },
		Logger: slog.New(slog.DiscardHandler), FetchTimeout: 30 * time.Second,
	}
	if changes != nil {
		changes(&c)
	}
	v, err := New(c)
	if err != nil {
		i.t.Fatal(err)
	}
	i.t.Cleanup(v.Close)
	return v
}

// bubble runs a test in which time passes only while all goroutines wait.
func bubble(t *testing.T, f func(t *testing.T, i *issuer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, newIssuer(t, keyring.ES256)) })
}

// want verifies a token and compares the kind of error; nil: none.
func want(t *testing.T, v *Verifier, token string, kind error, when string) {
	t.Helper()
	c, err := v.Verify(context.Background(), token)
	if kind == nil {
		if err != nil || c == nil {
			t.Errorf("%s: %v", when, err)
		}
		return
	}
	if !errors.Is(err, kind) || c != nil {
		t.Errorf("%s: %+v, %v; want %v", when, c, err, kind)
	}
}

func must[T any](t testing.TB) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func parseURL(t testing.TB, text string) *url.URL { return must[*url.URL](t)(url.Parse(text)) }

func asBytes(public any) []byte { return []byte(public.(ed25519.PublicKey)) }

func (i *issuer) client() *http.Client { return &http.Client{Transport: i} }

func (i *issuer) jwks() []byte {
	i.mu.Lock()
	defer i.mu.Unlock()
	return keyring.New(i.keys[0].Alg, i.keys, keyring.Schedule{Every: time.Hour, Keep: 1000 * time.Hour, Lead: time.Hour}).JWKS(time.Now())
}
