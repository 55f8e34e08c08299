package web_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/auth/token"
)

// The question that this service answers, from the first sign-in to the change of password.
func TestTheOwnerOfAStolenPhoneSignsItOut(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		stolen, kept := s.login("phone"), s.login("phone")
		if stolen.name != "phone" || kept.name != "phone (2)" {
			t.Fatalf("two phones are called %q and %q", stolen.name, kept.name)
		}
		s.clock.Advance(14 * time.Minute)
		stolen, kept = s.refreshed(stolen.refresh), s.refreshed(kept.refresh)
		for _, p := range []phone{stolen, kept} {
			if r := s.request(http.MethodGet, "/api/whoami", "", bearer(p.access)...); r.status != http.StatusOK || r.text(t, "device_name") != p.name {
				t.Errorf("who %s is: %d %s", p.name, r.status, r.body)
			}
		}

		b := s.browser()
		b.expect(b.get("/activity"), http.StatusSeeOther, "/login?next=%2Factivity")
		b.expect(b.post("/login", url.Values{"email": {adaEmail}, "password": {adaPassword}, "next": {"/activity"}}), http.StatusSeeOther, "/activity")
		row := b.shown("/devices").one("a", "href", "/devices/"+stolen.id+"/revoke")
		b.shown(row.attr("href")).one("h1").says("Sign out “phone”?")
		b.expect(b.post("/devices/"+stolen.id+"/revoke", nil), http.StatusSeeOther, "/devices")
		if got := b.told("/devices", "You’ve signed out “phone”.").one("section", "aria-labelledby", "apps").texts("", "class", "device-name"); !slices.Equal(got, []string{"phone (2)"}) {
			t.Errorf("what is left: %q", got)
		}
		s.refused(stolen.refresh, token.ReasonRevoked)
		if r := s.request(http.MethodGet, "/api/devices", "", bearer(stolen.access)...); r.status != http.StatusUnauthorized {
			t.Errorf("the stolen phone still lists devices: %d", r.status)
		}
		s.clock.Advance(10 * time.Minute)
		kept = s.refreshed(kept.refresh)

		tablet := s.login("tablet")
		tablet.signOut(s)
		tablet.signOut(s) // it was out: no error (RFC 7009 §2.2)
		s.refused(tablet.refresh, token.ReasonRevoked)

		again, second := s.login("phone"), s.signedIn()
		if again.name != "phone" {
			t.Errorf("a name that is free again is given as %q", again.name)
		}
		b.expect(b.post("/security", url.Values{"current_password": {adaPassword}, "new_password": {"a finer day on the lake"}}), http.StatusSeeOther, "/devices")
		page := b.told("/devices", "You’ve changed your password, which signed out 3 other devices.")
		if got := page.texts("", "class", "device-name"); !slices.Equal(got, []string{"Firefox on Linux"}) {
			t.Errorf("what is left: %q", got)
		}
		s.refused(kept.refresh, token.ReasonRevoked)
		s.refused(again.refresh, token.ReasonRevoked)
		second.expect(second.get("/devices"), http.StatusSeeOther, "/login")
		if r := s.tryLogin(adaEmail, adaPassword, "phone"); r.status != http.StatusUnauthorized {
			t.Errorf("the old password signs in: %d %s", r.status, r.body)
		}

		told := strings.Join(b.shown("/activity").texts("p", "class", "event-text"), "\n")
		for _, want := range []string{"Signed in on “phone (2)”.", "You signed out “phone”.", "“tablet” signed out.", "You changed your password. All other devices were signed out."} {
			if strings.Count(told, want) != 1 {
				t.Errorf("the activity tells %q %d times:\n%s", want, strings.Count(told, want), told)
			}
		}
	})
}
