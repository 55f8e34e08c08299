package web_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/auth/client"
)

const spaOrigin = "https://spa.example.com"

// corsOf is what an answer tells the browser of another origin.
func corsOf(r reply) string {
	var list []string
	for _, name := range []string{"Access-Control-Allow-Origin", "Access-Control-Expose-Headers", "Access-Control-Allow-Methods", "Access-Control-Allow-Headers", "Access-Control-Allow-Credentials"} {
		if values := r.header.Values(name); len(values) > 0 {
			list = append(list, strings.TrimPrefix(name, "Access-Control-")+": "+strings.Join(values, "|"))
		}
	}
	return strings.Join(list, "; ")
}

func TestScriptsOfRegisteredOriginsCallTheAPI(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		spa, err := s.auth.Clients.Add(t.Context(), client.Registration{Name: "SPA", ID: "spa", Origins: []string{spaOrigin, "capacitor://localhost", "app://.", "http://localhost:5173"}})
		if err != nil {
			t.Fatal(err)
		}
		p := newPhone(t, s.loginBy(spa.ID, "browser"))
		const exposed = "; Expose-Headers: DPoP-Nonce, Retry-After, WWW-Authenticate, X-Request-Id"
		const preflight = "; Allow-Methods: GET, HEAD, POST, PUT, PATCH, DELETE; Allow-Headers: Authorization, Content-Type, DPoP"
		ask := func(origin, method, path string, headers ...string) reply {
			return s.request(method, path, "", append(headers, "Origin", origin)...)
		}
		asks := []string{"Access-Control-Request-Method", "PATCH", "Access-Control-Request-Headers", "authorization,content-type,dpop"}
		paths := []string{"/oauth/token", "/oauth/revoke", "/oauth/par", "/oauth/userinfo", "/api/whoami", "/api/devices/current", "/api/login", "/api/nothing"}
		for _, path := range paths {
			for _, origin := range []string{spaOrigin, "capacitor://localhost", "app://.", "http://localhost:5173"} {
				r := ask(origin, http.MethodOptions, path, asks...)
				if r.status != http.StatusNoContent || r.body != "" || corsOf(r) != "Allow-Origin: "+origin+preflight || r.header.Get("Access-Control-Max-Age") == "" || !slices.Contains(r.header.Values("Vary"), "Origin") {
					t.Errorf("preflight of %s from %s: %d %v", path, origin, r.status, r.header)
				}
				if r := ask(origin, http.MethodPut, path); corsOf(r) != "Allow-Origin: "+origin+exposed || !slices.Contains(r.header.Values("Vary"), "Origin") {
					t.Errorf("%s from %s: %d %v", path, origin, r.status, r.header)
				}
			}
			for _, stranger := range []string{
				"https://evil.example", "null", "http://spa.example.com", "https://spa.example.com.", "https://SPA.example.com", "https://spa.example.com:8443", "https://spa.example.com/", "https://a.spa.example.com",
				"https://spa.example.com.evil.example", "capacitor://other", "app://x", "http://localhost:5174", "https://spa.example.com https://evil.example", "*", s.URL,
			} {
				if r := ask(stranger, http.MethodOptions, path, asks...); corsOf(r) != "" || !slices.Contains(r.header.Values("Vary"), "Origin") {
					t.Errorf("preflight of %s from %s: %d %v", path, stranger, r.status, r.header)
				}
				if r := ask(stranger, http.MethodPut, path); corsOf(r) != "" {
					t.Errorf("%s from %s: %d %v", path, stranger, r.status, r.header)
				}
			}
			if r := s.request(http.MethodOptions, path, "", append(slices.Clone(asks), "Origin", spaOrigin, "Origin", "https://evil.example")...); corsOf(r) != "" {
				t.Errorf("two origins: %v", r.header)
			}
			if r := s.request(http.MethodPut, path, ""); corsOf(r) != "" || !slices.Contains(r.header.Values("Vary"), "Origin") {
				t.Errorf("%s without an origin: %v", path, r.header)
			}
		}
		if r := ask(spaOrigin, http.MethodOptions, "/oauth/token"); r.status != http.StatusMethodNotAllowed {
			t.Errorf("OPTIONS that is no preflight: %d", r.status)
		}

		// Answers of every kind can be read.
		form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {p.refresh}}
		for status, r := range map[int]reply{
			200: s.postForm("/oauth/token", form, "Origin", spaOrigin), 400: s.postForm("/oauth/token", url.Values{}, "Origin", spaOrigin),
			401: ask(spaOrigin, http.MethodGet, "/api/devices"), 404: ask(spaOrigin, http.MethodGet, "/api/nothing"), 405: ask(spaOrigin, http.MethodGet, "/oauth/token"),
			413: s.request(http.MethodPost, "/oauth/token", strings.Repeat("a", 70_000), "Content-Type", formType, "Origin", spaOrigin),
		} {
			if r.status != status || corsOf(r) != "Allow-Origin: "+spaOrigin+exposed {
				t.Errorf("%d: %d %s", status, r.status, corsOf(r))
			}
		}

		// Everybody's documents do not go by the origin, and browsers do ask before they send If-None-Match.
		for _, path := range []string{"/.well-known/jwks.json", "/.well-known/oauth-authorization-server", "/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/x", "/statuslists/0", "/openapi.yaml", "/statuslists/99", "/.well-known/assetlinks.json"} {
			for _, origin := range []string{"https://anyone.example", "null", ""} {
				headers := []string{"Origin", origin}
				if origin == "" {
					headers = nil
				}
				if r := s.request(http.MethodGet, path, "", headers...); corsOf(r) != "Allow-Origin: *; Expose-Headers: ETag, Retry-After, X-Request-Id" || slices.Contains(r.header.Values("Vary"), "Origin") || r.header.Get("Cross-Origin-Resource-Policy") != "cross-origin" {
					t.Errorf("%s from %q: %d %v", path, origin, r.status, r.header)
				}
				if origin == "" {
					continue
				}
				if r := ask(origin, http.MethodOptions, path, "Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", "if-none-match"); r.status != http.StatusNoContent || corsOf(r) != "Allow-Origin: *; Allow-Methods: GET, HEAD; Allow-Headers: *, Authorization" {
					t.Errorf("preflight of %s from %s: %d %v", path, origin, r.status, r.header)
				}
			}
		}
		for _, path := range []string{"/", "/login", "/devices", "/docs", "/healthz", "/static/app.css", "/oauth/introspect"} {
			if r := ask(spaOrigin, http.MethodGet, path); corsOf(r) != "" {
				t.Errorf("a script may read %s: %v", path, r.header)
			}
			if r := ask(spaOrigin, http.MethodOptions, path, asks...); corsOf(r) != "" || r.status != http.StatusMethodNotAllowed {
				t.Errorf("preflight of %s: %d %v", path, r.status, r.header)
			}
		}

		// An origin that is taken back is refused soon, and while the database does not answer the last list holds.
		before := s.statements.Load()
		for range 3 {
			ask(spaOrigin, http.MethodGet, "/api/whoami")
		}
		if n := s.statements.Load() - before; n != 0 {
			t.Errorf("%d statements for what was read a moment ago", n)
		}
		if _, err := client.New(s.store, s.clock.Now, s.auth.Limits).Update(t.Context(), "spa", client.Change{Origins: []string{"app://."}}); err != nil {
			t.Fatal(err)
		}
		s.clock.Advance(client.ReadEvery)
		if r := ask(spaOrigin, http.MethodGet, "/api/whoami"); corsOf(r) != "" {
			t.Errorf("it was taken back: %v", r.header)
		}
		s.clock.Advance(time.Hour)
		if err := s.store.Close(); err != nil {
			t.Fatal(err)
		}
		if r := ask("app://.", http.MethodGet, "/api/devices", bearer(p.access)...); r.status < 401 || corsOf(r) != "Allow-Origin: app://."+exposed {
			t.Errorf("without a database: %d %v", r.status, r.header)
		}
		if r := s.postForm("/oauth/token", form, "Origin", "app://."); r.status != http.StatusServiceUnavailable || corsOf(r) != "Allow-Origin: app://."+exposed || r.header.Get("Retry-After") == "" {
			t.Errorf("a refresh without a database: %d %v", r.status, r.header)
		}
	})
}
