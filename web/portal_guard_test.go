package web_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/auth/services"
	"latchkey/web"
)

const noDevice = "00000000-0000-7000-8000-000000000000"

func TestAPrivatePageAsksForSignInAndLeadsBack(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		id := s.login("phone").id
		for _, r := range pages(t, http.MethodGet, id) {
			if r.guard != "signedIn" {
				continue
			}
			b := s.browser()
			want := "/login?next=" + url.QueryEscape(r.path+"?a=1&b=2")
			if r.path == "/devices" {
				want = "/login" // where everybody goes anyway
			}
			b.expect(b.get(r.path+"?a=1&b=2"), http.StatusSeeOther, want)
			page := b.shown(want)
			page.none("div", "class", "notice") // no one was signed out
			form := url.Values{"email": {adaEmail}, "password": {adaPassword}}
			back := r.path
			if want != "/login" {
				form.Set("next", page.one("input", "name", "next").attr("value"))
				back = r.path + "?a=1&b=2"
			}
			b.expect(b.post("/login", form), http.StatusSeeOther, back)
		}
	})
}

func TestAPrivateActNeedsSignIn(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		id, b := s.login("phone").id, s.browser()
		for _, r := range pages(t, http.MethodPost, id) {
			if r.guard == "form" {
				s.unchanged("a signed-out POST "+r.path, func() {
					b.expect(b.post(r.path, url.Values{"name": {"mine"}, "current_password": {adaPassword}, "new_password": {"another fine day"}}), http.StatusSeeOther, "/login")
				})
			}
		}
	})
}

func TestABrowserWhoseSignInIsOverIsToldSo(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		for name, end := range map[string]func(b *browser){
			"idle": func(*browser) { s.clock.Advance(2 * time.Hour) },
			"expired": func(b *browser) {
				for range 7 {
					s.clock.Advance(2*time.Hour - time.Second) // always seen in time
					if r := b.get("/devices"); r.status != http.StatusOK {
						t.Fatalf("out before its time: %d", r.status)
					}
				}
				s.clock.Advance(time.Minute)
				b.expect(b.get("/devices"), http.StatusSeeOther, "/login")
				b.signIn(adaEmail, adaPassword)
				s.clock.Advance(14 * time.Hour)
			},
			"revoked": func(*browser) {
				if _, err := s.auth.Operator.SignOutUser(t.Context(), adaEmail); err != nil {
					t.Fatal(err)
				}
			},
			"new password": func(*browser) {
				if _, err := s.auth.Operator.SetPassword(t.Context(), adaEmail, "an operator's words"); err != nil {
					t.Fatal(err)
				}
				if _, err := s.auth.Operator.SetPassword(t.Context(), adaEmail, adaPassword); err != nil {
					t.Fatal(err)
				}
			},
			"disabled": func(*browser) {
				if _, err := s.auth.Operator.Disable(t.Context(), adaEmail); err != nil {
					t.Fatal(err)
				}
				if err := s.auth.Operator.Enable(t.Context(), adaEmail); err != nil {
					t.Fatal(err)
				}
			},
		} {
			b := s.signedIn()
			end(b)
			r := b.get("/activity")
			if r.status != http.StatusSeeOther || r.header.Get("Location") != "/login?next=%2Factivity" {
				t.Errorf("%s: %d to %q", name, r.status, r.header.Get("Location"))
				continue
			}
			b.told("/login?next=%2Factivity", "You’ve been signed out. Sign in again to continue.")
			if b.cookie("latchkey") != nil {
				t.Errorf("%s: the cookie stays", name)
			}
			b.shown("/login").none("div", "class", "notice")
		}
	}, func(a *services.Config, _ *web.Config) { a.BrowserIdle, a.BrowserLifetime = 2*time.Hour, 14*time.Hour })
}

func TestAPostFromAnotherSiteIsRefused(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b, id := s.signedIn(), s.login("phone").id
		for _, from := range [][2]string{
			{"https://evil.example", "cross-site"}, {"https://evil.example", ""}, {"http://sub.127.0.0.1.example", "same-site"},
			{"null", "cross-site"}, {"null", ""}, {"", "cross-site"}, {"http://127.0.0.1:1", ""},
		} {
			for _, r := range pages(t, http.MethodPost, id) {
				s.unchanged("a cross-site POST "+r.path, func() {
					form := url.Values{"email": {"bea@example.com"}, "password": {"nobody would guess it"}, "name": {"mine"}, "current_password": {adaPassword}, "new_password": {"another fine day"}}
					if r.path == "/login" {
						form = url.Values{"email": {adaEmail}, "password": {adaPassword}}
					}
					got := b.post(r.path, form, "Origin", from[0], "Sec-Fetch-Site", from[1])
					if got.status != http.StatusForbidden || len(got.header.Values("Set-Cookie")) > 0 {
						t.Errorf("POST %s from %q: %d %v", r.path, from, got.status, got.header)
						return
					}
					got.screen(t).one("h1").says("This isn’t allowed")
				})
			}
		}
		b.shown("/devices")
		b.expect(b.post("/devices/"+id+"/revoke", nil, "Origin", s.URL, "Sec-Fetch-Site", ""), http.StatusSeeOther, "/devices")
	})
}

func TestAnAddressAnswersOtherMethodsWithThoseItTakes(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b, id := s.signedIn(), s.login("phone").id
		allowed := map[string][]string{}
		for _, r := range pages(t, http.MethodGet, id) {
			allowed[r.path] = append(allowed[r.path], "GET", "HEAD")
		}
		for _, r := range pages(t, http.MethodPost, id) {
			allowed[r.path] = append(allowed[r.path], "POST")
		}
		for path, want := range allowed {
			if path == "/oauth/authorize" || path == "/oauth/logout" {
				want = []string{"GET", "HEAD", "POST"} // forms of other sites, too
			}
			for _, method := range []string{"GET", "POST", "PUT", "DELETE", "PATCH", "PROPFIND"} {
				if slices.Contains(want, method) {
					continue
				}
				s.unchanged(method+" "+path, func() {
					r := b.do(method, path, nil)
					if got := r.header.Get("Allow"); r.status != http.StatusMethodNotAllowed || got != strings.Join(want, ", ") {
						t.Errorf("%s %s: %d Allow %q, want %q", method, path, r.status, got, want)
						return
					}
					r.screen(t).one("h1").says("That didn’t work")
				})
			}
		}
		for _, path := range []string{"/nothing", "/devices/", "/devices/" + noDevice, "/devices/" + noDevice + "/revoke", "/login/x"} {
			r := b.get(path)
			if r.status != http.StatusNotFound {
				t.Errorf("%s: %d", path, r.status)
			}
			r.screen(t).one("h1").says("We couldn’t find that")
		}
	})
}
