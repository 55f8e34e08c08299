package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"latchkey/auth/services"
	"latchkey/auth/token"
	"latchkey/web"
)

func TestSigningInGivesTheTokenAnswer(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		r := s.tryLogin(adaEmail, adaPassword, "  phone ")
		if r.status != http.StatusOK || r.header.Get("Cache-Control") != "no-store" || r.header.Get("Content-Type") != jsonType {
			t.Fatalf("%d %v %s", r.status, r.header, r.body)
		}
		m := r.json(t)
		in, ok := m["refresh_in"].(float64)
		if m["token_type"] != "Bearer" || m["expires_in"] != 900.0 || !ok || in <= 0 || in >= 900 || m["device_name"] != "phone" ||
			!strings.HasPrefix(r.text(t, "refresh_token"), "lk1.") || len(r.text(t, "device_id")) != 36 {
			t.Errorf("token answer: %s", r.body)
		}
		if r = s.tryLogin("ADA@Example.COM", adaPassword, "phone"); r.text(t, "device_name") != "phone (2)" {
			t.Errorf("the second phone, signed in with the address in other letters: %s", r.body)
		}
	})
}

func TestALongNameIsCutToMakeRoomForItsNumber(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		long := strings.Repeat("ä", 64)
		if got := s.login(long).name; got != long {
			t.Errorf("64 characters came back as %q", got)
		}
		if got := s.login(long).name; got != strings.Repeat("ä", 60)+" (2)" {
			t.Errorf("the second came back as %q", got)
		}
	})
}

func TestRefusedSignInsSayWhy(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		wrong, unknown := s.tryLogin(adaEmail, "not the password", "x"), s.tryLogin("nobody@example.com", "not the password", "x")
		for _, r := range []reply{wrong, unknown} {
			if r.status != http.StatusUnauthorized || r.text(t, "code") != "invalid_credentials" || r.header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("%d %s", r.status, r.body)
			}
		}
		hide := func(r reply) string { return strings.Replace(r.body, r.text(t, "request_id"), "", 1) }
		if hide(wrong) != hide(unknown) {
			t.Errorf("a wrong password and an unknown account can be told apart: %s / %s", wrong.body, unknown.body)
		}
		if _, err := s.auth.Operator.Disable(t.Context(), adaEmail); err != nil {
			t.Fatal(err)
		}
		if r := s.tryLogin(adaEmail, "not the password", "x"); r.text(t, "code") != "invalid_credentials" {
			t.Errorf("a wrong password for a disabled account tells of it: %s", r.body)
		}
		if r := s.tryLogin(adaEmail, adaPassword, "x"); r.status != http.StatusForbidden || r.text(t, "code") != "account_disabled" {
			t.Errorf("the right password for a disabled account: %d %s", r.status, r.body)
		}
		r := s.postJSON("/api/login", map[string]string{"email": adaEmail})
		fields := map[string]bool{}
		for _, e := range r.json(t)["errors"].([]any) {
			fields[e.(map[string]any)["field"].(string)] = true
		}
		if r.status != http.StatusUnprocessableEntity || r.text(t, "code") != "invalid_request" || !fields["password"] || !fields["device_name"] || len(fields) != 2 {
			t.Errorf("missing fields: %d %s", r.status, r.body)
		}
	})
}

func TestTheDeviceLimitHolds(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		first := s.login("one")
		s.login("two")
		if r := s.tryLogin(adaEmail, adaPassword, "three"); r.status != http.StatusConflict || r.text(t, "code") != "too_many_devices" {
			t.Errorf("a third of two: %d %s", r.status, r.body)
		}
		s.postForm("/oauth/revoke", url.Values{"token": {first.refresh}})
		s.login("three")
	}, func(a *services.Config, _ *web.Config) { a.MaxDevices = 2 })
}

func TestWhoamiTellsTheTokenWithoutAQuery(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		p := s.login("phone")
		before := s.statements.Load()
		r := s.request(http.MethodGet, "/api/whoami", "", bearer(p.access)...)
		if n := s.statements.Load() - before; n != 0 {
			t.Errorf("%d queries", n)
		}
		m := r.json(t)
		if r.status != http.StatusOK || m["device_id"] != p.id || m["device_name"] != "phone" || m["client_id"] != "app" || len(r.text(t, "sub")) != 36 ||
			m["expires_at"] != "2026-11-23T12:15:00Z" || m["auth_time"] != "2026-11-23T12:00:00Z" || m["acr"] != "aal1" || fmt.Sprint(m["amr"]) != "[pwd]" || len(m) != 8 {
			t.Errorf("%d %s", r.status, r.body)
		}
	})
}

// A token of an earlier release, or of a device that signed in with one, does not say how its owner signed in.
func TestWhoamiLeavesOutWhatTheTokenDoesNotSay(t *testing.T) {
	onSQLite(t, func(t *testing.T, s *site) {
		claims := jwt.MapClaims{}
		if _, _, err := jwt.NewParser().ParseUnverified(s.login("phone").access, claims); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"auth_time", "amr", "acr"} {
			delete(claims, name)
		}
		key := signingKey(t, s)
		token := jwt.NewWithClaims(key.Method(), claims)
		token.Header["typ"], token.Header["kid"] = "at+jwt", key.ID
		text, err := token.SignedString(key.Signer())
		if err != nil {
			t.Fatal(err)
		}
		if r := s.request(http.MethodGet, "/api/whoami", "", bearer(text)...); r.status != http.StatusOK || len(r.json(t)) != 5 {
			t.Errorf("%d %s", r.status, r.body)
		}
	}, func(*services.Config, *web.Config) {})
}

func TestARefreshIsOneStatement(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		p := s.login("phone")
		for _, step := range []struct {
			name  string
			token func() string
		}{
			{"rotated", func() string { old := p; p = s.refreshed(p.refresh); return old.refresh }},
			{"repeated", func() string { return p.refresh }},
		} {
			token := step.token()
			before := s.statements.Load()
			s.refreshed(token)
			if n := s.statements.Load() - before; n != 1 {
				t.Errorf("%s: %d statements", step.name, n)
			}
		}
		before := s.statements.Load()
		s.refused("lk1.garbage", token.ReasonMalformed)
		if n := s.statements.Load() - before; n != 0 {
			t.Errorf("garbage: %d statements", n)
		}
	})
}

func TestDevicesListsWhatIsLive(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.addUser("eve@example.com", evePassword)
		s.tryLogin("eve@example.com", evePassword, "eve's")
		a, gone := s.login("a"), s.login("gone")
		s.clock.Advance(time.Minute)
		b := s.signedIn()
		s.clock.Advance(time.Minute)
		s.postForm("/oauth/revoke", url.Values{"token": {gone.refresh}})
		r := s.request(http.MethodGet, "/api/devices", "", bearer(a.access)...)
		list := r.json(t)["devices"].([]any)
		if r.status != http.StatusOK || len(list) != 2 {
			t.Fatalf("%d %s", r.status, r.body)
		}
		own, other := list[0].(map[string]any), list[1].(map[string]any)
		if own["id"] != a.id || own["current"] != true || own["last_seen_at"] != "2026-11-23T12:02:00Z" || own["kind"] != "app" ||
			own["created_at"] != "2026-11-23T12:00:00Z" || own["last_ip"] != "127.0.0.1" || own["expires_at"] != "2027-02-21T12:00:00Z" {
			t.Errorf("own device: %v", own)
		}
		if other["kind"] != "browser" || other["current"] != false || other["name"] != "Firefox on Linux" || other["user_agent"] != b.agent || other["signed_in_by"] != "password" || len(other) != 12 {
			t.Errorf("the browser: %v", other)
		}
	})
}

func TestAnAppManagesItsOwnDevice(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		a := s.login("a")
		s.login("b")
		json := append(bearer(a.access), "Content-Type", jsonType)
		for _, id := range []string{"current", a.id} {
			if r := s.request(http.MethodPatch, "/api/devices/"+id, `{"name":"b"}`, json...); r.status != http.StatusOK || r.text(t, "name") != "b (2)" || r.json(t)["current"] != true {
				t.Errorf("rename %s: %d %s", id, r.status, r.body)
			}
		}
		if r := s.request(http.MethodDelete, "/api/devices/current", "", bearer(a.access)...); r.status != http.StatusNoContent || r.body != "" {
			t.Errorf("sign out: %d %s", r.status, r.body)
		}
		s.refused(a.refresh, token.ReasonRevoked)
		r := s.request(http.MethodGet, "/api/devices", "", bearer(a.access)...)
		if r.status != http.StatusUnauthorized || r.header.Get("WWW-Authenticate") != `Bearer error="invalid_token", `+s.described() {
			t.Errorf("the access token of a device that is out: %d %v", r.status, r.header)
		}
	})
}

func TestAnotherDeviceNeedsThePassword(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.addUser("eve@example.com", evePassword)
		eve := newPhone(t, s.tryLogin("eve@example.com", evePassword, "eve's"))
		a, b := s.login("a"), s.login("b")
		try := func(method, id, body string) reply {
			return s.request(method, "/api/devices/"+id, body, append(bearer(a.access), "Content-Type", jsonType)...)
		}
		for _, c := range []struct {
			name, method, id, body string
			status                 int
			code                   string
		}{
			{"sign out without it", http.MethodDelete, b.id, ``, http.StatusForbidden, "reauthentication_required"},
			{"rename without it", http.MethodPatch, b.id, `{"name":"c"}`, http.StatusForbidden, "reauthentication_required"},
			{"a wrong one", http.MethodDelete, b.id, `{"password":"not the password"}`, http.StatusForbidden, "invalid_credentials"},
			{"somebody else's device", http.MethodDelete, eve.id, `{"password":"` + adaPassword + `"}`, http.StatusNotFound, "not_found"},
			{"an unknown device", http.MethodDelete, "00000000-0000-7000-8000-000000000000", `{"password":"` + adaPassword + `"}`, http.StatusNotFound, "not_found"},
			{"a malformed id", http.MethodDelete, "%00", `{"password":"` + adaPassword + `"}`, http.StatusNotFound, "not_found"},
			{"rename with it", http.MethodPatch, b.id, `{"name":"c","password":"` + adaPassword + `"}`, http.StatusOK, ""},
			{"sign out with it", http.MethodDelete, b.id, `{"password":"` + adaPassword + `"}`, http.StatusNoContent, ""},
			{"sign out again", http.MethodDelete, b.id, `{"password":"` + adaPassword + `"}`, http.StatusNoContent, ""},
		} {
			r := try(c.method, c.id, c.body)
			if r.status != c.status || c.code != "" && r.text(t, "code") != c.code {
				t.Errorf("%s: %d %s", c.name, r.status, r.body)
			}
		}
		s.refused(b.refresh, token.ReasonRevoked)
		s.refreshed(eve.refresh)
		s.refreshed(a.refresh)
	})
}
