package web_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"latchkey/models/modelstest"
)

// plainWords are words that the pseudo-language would have written with accents, outside of what other people and programs wrote.
var (
	plainWords = regexp.MustCompile(`[A-Za-z]{2,}`)
	notSaid    = regexp.MustCompile(`(?s)<(bdi|code|script|style|option)[ >].*?</(bdi|code|script|style|option)>|<[^>]*>|Latchkey|KiB|UTF|application/x-www-form-urlencoded|&#34;email&#34;|http://\S+`)
)

// Whatever refuses a page's request, the page says so in its reader's language: from the title to the button.
func TestErrorsSpeakTheReadersLanguage(t *testing.T) {
	s := newSite(t, modelstest.MigratedSQLite(t))
	if err := s.portal.Offer("en", "en-XA"); err != nil {
		t.Fatal(err)
	}
	b := s.signedIn()
	other := url.Values{"account": {"0192d3c4-0000-7000-8000-000000000001"}}
	for _, c := range []struct {
		name, method, path string
		form               url.Values
		status             int
		headers            []string
	}{
		{"no page", http.MethodGet, "/nowhere", nil, 404, nil},
		{"no device", http.MethodGet, "/devices/x/revoke", nil, 404, nil},
		{"wrong method", http.MethodPost, "/activity", nil, 405, nil},
		{"another site", http.MethodPost, "/login", nil, 403, []string{"Origin", "https://evil.example"}},
		{"another account", http.MethodPost, "/devices/revoke-others", other, 409, nil},
		{"a page out of date", http.MethodPost, "/devices/revoke-others", url.Values{"account": {""}}, 409, nil},
		{"no such language", http.MethodPost, "/language", url.Values{"language": {"de"}}, 422, nil},
		{"no form", http.MethodPost, "/login", nil, 415, []string{"Content-Type", "text/plain"}},
		{"compressed", http.MethodPost, "/login", url.Values{"x": {"y"}}, 415, []string{"Content-Encoding", "gzip"}},
		{"repeated", http.MethodPost, "/login", url.Values{"email": {"a", "b"}}, 400, nil},
		{"not UTF-8", http.MethodPost, "/login", url.Values{"email": {"\xff"}}, 400, nil},
		{"too large", http.MethodPost, "/login", url.Values{"email": {strings.Repeat("x", 65<<10)}}, 413, nil},
		{"a dead link", http.MethodGet, "/reset?token=x", nil, 410, nil},
		{"a link of another browser", http.MethodGet, "/reset/x", nil, 410, nil},
		{"a link without a secret", http.MethodPost, "/email/undo", nil, 410, nil},
		{"a refused sign-in", http.MethodPost, "/login", url.Values{"email": {"eve@example.com"}, "password": {"a wrong one"}, "account": {b.account()}}, 422, nil},
		{"another person's sign-in", http.MethodPost, "/login", url.Values{"email": {"eve@example.com"}, "password": {"a wrong one"}, "account": {""}}, 409, nil},
		{"a refused sign-up", http.MethodPost, "/signup", url.Values{"email": {"x"}, "password": {"short"}}, 422, nil},
		{"the second step without a first", http.MethodPost, "/login/verify", nil, 409, nil},
	} {
		r := b.do(c.method, c.path, c.form, append(c.headers, "Accept-Language", "en-XA")...)
		if r.status != c.status || r.header.Get("Content-Language") != "en-XA" {
			t.Errorf("%s: %d in %q", c.name, r.status, r.header.Get("Content-Language"))
		}
		if words := plainWords.FindAllString(notSaid.ReplaceAllString(r.body, " "), -1); len(words) > 0 {
			t.Errorf("%s: in English: %q", c.name, words)
		}
	}
}
