package web_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"latchkey/auth/services"
	"latchkey/web"
)

// setCookies lists the cookies that an answer sets, by name.
func (r reply) setCookies(t *testing.T) map[string]*http.Cookie {
	t.Helper()
	set := map[string]*http.Cookie{}
	for _, line := range r.header.Values("Set-Cookie") {
		c, err := http.ParseSetCookie(line)
		if err != nil || set[c.Name] != nil {
			t.Fatalf("%q: %v", line, err)
		}
		set[c.Name] = c
	}
	return set
}

func TestCookiesAreOutOfReachOfScriptsAndOtherSites(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		for base, c := range map[string]struct {
			prefix string
			secure bool
		}{
			"http://id.example.com":  {"latchkey", false},
			"https://id.example.com": {"__Host-latchkey", true},
		} {
			server := s.again(web.Config{BaseURL: base, Secret: bytes.Repeat([]byte{7}, 32)})
			in := server.post("/login", "", url.Values{"email": {adaEmail}, "password": {adaPassword}})
			cookies := in.setCookies(t)
			session := c.prefix + "=" + cookies[c.prefix].Value
			if r := server.get("/devices", session); r.status != http.StatusOK {
				t.Fatalf("%s: the cookie is not taken back: %d", base, r.status)
			}
			out := server.post("/logout", session, url.Values{"account": {s.userID(adaEmail)}})
			for _, answer := range []reply{in, out} {
				for name, got := range answer.setCookies(t) {
					if got.Path != "/" || got.Domain != "" || !got.HttpOnly || got.Secure != c.secure || got.SameSite != http.SameSiteLaxMode || !strings.HasPrefix(name, c.prefix) {
						t.Errorf("%s: %s", base, got)
					}
				}
			}
			for name, age := range map[string]int{c.prefix: 30 * 24 * 3600, c.prefix + "-browser": 400 * 24 * 3600} {
				if got := cookies[name]; got == nil || got.MaxAge != age || got.Expires.IsZero() {
					t.Errorf("%s: %s is %v", base, name, got)
				}
			}
			if got := out.setCookies(t); len(got) != 2 || got[c.prefix].MaxAge >= 0 || got[c.prefix].Value != "" || got[c.prefix+"-flash"].MaxAge != 300 {
				t.Errorf("%s: signing out sets %v", base, got)
			}
			hsts := in.header.Get("Strict-Transport-Security")
			if c.secure != (hsts == "max-age=63072000") || !c.secure && hsts != "" {
				t.Errorf("%s: Strict-Transport-Security %q", base, hsts)
			}
			if other := map[bool]string{true: "latchkey", false: "__Host-latchkey"}[c.secure]; server.get("/devices", other+"="+cookies[c.prefix].Value).status != http.StatusSeeOther {
				t.Errorf("%s: the cookie is taken under the name %s", base, other)
			}
		}
	})
}

// again is the same service behind another web server.
func (s *site) again(c web.Config) another {
	s.t.Helper()
	server, err := web.New(s.auth, c)
	if err != nil {
		s.t.Fatal(err)
	}
	return another{s.t, server}
}

type another struct {
	t testing.TB
	*web.Server
}

func (a another) get(path, cookie string) reply {
	a.t.Helper()
	return a.do(httptest.NewRequestWithContext(a.t.Context(), http.MethodGet, path, nil), cookie)
}

func (a another) post(path, cookie string, form url.Values) reply {
	a.t.Helper()
	r := httptest.NewRequestWithContext(a.t.Context(), http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", formType)
	return a.do(r, cookie)
}

func (a another) do(r *http.Request, cookie string) reply {
	a.t.Helper()
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	return reply{w.Code, w.Result().Header, w.Body.String()}
}

func TestACookieThatIsNotOursIsSignedOut(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.signedIn()
		good := b.cookie("latchkey").Value
		mark := b.cookie("latchkey-browser").Value
		b.post("/devices/revoke-others", nil)
		flash := b.cookie("latchkey-flash").Value
		foreign := s.again(web.Config{BaseURL: s.URL, Secret: bytes.Repeat([]byte{8}, 32)}).
			post("/login", "", url.Values{"email": {adaEmail}, "password": {adaPassword}}).setCookies(t)["latchkey"].Value
		middle := len(good) / 2
		flipped := map[bool]string{true: "B", false: "A"}[good[middle] == 'A']
		for name, value := range map[string]string{
			"changed": good[:middle] + flipped + good[middle+1:], "truncated": good[:len(good)-9], "longer": good + "AAAA", "half": good[:middle],
			"empty": "", "a word": "x", "not base64": "%%%", "huge": strings.Repeat("A", 8000), "another secret's": foreign,
			"the browser's mark": mark, "the message": flash,
		} {
			s.unchanged(name, func() {
				r := s.browser().do(http.MethodGet, "/activity", nil, "Cookie", "latchkey="+value)
				if r.status != http.StatusSeeOther || r.header.Get("Location") != "/login?next=%2Factivity" || r.setCookies(t)["latchkey"].MaxAge >= 0 {
					t.Errorf("%s: %d %v", name, r.status, r.header)
				}
				r = s.browser().do(http.MethodGet, "/login", nil, "Cookie", "latchkey="+value+"; latchkey-flash="+value)
				if r.status != http.StatusOK {
					t.Errorf("%s: the sign-in form answers %d", name, r.status)
				}
				if name != "the message" {
					r.screen(t).none("div", "class", "notice")
				}
			})
			r := s.browser().do(http.MethodPost, "/login", url.Values{"email": {adaEmail}, "password": {adaPassword}}, "Cookie", "latchkey="+value+"; latchkey-browser="+value)
			if r.status != http.StatusSeeOther || r.setCookies(t)["latchkey"].MaxAge <= 0 {
				t.Errorf("%s: signing in over it: %d %v", name, r.status, r.header)
			}
		}
		b.shown("/devices")
	})
}

func TestACookieOutlivesAChangeOfTheServerSecret(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		old, next := bytes.Repeat([]byte{7}, 32), bytes.Repeat([]byte{9}, 32)
		cookie := "latchkey=" + s.signedIn().cookie("latchkey").Value
		for name, c := range map[string]struct {
			config web.Config
			status int
		}{
			"the next one announced": {web.Config{BaseURL: s.URL, Secret: old, Previous: [][]byte{next}}, http.StatusOK},
			"the next one in use":    {web.Config{BaseURL: s.URL, Secret: next, Previous: [][]byte{old}}, http.StatusOK},
			"the old one gone":       {web.Config{BaseURL: s.URL, Secret: next}, http.StatusSeeOther},
		} {
			if got := s.again(c.config).get("/devices", cookie).status; got != c.status {
				t.Errorf("%s: %d, want %d", name, got, c.status)
			}
		}
	})
}

func TestAMessageIsShownOnce(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b, p := s.signedIn(), s.login("phone")
		b.expect(b.post("/devices/"+p.id+"/revoke", nil), http.StatusSeeOther, "/devices")
		kept := b.cookie("latchkey-flash").Value
		if r := b.get("/static/nothing"); r.status != http.StatusNotFound {
			t.Errorf("%d", r.status)
		}
		b.told("/security", "You’ve signed out “phone”.") // on whichever page comes next
		for _, path := range []string{"/devices", "/security", "/activity", "/nothing"} {
			b.get(path).screen(t).none("div", "class", "notice")
		}
		r := b.do(http.MethodGet, "/devices", nil, "Cookie", "latchkey="+b.cookie("latchkey").Value+"; latchkey-flash="+kept[:len(kept)-5])
		r.screen(t).none("div", "class", "notice")
	})
}

func TestTheLongestUnseenBrowserMakesRoom(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		p := s.login("phone")
		var browsers []*browser
		for range 3 {
			browsers = append(browsers, s.signedIn())
			s.clock.Advance(10 * 60e9)
		}
		browsers[0].shown("/devices")
		s.clock.Advance(10 * 60e9)
		last := s.signedIn()
		browsers[1].expect(browsers[1].get("/devices"), http.StatusSeeOther, "/login")
		for _, b := range []*browser{browsers[0], browsers[2], last} {
			b.shown("/devices").one("h2", "id", "browsers").says("Browsers 2")
		}
		s.refreshed(p.refresh)
		if got := last.shown("/activity").all("p", "class", "event-text"); !strings.Contains(got[0].text()+got[1].text(), "“Firefox on Linux (2)” was signed out because too many browsers were signed in.") {
			t.Errorf("the activity says %q, %q", got[0].text(), got[1].text())
		}
	}, func(a *services.Config, _ *web.Config) { a.MaxDevices = 3 })
}

// sentTo posts a sign-in to the service behind a base URL, as it arrives under a host, and returns the status.
func (s *site) sentTo(base, host, form string, headers ...string) int {
	s.t.Helper()
	request := httptest.NewRequestWithContext(s.t.Context(), http.MethodPost, "http://"+host+"/login", strings.NewReader(form))
	request.Header.Set("Content-Type", formType)
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.again(web.Config{BaseURL: base, Secret: bytes.Repeat([]byte{7}, 32)}).ServeHTTP(w, request)
	return w.Code
}
