package web_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"latchkey/auth/services"
	"latchkey/web"
)

// josePublished reads the key set with go-jose, which shares no code with what wrote it.
func josePublished(t *testing.T, s *site) jose.JSONWebKeySet {
	t.Helper()
	var set jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(s.request(http.MethodGet, "/.well-known/jwks.json", "").body), &set); err != nil {
		t.Fatal(err)
	}
	for _, k := range set.Keys {
		thumbprint, err := k.Thumbprint(crypto.SHA256)
		if err != nil || !k.Valid() || !k.IsPublic() || k.Use != "sig" || k.KeyID != base64.RawURLEncoding.EncodeToString(thumbprint) {
			t.Errorf("published key %+v: %v", k, err)
		}
	}
	return set
}

type accessClaims struct {
	jwt.Claims
	ClientID   string `json:"client_id"`
	SessionID  string `json:"sid"`
	DeviceName string `json:"device_name"`
	Cnf        struct {
		JKT string `json:"jkt"`
	} `json:"cnf"`
}

// joseVerified reads an access token as a resource server with go-jose would.
func joseVerified(t *testing.T, s *site, alg jose.SignatureAlgorithm, access string) accessClaims {
	t.Helper()
	token, err := jwt.ParseSigned(access, []jose.SignatureAlgorithm{alg})
	if err != nil {
		t.Fatal(err)
	}
	if h := token.Headers[0]; h.ExtraHeaders[jose.HeaderType] != "at+jwt" || h.Algorithm != string(alg) {
		t.Errorf("header %+v", h)
	}
	set := josePublished(t, s)
	keys := set.Key(token.Headers[0].KeyID)
	if len(keys) != 1 || keys[0].Algorithm != string(alg) {
		t.Fatalf("%d keys %q", len(keys), token.Headers[0].KeyID)
	}
	var c accessClaims
	if err := token.Claims(keys[0], &c); err != nil {
		t.Fatal(err)
	}
	for _, other := range set.Keys {
		if other.KeyID != keys[0].KeyID && token.Claims(other, &accessClaims{}) == nil {
			t.Error("another key verifies the token too")
		}
	}
	return c
}

func TestGoJOSEVerifiesWhatWeSign(t *testing.T) {
	for _, alg := range []jose.SignatureAlgorithm{jose.ES256, jose.EdDSA, jose.RS256} {
		t.Run(string(alg), func(t *testing.T) {
			each(t, func(t *testing.T, s *site) {
				p := s.login("phone")
				c := joseVerified(t, s, alg, p.access)
				good := jwt.Expected{Issuer: s.URL, AnyAudience: jwt.Audience{"https://api.example.com"}, Time: s.clock.Now()}
				if err := c.ValidateWithLeeway(good, 0); err != nil {
					t.Error(err)
				}
				if c.Expiry.Time().Sub(c.IssuedAt.Time()) != 15*time.Minute || c.ID == "" || c.ClientID != "app" || c.SessionID != p.id || c.DeviceName != "phone" {
					t.Errorf("%+v", c)
				}
				for name, test := range map[string]struct {
					change func(*jwt.Expected)
					want   error
				}{
					"another issuer":   {func(e *jwt.Expected) { e.Issuer = "https://evil.example" }, jwt.ErrInvalidIssuer},
					"another audience": {func(e *jwt.Expected) { e.AnyAudience = jwt.Audience{"https://other.example"} }, jwt.ErrInvalidAudience},
					"after its time":   {func(e *jwt.Expected) { e.Time = e.Time.Add(15*time.Minute + time.Second) }, jwt.ErrExpired},
					"before its time":  {func(e *jwt.Expected) { e.Time = e.Time.Add(-time.Second) }, jwt.ErrIssuedInTheFuture},
				} {
					expected := good
					test.change(&expected)
					if err := c.ValidateWithLeeway(expected, 0); !errors.Is(err, test.want) {
						t.Errorf("%s: %v", name, err)
					}
				}
			}, func(a *services.Config, _ *web.Config) { a.SigningAlg = string(alg) })
		})
	}
}

// joseProof makes a proof with go-jose: header, embedded key and signature are its own.
func joseProof(t *testing.T, s *site, key jose.SigningKey, method, path, access string) string {
	t.Helper()
	signer, err := jose.NewSigner(key, (&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt"))
	if err != nil {
		t.Fatal(err)
	}
	claims := map[string]any{"jti": rand.Text(), "htm": method, "htu": s.URL + path, "iat": jwt.NewNumericDate(s.clock.Now())}
	if access != "" {
		sum := sha256.Sum256([]byte(access))
		claims["ath"] = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	proof, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return proof
}

func TestProofsOfGoJOSEAreTaken(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []jose.SigningKey{{Algorithm: jose.ES256, Key: ec}, {Algorithm: jose.EdDSA, Key: ed}} {
		t.Run(string(key.Algorithm), func(t *testing.T) {
			each(t, func(t *testing.T, s *site) {
				r := s.postJSON("/api/login", map[string]string{"email": adaEmail, "password": adaPassword, "device_name": "phone"},
					"DPoP", joseProof(t, s, key, "POST", "/api/login", ""))
				if r.status != http.StatusOK || r.text(t, "token_type") != "DPoP" {
					t.Fatalf("login: %d %s", r.status, r.body)
				}
				r = s.postForm("/oauth/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {newPhone(t, r).refresh}},
					"DPoP", joseProof(t, s, key, "POST", "/oauth/token", ""))
				if r.status != http.StatusOK || r.text(t, "token_type") != "DPoP" {
					t.Fatalf("refresh: %d %s", r.status, r.body)
				}
				p := newPhone(t, r)
				public := jose.JSONWebKey{Key: key.Key.(crypto.Signer).Public()}
				thumbprint, err := public.Thumbprint(crypto.SHA256)
				if err != nil {
					t.Fatal(err)
				}
				if c := joseVerified(t, s, jose.ES256, p.access); c.Cnf.JKT != base64.RawURLEncoding.EncodeToString(thumbprint) {
					t.Errorf("cnf.jkt %q", c.Cnf.JKT)
				}
				r = s.request(http.MethodGet, "/api/whoami", "", "Authorization", "DPoP "+p.access, "DPoP", joseProof(t, s, key, "GET", "/api/whoami", p.access))
				if r.status != http.StatusOK {
					t.Errorf("whoami: %d %s", r.status, r.body)
				}
			})
		})
	}
}
