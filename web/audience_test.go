package web_test

import (
	"net/http"
	"net/url"
	"reflect"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"latchkey/auth/services"
	"latchkey/auth/token"
	"latchkey/web"
)

// withAudience is the phone's access token, for another audience.
func (s *site) withAudience(p phone, audience any) string {
	s.t.Helper()
	claims := jwt.MapClaims{}
	if _, _, err := jwt.NewParser().ParseUnverified(p.access, claims); err != nil {
		s.t.Fatal(err)
	}
	claims["aud"] = audience
	if audience == nil {
		delete(claims, "aud")
	}
	key := signingKey(s.t, s)
	token := jwt.NewWithClaims(key.Method(), claims)
	token.Header["typ"], token.Header["kid"] = "at+jwt", key.ID
	text, err := token.SignedString(key.Signer())
	if err != nil {
		s.t.Fatal(err)
	}
	return text
}

// The rule of SECURITY.md: one audience is the one that this server writes, or the issuer; a list must name the issuer.
func TestWhichAudiencesOpenOurOwnAPI(t *testing.T) {
	const photos = "https://photos.example.com"
	for name, configured := range map[string]func(issuer string) string{
		"by default":       func(issuer string) string { return issuer },
		"with one set":     func(string) string { return photos },
		"with a name, too": func(string) string { return "photos" },
	} {
		t.Run(name, func(t *testing.T) {
			onSQLite(t, func(t *testing.T, s *site) {
				p, other := s.login("phone"), s.login("other")
				ours := s.config.Audience
				claims := jwt.MapClaims{}
				want := any([]any{ours, s.URL})
				if ours == s.URL {
					want = ours
				}
				if _, _, err := jwt.NewParser().ParseUnverified(p.access, claims); err != nil || !reflect.DeepEqual(claims["aud"], want) {
					t.Errorf("this release writes aud as %v, want %v", claims["aud"], want)
				}
				for _, c := range []struct {
					audience any
					opens    bool
				}{
					{ours, true}, // as the previous release wrote it
					{s.URL, true},
					{[]string{s.URL}, true},
					{[]string{s.URL, photos}, true},
					{[]string{photos, "urn:x", s.URL}, true},
					{[]string{ours}, ours == s.URL},
					{[]string{photos, "https://other.example.com"}, false},
					{"https://other.example.com", false},
					{s.URL + "/", false},
					{s.URL + ".evil.example", false},
					{[]string{}, false},
					{[]any{s.URL, 1}, false},
					{[]any{s.URL, nil, []string{s.URL}}, false},
					{map[string]any{s.URL: true}, false},
					{"", false}, {[]string{""}, false}, {1, false}, {nil, false},
				} {
					token := s.withAudience(p, c.audience)
					for _, path := range []string{"/api/whoami", "/api/devices"} {
						r := s.request(http.MethodGet, path, "", bearer(token)...)
						if (r.status == http.StatusOK) != c.opens || !c.opens && (r.status != http.StatusUnauthorized || r.text(t, "code") != "invalid_token") {
							t.Errorf("aud %v at %s: %d %s", c.audience, path, r.status, r.body)
						}
					}
				}
				// The same judge sits at the revocation endpoint, where nothing is refused and nothing happens.
				s.signOut("a foreign audience", s.withAudience(p, photos+"/x"))
				p = s.refreshed(p.refresh)
				// What an observer of a token that names us can do with it: its own device, and no other.
				seen := s.withAudience(p, []string{photos, s.URL})
				if r := s.request(http.MethodDelete, "/api/devices/"+other.id, "", bearer(seen)...); r.status != http.StatusForbidden {
					t.Errorf("another device: %d %s", r.status, r.body)
				}
				s.signOut("a token for both", seen)
				s.refused(p.refresh, token.ReasonRevoked)
				s.refreshed(other.refresh)
			}, func(a *services.Config, _ *web.Config) { a.Audience = configured(a.Issuer) })
		})
	}
}

// One issuer, spelt in two ways by the operator of two replicas.
func TestAnIssuerIsTheSameInEverySpelling(t *testing.T) {
	onSQLite(t, func(t *testing.T, s *site) {
		p := s.login("phone")
		for issuer, opens := range map[string]bool{
			"https://bücher.example": true, "https://xn--bcher-kva.example": true, "HTTPS://Bücher.example:443": true,
			"https://bücher.example/": false, "https://bucher.example": false, "http://bücher.example": false,
		} {
			claims := jwt.MapClaims{}
			if _, _, err := jwt.NewParser().ParseUnverified(p.access, claims); err != nil {
				t.Fatal(err)
			}
			claims["iss"], claims["aud"] = issuer, []string{issuer}
			key := signingKey(t, s)
			token := jwt.NewWithClaims(key.Method(), claims)
			token.Header["typ"], token.Header["kid"] = "at+jwt", key.ID
			text, err := token.SignedString(key.Signer())
			if err != nil {
				t.Fatal(err)
			}
			if r := s.request(http.MethodGet, "/api/whoami", "", bearer(text)...); (r.status == http.StatusOK) != opens {
				t.Errorf("%s: %d %s", issuer, r.status, r.body)
			}
		}
		if r := s.postForm("/oauth/revoke", url.Values{"token": {p.access}}); r.status != http.StatusOK {
			t.Errorf("%d %s", r.status, r.body)
		}
	}, func(a *services.Config, _ *web.Config) {
		a.Issuer, a.Audience = "https://bücher.example", "https://bücher.example"
	})
}
