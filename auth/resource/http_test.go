package resource

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"latchkey/auth/keyring"
)

// phone is a client with the key that its tokens are bound to.
type phone struct {
	t   *testing.T
	key *keyring.Key
	now time.Time
	n   int
}

// newPhone makes a phone, and stops the issuer's clock.
func newPhone(t *testing.T, i *issuer) *phone {
	now := time.Now().Truncate(time.Second)
	i.now = func() time.Time { return now }
	return &phone{t: t, key: must[*keyring.Key](t)(keyring.Generate(keyring.EdDSA, 1, now, now)), now: now}
}

// proof returns a proof for GET https://api.example.com/photos that is valid except for the changes.
func (p *phone) proof(token string, changes map[string]any) string {
	p.n++
	sum := sha256.Sum256([]byte(token))
	claims := map[string]any{"jti": "proof " + strconv.Itoa(p.n), "htm": "GET", "htu": theAudience + "/photos", "iat": p.now.Unix(), "ath": b64(sum[:])}
	for name, value := range changes {
		claims[name] = value
	}
	header := map[string]any{"typ": "dpop+jwt", "alg": "EdDSA", "jwk": map[string]any{"kty": "OKP", "crv": "Ed25519", "x": b64(asBytes(p.key.Public()))}}
	return signText(p.t, p.key.Method(), p.key.Signer(), asJSON(p.t, header), asJSON(p.t, claims))
}

// named returns a valid proof with the given alg.
func (p *phone) named(alg, token string) string {
	text := p.proof(token, nil)
	_, claims, _ := strings.Cut(text, ".")
	claims, _, _ = strings.Cut(claims, ".")
	header := map[string]any{"typ": "dpop+jwt", "alg": alg, "jwk": map[string]any{"kty": "OKP", "crv": "Ed25519", "alg": alg, "x": b64(asBytes(p.key.Public()))}}
	return signText(p.t, p.key.Method(), p.key.Signer(), asJSON(p.t, header), must[[]byte](p.t)(base64.RawURLEncoding.DecodeString(claims)))
}

// ask sends a request through the middleware to a handler that responds with the subject.
func ask(t *testing.T, v *Verifier, change func(*http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "https://wherever.example.com/photos?page=2", nil)
	change(r)
	w := httptest.NewRecorder()
	v.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, ok := ClaimsFrom(r.Context())
		if !ok {
			t.Error("no claims")
		}
		w.Write([]byte(c.Subject))
	})).ServeHTTP(w, r)
	return w
}

func withHeaders(pairs ...string) func(*http.Request) {
	return func(r *http.Request) {
		for n := 0; n < len(pairs); n += 2 {
			r.Header.Add(pairs[n], pairs[n+1])
		}
	}
}

const algs = `algs="ES256 EdDSA Ed25519"`

func TestBearerTokensAreLetThroughAndOthersChallenged(t *testing.T) {
	i := newIssuer(t, keyring.EdDSA)
	v := i.verifier(nil)
	good, expired := i.token(nil), i.token(map[string]any{"exp": time.Now().Unix() - 100})
	i.revoke(3)
	for name, test := range map[string]struct {
		headers   []string
		status    int
		challenge string
	}{
		"a good token":                 {[]string{"Authorization", "Bearer " + good}, 200, ""},
		"the scheme in small letters":  {[]string{"Authorization", "bearer " + good}, 200, ""},
		"nothing":                      {nil, 401, "Bearer"},
		"another scheme":               {[]string{"Authorization", "Basic YTpi"}, 401, "Bearer"},
		"a token without a scheme":     {[]string{"Authorization", good}, 401, "Bearer"},
		"a scheme without a token":     {[]string{"Authorization", "Bearer"}, 401, `Bearer error="invalid_token", error_description="there is not exactly one token"`},
		"two tokens in one header":     {[]string{"Authorization", "Bearer " + good + ", Bearer " + good}, 401, `Bearer error="invalid_token", error_description="there is not exactly one token"`},
		"two headers":                  {[]string{"Authorization", "Bearer " + good, "Authorization", "Bearer " + good}, 400, `Bearer error="invalid_request", error_description="there is more than one Authorization header"`},
		"a header and an empty one":    {[]string{"Authorization", "Bearer " + good, "Authorization", ""}, 400, `Bearer error="invalid_request", error_description="there is more than one Authorization header"`},
		"rubbish":                      {[]string{"Authorization", "Bearer rubbish"}, 401, `Bearer error="invalid_token", error_description="it is not three parts"`},
		"an expired token":             {[]string{"Authorization", "Bearer " + expired}, 401, `Bearer error="invalid_token", error_description="it has expired"`},
		"a revoked token":              {[]string{"Authorization", "Bearer " + i.listed(3)}, 401, `Bearer error="invalid_token", error_description="it was revoked"`},
		"a good token as DPoP":         {[]string{"Authorization", "DPoP " + good}, 401, `Bearer error="invalid_token", error_description="it is not bound to a key"`},
		"a bound token, no DPoP here":  {[]string{"Authorization", "Bearer " + i.token(map[string]any{"cnf": map[string]any{"jkt": "a"}})}, 401, `Bearer error="invalid_token", error_description="it is bound to a key, and this server takes no proofs"`},
		"a token in another header":    {[]string{"X-Access-Token", good}, 401, "Bearer"},
		"a token of a list not to had": {[]string{"Authorization", "Bearer " + i.token(map[string]any{"status": status(1, theIssuer+"/statuslists/2")})}, 503, ""},
	} {
		w := ask(t, v, withHeaders(test.headers...))
		if w.Code != test.status || strings.Join(w.Header().Values("WWW-Authenticate"), " | ") != test.challenge {
			t.Errorf("%s: %d, %q", name, w.Code, w.Header().Values("WWW-Authenticate"))
		}
		if w.Code == 200 {
			continue
		}
		var body struct {
			Code   string
			Status int
		}
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || body.Status != w.Code || body.Code == "" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %s, %v, %v", name, w.Body, w.Header(), err)
		}
		if (w.Code == 503) != (w.Header().Get("Retry-After") != "") {
			t.Errorf("%s: Retry-After %q", name, w.Header().Get("Retry-After"))
		}
	}
	if w := ask(t, v, func(r *http.Request) { r.URL.RawQuery = "access_token=" + good }); w.Code != 401 {
		t.Errorf("a token in the query: %d", w.Code)
	}
}

func TestBoundTokensNeedAProof(t *testing.T) {
	i := newIssuer(t, keyring.EdDSA)
	p := newPhone(t, i)
	other := &phone{t: t, key: newIssuer(t, keyring.EdDSA).signer(), now: p.now}
	v := i.verifier(func(c *Config) { c.DPoP.BaseURL, c.DPoP.MaxAge = theAudience+"/", 30*time.Second })
	bearer := i.token(nil)
	bound := i.token(map[string]any{"jti": "bound", "cnf": map[string]any{"jkt": p.key.ID}})
	used := p.proof(bound, nil)
	badProof := `Bearer | DPoP error="invalid_dpop_proof", error_description="the DPoP proof is not one for this request and token", ` + algs
	clock := func(off string) string {
		return `Bearer | DPoP error="invalid_dpop_proof", error_description="the DPoP proof is not of now: the clock of this device is ` + off + `", ` + algs
	}
	for _, test := range []struct {
		name      string
		headers   []string
		status    int
		challenge string
	}{
		{"nothing", nil, 401, "Bearer | DPoP " + algs},
		{"a bearer token", []string{"Authorization", "Bearer " + bearer}, 200, ""},
		{"a bound token with its proof", []string{"Authorization", "DPoP " + bound, "DPoP", used}, 200, ""},
		{"the scheme in small letters", []string{"Authorization", "dpop " + bound, "DPoP", p.proof(bound, nil)}, 200, ""},
		{"the same proof again", []string{"Authorization", "DPoP " + bound, "DPoP", used}, 401, `Bearer | DPoP error="invalid_dpop_proof", error_description="the DPoP proof was used before", ` + algs},
		{"a bound token as a bearer token", []string{"Authorization", "Bearer " + bound}, 401, `Bearer error="invalid_token", error_description="it is bound to a key and must be presented under the DPoP scheme" | DPoP ` + algs},
		{"a bound token as a bearer token with a proof", []string{"Authorization", "Bearer " + bound, "DPoP", p.proof(bound, nil)}, 401, `Bearer error="invalid_token", error_description="it is bound to a key and must be presented under the DPoP scheme" | DPoP ` + algs},
		{"a bearer token under DPoP", []string{"Authorization", "DPoP " + bearer, "DPoP", p.proof(bearer, nil)}, 401, `Bearer | DPoP error="invalid_token", error_description="it is not bound to a key", ` + algs},
		{"no proof", []string{"Authorization", "DPoP " + bound}, 401, badProof},
		{"two proofs", []string{"Authorization", "DPoP " + bound, "DPoP", p.proof(bound, nil), "DPoP", p.proof(bound, nil)}, 401, badProof},
		{"a proof for another token", []string{"Authorization", "DPoP " + bound, "DPoP", p.proof(bearer, nil)}, 401, badProof},
		{"a proof without a token", []string{"Authorization", "DPoP " + bound, "DPoP", p.proof(bound, map[string]any{"ath": nil})}, 401, badProof},
		{"a proof for another method", []string{"Authorization", "DPoP " + bound, "DPoP", p.proof(bound, map[string]any{"htm": "POST"})}, 401, badProof},
		{"a proof for another path", []string{"Authorization", "DPoP " + bound, "DPoP", p.proof(bound, map[string]any{"htu": theAudience + "/photo"})}, 401, badProof},
		{"a proof for the host that the request names", []string{"Authorization", "DPoP " + bound, "DPoP", p.proof(bound, map[string]any{"htu": "https://wherever.example.com/photos"})}, 401, badProof},
		{"an old proof", []string{"Authorization", "DPoP " + bound, "DPoP", p.proof(bound, map[string]any{"iat": p.now.Unix() - 100})}, 401, clock("100 s behind, or the proof was kept for so long")},
		{"a proof made ahead of time", []string{"Authorization", "DPoP " + bound, "DPoP", p.proof(bound, map[string]any{"iat": p.now.Unix() + 42})}, 401, clock("42 s ahead")},
		{"a proof of a strange nonce, which means nothing here", []string{"Authorization", "DPoP " + bound, "DPoP", p.proof(bound, map[string]any{"nonce": "x"})}, 200, ""},
		{"a proof for the same address, spelt otherwise", []string{"Authorization", "DPoP " + bound, "DPoP", p.proof(bound, map[string]any{"htu": "HTTPS://API.Example.com:443/photos"})}, 200, ""},
		{"a proof that names its alg by RFC 9864", []string{"Authorization", "DPoP " + bound, "DPoP", p.named("Ed25519", bound)}, 200, ""},
		{"a proof older than this server likes", []string{"Authorization", "DPoP " + bound, "DPoP", p.proof(bound, map[string]any{"iat": p.now.Unix() - 45})}, 401, clock("45 s behind, or the proof was kept for so long")},
		{"a proof by another key", []string{"Authorization", "DPoP " + bound, "DPoP", other.proof(bound, nil)}, 401, `Bearer | DPoP error="invalid_dpop_proof", error_description="the DPoP proof is by another key than the token's", ` + algs},
		{"a stolen token and a proof of the thief's", []string{"Authorization", "DPoP " + bearer, "DPoP", other.proof(bearer, nil)}, 401, `Bearer | DPoP error="invalid_token", error_description="it is not bound to a key", ` + algs},
	} {
		w := ask(t, v, withHeaders(test.headers...))
		if w.Code != test.status || strings.Join(w.Header().Values("WWW-Authenticate"), " | ") != test.challenge {
			t.Errorf("%s: %d, %q", test.name, w.Code, w.Header().Values("WWW-Authenticate"))
		}
	}
}

func TestAServerMayTakeBoundTokensOnly(t *testing.T) {
	i := newIssuer(t, keyring.EdDSA)
	p := newPhone(t, i)
	v := i.verifier(func(c *Config) { c.DPoP = DPoP{BaseURL: theAudience, Required: true} })
	w := ask(t, v, withHeaders("Authorization", "Bearer "+i.token(nil)))
	want := `DPoP error="invalid_token", error_description="it is not bound to a key, and this server takes no other", ` + algs
	if got := strings.Join(w.Header().Values("WWW-Authenticate"), " | "); w.Code != 401 || got != want {
		t.Errorf("a bearer token: %d, %q", w.Code, got)
	}
	w = ask(t, v, withHeaders())
	if got := strings.Join(w.Header().Values("WWW-Authenticate"), " | "); w.Code != 401 || got != "DPoP "+algs {
		t.Errorf("nothing: %d, %q", w.Code, got)
	}
	bound := i.token(map[string]any{"cnf": map[string]any{"jkt": p.key.ID}})
	if w := ask(t, v, withHeaders("Authorization", "DPoP "+bound, "DPoP", p.proof(bound, nil))); w.Code != 200 {
		t.Errorf("a bound token: %d", w.Code)
	}
}

func TestProofsMayNeedANonce(t *testing.T) {
	i := newIssuer(t, keyring.EdDSA)
	p := newPhone(t, i)
	v := i.verifier(func(c *Config) {
		c.DPoP = DPoP{BaseURL: theAudience, NonceKey: []byte("thirty-two bytes that replicas share")}
	})
	bound := i.token(map[string]any{"cnf": map[string]any{"jkt": p.key.ID}})
	w := ask(t, v, withHeaders("Authorization", "DPoP "+bound, "DPoP", p.proof(bound, nil)))
	nonce := w.Header().Get("DPoP-Nonce")
	if w.Code != 401 || nonce == "" || !strings.Contains(w.Header().Values("WWW-Authenticate")[1], `DPoP error="use_dpop_nonce"`) {
		t.Fatalf("without a nonce: %d, %v", w.Code, w.Header())
	}
	w = ask(t, v, withHeaders("Authorization", "DPoP "+bound, "DPoP", p.proof(bound, map[string]any{"nonce": nonce})))
	if w.Code != 200 || w.Header().Get("DPoP-Nonce") == "" {
		t.Errorf("with it: %d, %v", w.Code, w.Header())
	}
	for _, off := range []int64{-365 * 86400, -3600, 3600, 365 * 86400} { // the age of a proof with a nonce is the nonce's
		w = ask(t, v, withHeaders("Authorization", "DPoP "+bound, "DPoP", p.proof(bound, map[string]any{"nonce": nonce, "iat": p.now.Unix() + off})))
		if w.Code != 200 {
			t.Errorf("by a clock that is %d s off: %d, %v", off, w.Code, w.Header())
		}
	}
	w = ask(t, v, withHeaders("Authorization", "DPoP "+bound, "DPoP", p.proof(bound, map[string]any{"nonce": nonce + "x"})))
	if w.Code != 401 {
		t.Errorf("with another: %d", w.Code)
	}
}

func TestAnErrorOfSomebodyElsesIsNotShown(t *testing.T) {
	i := newIssuer(t, keyring.EdDSA)
	w := httptest.NewRecorder()
	i.verifier(nil).Refuse(w, context.Canceled)
	if w.Code != 500 || strings.Contains(w.Body.String(), "canceled") || len(w.Header().Values("WWW-Authenticate")) > 0 {
		t.Errorf("%d, %s", w.Code, w.Body)
	}
	if _, ok := ClaimsFrom(t.Context()); ok {
		t.Error("claims from nowhere")
	}
}
