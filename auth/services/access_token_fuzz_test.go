package services_test

import (
	"encoding/base64"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/origin"
	"latchkey/auth/services"
	"latchkey/auth/token"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// fuzzedService is a service with its own keys, and the device whose tokens are altered.
func fuzzedService(f testing.TB, alg string) (*raced, models.Device) {
	f.Helper()
	store, err := models.Open(f.Context(), models.Config{URL: modelstest.MigratedSQLite(f)})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = store.Close() })
	if _, err := store.Migrate(f.Context()); err != nil {
		f.Fatal(err)
	}
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	s := &raced{store: store, config: services.Config{
		Issuer: "https://id.example.com", Audience: "https://api.example.com", SigningAlg: alg, AccessTTL: 15 * time.Minute, PasswordMin: 12,
		DeviceNameClaim: true, Secret: testSecret, Now: func() time.Time { return now },
	}}
	if s.Services, err = services.New(store, s.config); err != nil {
		f.Fatal(err)
	}
	if err := s.Keys.Load(f.Context()); err != nil {
		f.Fatal(err)
	}
	return s, models.Device{UserID: uuid.UUID{1}, ID: uuid.UUID{2}, Name: "phone", ClientID: "app", ExpiresAt: now.Add(forkDay)}
}

// FuzzAlteredAccessToken alters a valid access token anywhere, or replaces it. The claims of every token that is accepted must be
// the signed ones. Keys are random, so the input is the alteration, not the token.
func FuzzAlteredAccessToken(f *testing.F) {
	s, d := fuzzedService(f, "ES256")
	good, _, err := s.Tokens.MintAccess(f.Context(), d, "")
	if err != nil {
		f.Fatal(err)
	}
	want, err := s.Tokens.Verify(good)
	if err != nil {
		f.Fatal(err)
	}
	_, afterHeader, _ := strings.Cut(good, ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"at+jwt"}`))
	f.Add(uint16(0), uint16(0), "")
	f.Add(uint16(0), uint16(len(good)), none+"."+afterHeader)
	f.Add(uint16(0), uint16(len(good)), strings.Repeat(".", 2000))
	f.Add(uint16(0), uint16(1), "Ey")
	f.Add(uint16(len(good)), uint16(len(good)), "=")
	f.Add(uint16(len(good)), uint16(len(good)), ".e30")
	f.Add(uint16(10), uint16(10), "\n")
	f.Fuzz(func(t *testing.T, from, to uint16, with string) {
		from = min(from, uint16(len(good)))
		to = min(max(to, from), uint16(len(good)))
		text := good[:from] + with + good[to:]
		claims, err := s.Tokens.Verify(text)
		if err != nil {
			if auth.AsError(err).Kind != auth.KindInvalidToken || claims != nil {
				t.Fatalf("%q: %+v, %v", text, claims, err)
			}
		} else if text != good || !reflect.DeepEqual(claims, want) {
			t.Fatalf("%q was accepted as %+v", text, claims)
		}
	})
}

// FuzzSignedClaims signs any header and claims with the service's own key, as a bug elsewhere might. Only unexpired access tokens
// of this issuer, for this audience and a device, may be accepted.
func FuzzSignedClaims(f *testing.F) {
	s, d := fuzzedService(f, "EdDSA")
	key, err := s.Keys.Current(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	good, _, err := s.Tokens.MintAccess(f.Context(), d, "")
	if err != nil {
		f.Fatal(err)
	}
	_, rest, _ := strings.Cut(good, ".")
	payload, _, _ := strings.Cut(rest, ".")
	claims, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		f.Fatal(err)
	}
	head := `{"alg":"EdDSA","typ":"at+jwt"`
	for _, header := range []string{head + "}", `{"alg":"EdDSA"}`, `{"alg":"none","typ":"at+jwt"}`, head + `,"crit":["x"]}`, `{"alg":"ES256","typ":"at+jwt"}`, "null", "{}"} {
		f.Add(header, string(claims))
	}
	forAudience := func(aud string) string {
		return strings.Replace(string(claims), `"aud":["https://api.example.com","https://id.example.com"]`, `"aud":`+aud, 1)
	}
	for _, c := range []string{
		"{}", "null", "[]", `{"aud":["https://api.example.com"]}`,
		forAudience(`["https://api.example.com"]`), forAudience(`"https://api.example.com"`), forAudience(`"https://id.example.com"`), forAudience(`["https://id.example.com",1]`),
		forAudience(`"xhttps://id.example.com"`), forAudience(`["https://other.example.com"]`), forAudience(`null`), forAudience(`"https://api.example.com","scope":"x"`), `{"exp":1e300}`, `{"exp":-1}`, `{"exp":"x"}`,
		strings.Replace(string(claims), `"iss"`, `"ISS"`, 1),
		strings.Replace(string(claims), `"exp":`, `"exp":0,"x":`, 1), strings.Replace(string(claims), `"sid":"`, `"sid":"x`, 1),
	} {
		f.Add(head+"}", c)
	}
	f.Fuzz(func(t *testing.T, header, claims string) {
		var h map[string]any
		if json.Unmarshal([]byte(header), &h) == nil && h != nil && h["kid"] == nil {
			h["kid"] = key.ID
			if b, err := json.Marshal(h); err == nil {
				header = string(b)
			}
		}
		signed := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
		signature, err := jwt.SigningMethodEdDSA.Sign(signed, key.Signer())
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Tokens.Verify(signed + "." + base64.RawURLEncoding.EncodeToString(signature))
		if err != nil {
			return
		}
		typ, _ := h["typ"].(string)
		typ = strings.TrimPrefix(strings.ToLower(typ), "application/")
		var says token.Claims
		var whom struct {
			Audience any `json:"aud"`
		}
		if json.Unmarshal([]byte(claims), &whom) != nil {
			t.Fatal(claims)
		}
		several, list := whom.Audience.([]any)
		if !list {
			several = []any{whom.Audience}
		}
		ours, here := false, false
		for _, one := range several { // all must be strings, or nothing
			text, ok := one.(string)
			if !ok && one != nil {
				t.Fatalf("claims %q: accepted", claims)
			}
			ours, here = ours || origin.Same(text, s.config.Audience), here || origin.Same(text, s.config.Issuer)
		}
		if previous := !list && ours && got.Scope == nil; !ours && !here || got.ForAPI != (here || previous) {
			t.Fatalf("claims %q: accepted as %+v", claims, got)
		}
		plain := &struct {
			*token.Claims
			Audience any `json:"aud"`
		}{Claims: &says}
		now := s.now().Unix()
		_, userErr := uuid.Parse(got.Subject)
		_, deviceErr := uuid.Parse(got.SessionID)
		if h["alg"] != "EdDSA" || typ != "at+jwt" || json.Unmarshal([]byte(claims), plain) != nil || !sameBut(says, *got) ||
			!origin.Same(got.Issuer, s.config.Issuer) || got.ExpiresAt <= now || got.IssuedAt > now && got.IssuedAt != 0 || userErr != nil || deviceErr != nil {
			t.Fatalf("header %q, claims %q: accepted as %+v", header, claims, got)
		}
	})
}

// sameBut compares the claims of two tokens, except their audiences.
func sameBut(a, b token.Claims) bool {
	a.Audience, b.Audience, a.ForAPI, b.ForAPI = nil, nil, false, false
	return reflect.DeepEqual(a, b)
}
