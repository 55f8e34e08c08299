package web_test

import (
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/auth/services"
	"latchkey/models/modelstest"
	"latchkey/web"
)

// allRoutes lists every route of routes.go, whatever its guard; id stands in for {id}.
func allRoutes(t *testing.T, id string) []route {
	t.Helper()
	table, err := os.ReadFile("routes.go")
	if err != nil {
		t.Fatal(err)
	}
	var list []route
	for _, m := range routeLine.FindAllStringSubmatch(string(table), -1) {
		list = append(list, route{m[1], strings.NewReplacer("{id}", id, "{$}", "", "{state...}", "login/empty", "{path...}", "x").Replace(m[2]), m[3]})
	}
	if len(list) < 50 {
		t.Fatalf("only %d routes were found in routes.go", len(list))
	}
	return list
}

// armoured checks the headers that every answer carries, whatever it is.
func armoured(t *testing.T, what string, r reply, https bool) {
	t.Helper()
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "Cross-Origin-Opener-Policy": "same-origin", "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
	} {
		if got := r.header.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %d, %s: %q", what, r.status, name, got)
		}
	}
	policy := r.header.Get("Content-Security-Policy")
	for _, part := range []string{"default-src '", "frame-ancestors 'none'", "base-uri 'none'", "form-action '"} {
		if !strings.Contains(policy, part) {
			t.Errorf("%s: %d, the policy %q lacks %s", what, r.status, policy, part)
		}
	}
	if strings.Contains(policy, "unsafe") || len(r.header.Values("Content-Security-Policy")) != 1 {
		t.Errorf("%s: %d, policy %q", what, r.status, r.header.Values("Content-Security-Policy"))
	}
	if got := r.header.Get("Referrer-Policy"); got != "same-origin" && got != "no-referrer" {
		t.Errorf("%s: %d, Referrer-Policy %q", what, r.status, got)
	}
	if got := r.header.Get("Cross-Origin-Resource-Policy"); got != "same-origin" && (got != "cross-origin" || r.header.Get("Access-Control-Allow-Origin") != "*") {
		t.Errorf("%s: %d, Cross-Origin-Resource-Policy %q", what, r.status, got)
	}
	if r.header.Get("Cache-Control") == "" || r.header.Get("X-Request-Id") == "" {
		t.Errorf("%s: %d, Cache-Control %q, X-Request-Id %q", what, r.status, r.header.Get("Cache-Control"), r.header.Get("X-Request-Id"))
	}
	if got := r.header.Get("Strict-Transport-Security") != ""; got != https {
		t.Errorf("%s: %d, HSTS is %t", what, r.status, got)
	}
}

// Pages, programs' answers, files, redirects of ServeMux, wrong methods, bodies that are too large and panics: each is
// asked for on every route, and on paths that have none.
func TestEveryAnswerOfEveryRouteIsArmoured(t *testing.T) {
	for _, https := range []bool{false, true} {
		var broken atomic.Bool
		s := newSite(t, modelstest.MigratedSQLite(t), func(a *services.Config, w *web.Config) {
			now := a.Now
			a.Now = func() time.Time {
				if broken.Load() {
					panic("the clock fell from the wall")
				}
				return now()
			}
			w.Gallery = true
			if https {
				w.BaseURL = "https://id.example.com"
			}
		})
		id, in, out := s.login("phone").id, s.browser(), s.browser()
		in.post("/login", url.Values{"email": {adaEmail}, "password": {adaPassword}}, "Origin", "", "Sec-Fetch-Site", "none")
		statuses := map[int]int{}
		ask := func(b *browser, method, path string, headers ...string) {
			r := b.do(method, path, nil, headers...)
			statuses[r.status]++
			armoured(t, method+" "+path, r, https)
		}
		paths := []string{"//", "//login", "/devices/../login", "/devices//x", "/./nothing", "/nothing", "/login/", "/static/", "/static/nothing.css", "/.well-known/nothing",
			"/.well-known", "/api", "/api/nothing", "/oauth/nothing", "/statuslists/", "/statuslists/x/y", "/%2e%2e/x", "/devices/%00/revoke", "/favicon.ico/x", "/healthz/"}
		for _, link := range out.shown("/login").all("link", "href", "*") {
			paths = append(paths, link.attr("href"))
		}
		for _, r := range allRoutes(t, id) {
			paths = append(paths, r.path)
		}
		for _, path := range paths {
			for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"} {
				ask(out, method, path)
			}
			ask(in, "GET", path)
			ask(out, "POST", path, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site")
		}
		for _, path := range []string{"/login", "/signup", "/api/login", "/oauth/token", "/nothing"} {
			r := s.request("POST", path, strings.Repeat("a", 70000), "Content-Type", formType)
			statuses[r.status]++
			armoured(t, "a large POST "+path, r, https)
		}
		broken.Store(true)
		for _, path := range []string{"/devices", "/oauth/token", "/api/whoami"} {
			ask(in, "GET", path)
			ask(in, "POST", path)
		}
		for _, status := range []int{200, 301, 302, 303, 401, 403, 404, 405, 413, 415, 500} {
			moved := status == 301 && statuses[307] > 0
			if statuses[status] == 0 && !moved {
				t.Errorf("nothing was answered by %d: %v", status, statuses)
			}
		}
	}
}
