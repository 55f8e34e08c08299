package web_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"latchkey/auth/keyring"
	"latchkey/auth/seal"
	"latchkey/auth/services"
	"latchkey/web"
)

// signingKey opens the key that the site signs with, as a thief of database and secret would.
func signingKey(t testing.TB, s *site) *keyring.Key {
	t.Helper()
	keys, err := seal.Keys([][]byte{testSecret}, "seal")
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := keyring.NewSealer(keys)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := s.store.SigningKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	key, _, err := sealer.Open(keyring.Sealed{ID: rows[0].KID, Alg: rows[0].Alg, Seq: rows[0].Seq,
		SignsFrom: rows[0].SignsFrom, CreatedAt: rows[0].CreatedAt, Ciphertext: rows[0].Sealed})
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestForgedAccessTokensAreRefused(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		p := s.login("phone")
		key := signingKey(t, s)
		published := []byte(s.request(http.MethodGet, "/.well-known/jwks.json", "").body)
		other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		claims := func(change func(jwt.MapClaims)) jwt.MapClaims {
			c := jwt.MapClaims{}
			if _, _, err := jwt.NewParser().ParseUnverified(p.access, c); err != nil {
				t.Fatal(err)
			}
			if change != nil {
				change(c)
			}
			return c
		}
		forge := func(method jwt.SigningMethod, with any, c jwt.MapClaims, headers ...string) string {
			token := jwt.NewWithClaims(method, c)
			token.Header["typ"], token.Header["kid"] = "at+jwt", key.ID
			for i := 0; i < len(headers); i += 2 {
				token.Header[headers[i]] = headers[i+1]
			}
			text, err := token.SignedString(with)
			if err != nil {
				t.Fatal(err)
			}
			return text
		}
		good := forge(key.Method(), key.Signer(), claims(nil))
		if r := s.request(http.MethodGet, "/api/whoami", "", bearer(good)...); r.status != http.StatusOK {
			t.Fatalf("the forger's own good token: %d %s", r.status, r.body)
		}
		parts := strings.Split(good, ".")
		for name, token := range map[string]string{
			"alg none":                    forge(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, claims(nil)),
			"HS256 with the public key":   forge(jwt.SigningMethodHS256, published, claims(nil)),
			"another key under our kid":   forge(jwt.SigningMethodES256, other, claims(nil)),
			"good signature, typ JWT":     forge(key.Method(), key.Signer(), claims(nil), "typ", "JWT"),
			"good signature, no typ":      forge(key.Method(), key.Signer(), claims(nil), "typ", ""),
			"good signature, unknown kid": forge(key.Method(), key.Signer(), claims(nil), "kid", "other"),
			"good signature, no kid":      forge(key.Method(), key.Signer(), claims(nil), "kid", ""),
			"good signature, other iss":   forge(key.Method(), key.Signer(), claims(func(c jwt.MapClaims) { c["iss"] = "https://evil.example" })),
			"good signature, other aud":   forge(key.Method(), key.Signer(), claims(func(c jwt.MapClaims) { c["aud"] = "https://other.example" })),
			"good signature, no exp":      forge(key.Method(), key.Signer(), claims(func(c jwt.MapClaims) { delete(c, "exp") })),
			"good signature, expired":     forge(key.Method(), key.Signer(), claims(func(c jwt.MapClaims) { c["exp"] = s.clock.Now().Unix() })),
			"good signature, sub no id":   forge(key.Method(), key.Signer(), claims(func(c jwt.MapClaims) { c["sub"] = "ada" })),
			"good signature, sid no id":   forge(key.Method(), key.Signer(), claims(func(c jwt.MapClaims) { delete(c, "sid") })),
			"changed payload":             parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"x"}`)) + "." + parts[2],
			"no signature":                parts[0] + "." + parts[1] + ".",
			"signature cut":               good[:len(good)-4],
			"two parts":                   parts[0] + "." + parts[1],
			"a device token":              p.refresh,
			"garbage":                     "x",
			"very long":                   strings.Repeat("a", 8000),
			"signature in DER, not raw":   parts[0] + "." + parts[1] + "." + base64.RawURLEncoding.EncodeToString([]byte{0x30, 6, 2, 1, 1, 2, 1, 1}),
			"signature of zeros":          parts[0] + "." + parts[1] + "." + base64.RawURLEncoding.EncodeToString(make([]byte, 64)),
			"signature with s replaced":   parts[0] + "." + parts[1] + "." + otherHalf(t, parts[2]),
			"padded":                      good + "=",
		} {
			r := s.request(http.MethodGet, "/api/whoami", "", bearer(token)...)
			if r.status != http.StatusUnauthorized || r.header.Get("WWW-Authenticate") != `Bearer error="invalid_token", `+s.described() || r.text(t, "code") != "invalid_token" {
				t.Errorf("%s: %d %v %s", name, r.status, r.header, r.body)
			}
		}
		s.clock.Advance(15 * time.Minute)
		if r := s.request(http.MethodGet, "/api/whoami", "", bearer(p.access)...); r.status != http.StatusUnauthorized {
			t.Errorf("our own token at its expiry: %d", r.status)
		}
		for _, headers := range [][]string{nil, {"Authorization", "Basic YTpi"}, {"Authorization", p.access}} {
			if r := s.request(http.MethodGet, "/api/whoami", "", headers...); r.status != http.StatusUnauthorized || r.header.Get("WWW-Authenticate") != "Bearer "+s.described() {
				t.Errorf("no access token (%v): %d %v", headers, r.status, r.header)
			}
		}
	})
}

// otherHalf replaces the s of an ECDSA signature with one that is out of range.
func otherHalf(t *testing.T, signature string) string {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(signature)
	if err != nil {
		t.Fatal(err)
	}
	copy(raw[32:], elliptic.P256().Params().N.FillBytes(make([]byte, 32)))
	return base64.RawURLEncoding.EncodeToString(raw)
}

func TestEveryAlgSignsTokensThatItsKeysVerify(t *testing.T) {
	for _, alg := range []string{"ES256", "EdDSA", "RS256"} {
		t.Run(alg, func(t *testing.T) {
			each(t, func(t *testing.T, s *site) {
				p := s.login("phone")
				if r := s.request(http.MethodGet, "/api/whoami", "", bearer(p.access)...); r.status != http.StatusOK {
					t.Errorf("whoami: %d %s", r.status, r.body)
				}
				token, err := jwt.NewParser(jwt.WithTimeFunc(s.clock.Now)).Parse(p.access, func(token *jwt.Token) (any, error) {
					if token.Header["typ"] != "at+jwt" || token.Header["alg"] != alg {
						t.Errorf("header %v", token.Header)
					}
					return signingKey(t, s).Public(), nil
				})
				if err != nil {
					t.Fatal(err)
				}
				c := token.Claims.(jwt.MapClaims)
				if c["iss"] != s.URL || !slices.Equal(c["aud"].([]any), []any{"https://api.example.com", s.URL}) || c["scope"] != nil || c["sid"] != p.id || c["client_id"] != "app" || c["device_name"] != "phone" || c["jti"] == "" {
					t.Errorf("claims %v", c)
				}
			}, func(a *services.Config, _ *web.Config) { a.SigningAlg = alg })
		})
	}
}

func TestTheDeviceNameClaimCanBeTurnedOff(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		p := s.login("phone")
		payload, err := base64.RawURLEncoding.DecodeString(strings.Split(p.access, ".")[1])
		if err != nil || strings.Contains(string(payload), "phone") {
			t.Errorf("%v %s", err, payload)
		}
		if r := s.request(http.MethodGet, "/api/whoami", "", bearer(p.access)...); r.json(t)["device_name"] != "" {
			t.Errorf("%s", r.body)
		}
	}, func(a *services.Config, _ *web.Config) { a.DeviceNameClaim = false })
}

func TestKeysRotateWithoutRefusingAnybody(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		kids := func() (list []string) {
			var set struct {
				Keys []map[string]string `json:"keys"`
			}
			if err := json.Unmarshal([]byte(s.request(http.MethodGet, "/.well-known/jwks.json", "").body), &set); err != nil {
				t.Fatal(err)
			}
			for _, k := range set.Keys {
				if k["kty"] != "EC" || k["crv"] != "P-256" || k["use"] != "sig" || k["d"] != "" {
					t.Errorf("published key %v", k)
				}
				list = append(list, k["kid"])
			}
			return list
		}
		kid := func(access string) string {
			token, _, err := jwt.NewParser().ParseUnverified(access, jwt.MapClaims{})
			if err != nil {
				t.Fatal(err)
			}
			return token.Header["kid"].(string)
		}
		before := kids()
		p := s.login("phone")
		if len(before) != 2 || kid(p.access) != before[0] {
			t.Fatalf("published %v, signed with %s", before, kid(p.access))
		}
		if err := s.auth.Keys.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
		q := s.refreshed(p.refresh)
		if kid(q.access) != before[1] || len(kids()) != 3 {
			t.Errorf("after a rotation signed with %s, published %v", kid(q.access), kids())
		}
		for _, access := range []string{p.access, q.access} {
			if r := s.request(http.MethodGet, "/api/whoami", "", bearer(access)...); r.status != http.StatusOK {
				t.Errorf("a token from around the rotation: %d %s", r.status, r.body)
			}
		}
		// By schedule: thirty days later the third one signs, and the first is forgotten.
		s.clock.Advance(30*24*time.Hour + time.Hour)
		if err := s.auth.Keys.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		last := s.login("tablet")
		if now := kids(); kid(last.access) == before[1] || len(now) != 3 || now[0] == before[0] && now[1] == before[0] {
			t.Errorf("a month later signed with %s, published %v", kid(last.access), now)
		}
	})
}

func TestMetadataIsTrue(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		r := s.request(http.MethodGet, "/.well-known/oauth-authorization-server", "")
		m := r.json(t)
		if r.status != http.StatusOK || m["issuer"] != s.URL {
			t.Errorf("%d %s", r.status, r.body)
		}
		for member, form := range map[string]url.Values{"token_endpoint": {"grant_type": {"x"}}, "revocation_endpoint": {"token": {"x"}}} {
			path := strings.TrimPrefix(m[member].(string), s.URL)
			if r := s.postForm(path, form); r.status == http.StatusNotFound {
				t.Errorf("%s: nothing at %s", member, path)
			}
		}
		if r := s.request(http.MethodGet, strings.TrimPrefix(m["jwks_uri"].(string), s.URL), ""); r.status != http.StatusOK || !strings.Contains(r.body, `"keys"`) {
			t.Errorf("jwks_uri: %d %s", r.status, r.body)
		}
	})
}
