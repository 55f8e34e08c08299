package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"latchkey/auth/services"
	"latchkey/web"
)

// W3C: A Well-Known URL for Changing Passwords, with its test whether a site answers 404 for what it does not have.
func TestPasswordManagersFindThePageForANewPassword(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		for name, b := range map[string]*browser{"signed in": s.signedIn(), "signed out": s.browser()} {
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				if r := b.do(method, "/.well-known/change-password", nil); r.status != http.StatusSeeOther || r.header.Get("Location") != "/security/password" {
					t.Errorf("%s, %s: %d to %q", name, method, r.status, r.header.Get("Location"))
				}
			}
			for _, path := range []string{"resource-that-should-not-exist-whose-status-code-should-not-be-200", "change-password/", "security.txt", "nothing", ""} {
				if r := b.get("/.well-known/" + path); r.status != http.StatusNotFound {
					t.Errorf("%s: /.well-known/%s: %d", name, path, r.status)
				}
			}
		}
		b := s.browser()
		b.expect(b.get("/security/password"), http.StatusSeeOther, "/login?next=%2Fsecurity%2Fpassword")
		s.signedIn().shown("/security/password").one("input", "name", "new_password", "autocomplete", "new-password")
	})
}

func TestSecurityTextNamesTheContact(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		r := s.request(http.MethodGet, "/.well-known/security.txt", "")
		want := "Contact: mailto:security@example.com\nContact: https://example.com/report\nExpires: " +
			s.clock.Now().Add(180*24*time.Hour).Format(time.RFC3339) + "\nCanonical: " + s.URL + "/.well-known/security.txt\n"
		if r.status != http.StatusOK || r.header.Get("Content-Type") != "text/plain; charset=utf-8" || r.body != want {
			t.Errorf("%d %v %q, want %q", r.status, r.header, r.body, want)
		}
		armoured(t, "security.txt", r, false)
		s.clock.Advance(300 * 24 * time.Hour)
		if later := s.request(http.MethodGet, "/.well-known/security.txt", "").body; !strings.Contains(later, "Expires: 2028-03-") {
			t.Errorf("after 300 days: %q", later)
		}
	}, func(_ *services.Config, w *web.Config) {
		w.SecurityContacts = []string{"security@example.com", "https://example.com/report"}
	})
}

func TestASecurityContactIsAnAddressOrAURL(t *testing.T) {
	for text, want := range map[string]string{
		"security@example.com": "mailto:security@example.com", " mailto:a@example.com ": "mailto:a@example.com", "https://example.com/x?y=z": "https://example.com/x?y=z",
		"tel:+49-30-123456": "tel:+49-30-123456",
		"":                  "", "example.com": "", "http://example.com": "", "javascript:alert(1)": "", "https:": "", "https://a:b@example.com": "", "mailto:": "", "mailto:a": "", "tel:": "",
		"a@example.com\nExpires: never": "", "https://example.com/\r\nContact: tel:1": "", "Ada <a@example.com>": "",
	} {
		if got, err := web.ParseContact(text); got != want || (err == nil) != (want != "") {
			t.Errorf("%q is %q, %v; want %q", text, got, err, want)
		}
	}
}
