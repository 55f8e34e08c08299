package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"latchkey/auth/token"
)

// bodies that no endpoint takes, with the least that they must be refused with.
func TestBodiesThatCannotBeReadAreRefusedClearly(t *testing.T) {
	big := strings.Repeat("a", 70_000)
	each(t, func(t *testing.T, s *site) {
		p := s.login("phone")
		for _, c := range []struct {
			name, method, path, mediaType, body string
			status                              int
		}{
			{"oversized JSON", "POST", "/api/login", jsonType, `{"email":"` + big + `"}`, 413},
			{"oversized form", "POST", "/oauth/token", formType, "grant_type=" + big, 413},
			{"oversized revocation", "POST", "/oauth/revoke", formType, "token=" + big, 413},
			{"oversized portal form", "POST", "/login", formType, "email=" + big, 413},
			{"oversized rename", "PATCH", "/api/devices/current", jsonType, `{"name":"` + big + `"}`, 413},
			{"no media type", "POST", "/api/login", "", `{}`, 415},
			{"form where JSON is wanted", "POST", "/api/login", formType, `email=a`, 415},
			{"JSON in a portal form", "POST", "/login", jsonType, `{}`, 415},
			{"multipart", "POST", "/oauth/token", "multipart/form-data; boundary=x", "--x--", 415},
			{"XML", "POST", "/oauth/token", "application/xml", "<x/>", 415},
			{"another charset", "POST", "/api/login", "application/json; charset=utf-16", `{}`, 415},
			{"empty", "POST", "/api/login", jsonType, ``, 400},
			{"truncated", "POST", "/api/login", jsonType, `{"email":"a`, 400},
			{"truncated after a member", "POST", "/api/login", jsonType, `{"email":"a",`, 400},
			{"an array", "POST", "/api/login", jsonType, `[]`, 400},
			{"a string", "POST", "/api/login", jsonType, `"x"`, 400},
			{"null", "POST", "/api/login", jsonType, `null`, 400},
			{"trailing data", "POST", "/api/login", jsonType, `{} {}`, 400},
			{"trailing garbage", "POST", "/api/login", jsonType, `{}x`, 400},
			{"a number for a text", "POST", "/api/login", jsonType, `{"email":1,"password":"a","device_name":"b"}`, 400},
			{"an object for a text", "POST", "/api/login", jsonType, `{"email":{"x":1}}`, 400},
			{"an array for a text", "POST", "/api/login", jsonType, `{"device_name":["a"]}`, 400},
			{"a repeated member", "POST", "/api/login", jsonType, `{"email":"a","email":"b"}`, 400},
			{"not UTF-8 in JSON", "POST", "/api/login", jsonType, "{\"email\":\"\xff\"}", 400},
			{"not UTF-8 in a form", "POST", "/oauth/token", formType, "grant_type=\xff", 400},
			{"not UTF-8 behind percent signs", "POST", "/login", formType, "email=%ff&password=a", 400},
			{"a bad percent sign", "POST", "/oauth/token", formType, "grant_type=%zz", 400},
			{"a repeated parameter", "POST", "/oauth/token", formType, "grant_type=refresh_token&grant_type=refresh_token&refresh_token=" + p.refresh, 400},
			{"a repeated token", "POST", "/oauth/token", formType, "grant_type=refresh_token&refresh_token=" + p.refresh + "&refresh_token=x", 400},
			{"a repeated token in JSON", "POST", "/oauth/token", jsonType, `{"grant_type":"refresh_token","refresh_token":"x","refresh_token":"` + p.refresh + `"}`, 400},
			{"no grant_type", "POST", "/oauth/token", formType, "refresh_token=" + p.refresh, 400},
			{"no refresh_token", "POST", "/oauth/token", formType, "grant_type=refresh_token", 400},
			{"an empty refresh_token", "POST", "/oauth/token", formType, "grant_type=refresh_token&refresh_token=", 400},
			{"no token to revoke", "POST", "/oauth/revoke", formType, "token_type_hint=refresh_token", 400},
			{"deep nesting", "POST", "/api/login", jsonType, `{"x":` + strings.Repeat("[", 30_000) + strings.Repeat("]", 30_000) + `}`, 400},
		} {
			headers := bearer(p.access)
			if !strings.HasPrefix(c.path, "/api/") {
				headers = nil
			}
			if c.mediaType != "" {
				headers = append(headers, "Content-Type", c.mediaType)
			}
			r := s.request(c.method, c.path, c.body, headers...)
			if r.status != c.status {
				t.Errorf("%s: %d %s, want %d", c.name, r.status, r.body, c.status)
			}
			switch {
			case strings.HasPrefix(c.path, "/oauth/"):
				if r.text(t, "error") != "invalid_request" || r.text(t, "error_description") == "" {
					t.Errorf("%s: %s", c.name, r.body)
				}
			case strings.HasPrefix(c.path, "/api/"):
				if r.text(t, "code") == "" || r.text(t, "detail") == "" || r.header.Get("Content-Type") != "application/problem+json" {
					t.Errorf("%s: %s", c.name, r.body)
				}
			}
		}
		s.refreshed(p.refresh) // none of it consumed the token
	})
}

func TestTextsThatCannotBeKeptAreRefused(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		p := s.login("phone")
		for name, c := range map[string]struct {
			member, value string
		}{
			"NUL in the name":               {"device_name", "pho\x00ne"},
			"newline in the name":           {"device_name", "pho\nne"},
			"escape in the name":            {"device_name", "\x1b[31mphone"},
			"C1 control in the name":        {"device_name", "pho\u0085ne"},
			"65 characters":                 {"device_name", strings.Repeat("a", 65)},
			"only spaces":                   {"device_name", "   "},
			"empty name":                    {"device_name", ""},
			"NUL in the address":            {"email", "ada@example.com\x00"},
			"an address of 300 characters":  {"email", strings.Repeat("a", 290) + "@example.com"},
			"NUL in the password":           {"password", adaPassword + "\x00"},
			"a password of 2,000 letters":   {"password", strings.Repeat("a", 2000)},
			"NUL in the client_id":          {"client_id", "a\x00"},
			"a client_id of 200 characters": {"client_id", strings.Repeat("a", 200)},
		} {
			body := map[string]string{"email": adaEmail, "password": adaPassword, "device_name": "x", c.member: c.value}
			r := s.postJSON("/api/login", body)
			errors, _ := r.json(t)["errors"].([]any)
			if r.status != http.StatusUnprocessableEntity || len(errors) != 1 || errors[0].(map[string]any)["field"] != c.member {
				t.Errorf("%s: %d %s", name, r.status, r.body)
			}
			if c.member == "device_name" {
				if r := s.postJSON("/api/login", body); r.status != http.StatusUnprocessableEntity {
					t.Errorf("%s, again: %d", name, r.status)
				}
				encoded := `{"name":` + quote(c.value) + `}`
				if r := s.request(http.MethodPatch, "/api/devices/current", encoded, append(bearer(p.access), "Content-Type", jsonType)...); r.status != http.StatusUnprocessableEntity {
					t.Errorf("rename, %s: %d %s", name, r.status, r.body)
				}
			}
		}
	})
}

func TestMalformedDeviceTokensAreInvalidGrants(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		p := s.login("phone")
		codec, inside := parse(t, p.refresh)
		stranger := inside
		stranger.DeviceID[3] ^= 1
		thief := inside
		thief.Secret[0] ^= 1
		for name, c := range map[string]struct{ token, reason string }{
			"cut":                           {p.refresh[:len(p.refresh)-1], token.ReasonMalformed},
			"NUL inside":                    {p.refresh[:50] + "\x00" + p.refresh[51:], token.ReasonMalformed},
			"an access token":               {p.access, token.ReasonMalformed},
			"one bit changed":               {flip(p.refresh), token.ReasonMalformed},
			"an unknown device":             {codec.Mint(stranger), token.ReasonUnknownDevice},
			"minted without the row's hash": {codec.Mint(thief), token.ReasonUnknownDevice},
		} {
			r := s.refresh(c.token)
			if r.status != http.StatusBadRequest || r.text(t, "error") != "invalid_grant" || r.text(t, "reason") != c.reason {
				t.Errorf("%s: %d %s, want %s", name, r.status, r.body, c.reason)
			}
		}
		s.refreshed(p.refresh)
	})
}

func TestOAuthRequestsFollowTheStandard(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		p := s.login("phone")
		good := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {p.refresh}}
		for _, c := range []struct {
			name    string
			form    url.Values
			headers []string
			status  int
			error   string
		}{
			{"another grant", url.Values{"grant_type": {"password"}, "username": {"a"}}, nil, 400, "unsupported_grant_type"},
			{"client_credentials without a client", url.Values{"grant_type": {"client_credentials"}}, nil, 401, "invalid_client"},
			{"another client's id", with(good, "client_id", "other"), nil, 400, "invalid_grant"},
			{"another client by Basic", good, []string{"Authorization", "Basic b3RoZXI6"}, 400, "invalid_grant"},
			{"a client secret", good, []string{"Authorization", "Basic YXBwOnNlY3JldA=="}, 401, "invalid_client"},
			{"Basic that is none", good, []string{"Authorization", "Basic !"}, 401, "invalid_client"},
			{"two client ids", with(good, "client_id", "app"), []string{"Authorization", "Basic b3RoZXI6"}, 400, "invalid_request"},
			{"a client_id with NUL", with(good, "client_id", "a\x00"), nil, 400, "invalid_request"},
			{"a Basic user that is not UTF-8", good, []string{"Authorization", "Basic JWZmJWZlOg=="}, 400, "invalid_request"},
			{"its own id in the body", with(good, "client_id", "app"), nil, 200, ""},
			{"its own id by Basic", good, []string{"Authorization", "Basic YXBwOg=="}, 200, ""},
			{"an empty client_id", with(good, "client_id", ""), nil, 200, ""},
		} {
			r := s.postForm("/oauth/token", c.form, c.headers...)
			if r.status != c.status || c.error != "" && r.text(t, "error") != c.error || r.header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: %d %v %s", c.name, r.status, r.header, r.body)
			}
			if (c.status == 401) != (r.header.Get("WWW-Authenticate") != "") {
				t.Errorf("%s: WWW-Authenticate %q", c.name, r.header.Get("WWW-Authenticate"))
			}
		}
		if r := s.postJSON("/oauth/token", map[string]any{"grant_type": "refresh_token", "refresh_token": p.refresh, "unknown": []int{1}, "client_id": nil}); r.status != http.StatusOK {
			t.Errorf("JSON: %d %s", r.status, r.body)
		}
	})
}

func TestUnknownPathsAndMethodsAreAnsweredInTheirForm(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		for _, c := range []struct {
			method, path string
			status       int
			mediaType    string
			allow        string
		}{
			{"GET", "/api/nothing", 404, "application/problem+json", ""},
			{"GET", "/api/login", 405, "application/problem+json", "POST"},
			{"GET", "/oauth/token", 405, jsonType, "POST"},
			{"POST", "/oauth/nothing", 404, jsonType, ""},
			{"GET", "/nothing", 404, "text/html; charset=utf-8", ""},
			{"DELETE", "/devices", 405, "text/html; charset=utf-8", "GET, HEAD"},
			{"GET", "/static/../../etc/passwd", 404, "", ""},
			{"GET", "/%00", 404, "text/html; charset=utf-8", ""},
		} {
			r := s.request(c.method, c.path, "")
			if r.status != c.status || c.mediaType != "" && r.header.Get("Content-Type") != c.mediaType || r.header.Get("Allow") != c.allow {
				t.Errorf("%s %s: %d %v", c.method, c.path, r.status, r.header)
			}
		}
	})
}

func with(form url.Values, name, value string) url.Values {
	c := url.Values{name: {value}}
	for k, v := range form {
		c[k] = v
	}
	return c
}

// flip changes one bit in the middle of a token.
func flip(token string) string {
	b := []byte(token)
	if b[60] == 'A' {
		b[60] = 'B'
	} else {
		b[60] = 'A'
	}
	return string(b)
}

func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		if r < 0x20 || r == 0x7f || r == 0x85 {
			b.WriteString(`\u00`)
			b.WriteByte("0123456789abcdef"[r>>4])
			b.WriteByte("0123456789abcdef"[r&15])
			continue
		}
		b.WriteRune(r)
	}
	b.WriteByte('"')
	return b.String()
}
