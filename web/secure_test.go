package web_test

import (
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"
)

// secured is what "Secure your account" marks as done, step by step.
func (b *browser) secured() (done []bool) {
	b.t.Helper()
	for _, step := range b.shown("/security/secure").one("ol", "class", "secure").all("li") {
		done = append(done, len(step.all("span", "class", "badge")) == 1)
	}
	return done
}

func TestSecureMyAccountLeadsThroughThreeSteps(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.login("phone")
		other := s.login("tablet")
		b := s.signedIn()
		s.clock.Advance(time.Hour)
		expect := func(when string, want ...bool) {
			t.Helper()
			if got := b.secured(); !slices.Equal(got, want) {
				t.Errorf("%s: %v, want %v", when, got, want)
			}
		}
		expect("without an alarm", false, false, false)
		b.expect(b.post("/security/password", url.Values{"current_password": {adaPassword}, "new_password": {evePassword}, "next": {"/security/secure"}}), http.StatusSeeOther, "/security/secure")
		expect("a new password signs the others out", true, true, false)

		s.clock.Advance(time.Hour)
		r := s.postJSON("/api/login", map[string]string{"email": adaEmail, "password": evePassword, "device_name": "phone"})
		stolen := newPhone(t, r)
		s.postJSON("/api/login", map[string]string{"email": adaEmail, "password": evePassword, "device_name": "tablet"})
		next := s.refreshed(stolen.refresh)
		s.clock.Advance(time.Minute)
		s.refreshed(next.refresh)
		s.clock.Advance(time.Minute)
		s.refresh(stolen.refresh) // a copy
		alarm := b.shown("/devices").one("section", "aria-labelledby", "alerts")
		alarm.one("a", "href", "/security/secure")
		expect("after an alarm", false, false, false)
		s.clock.Advance(time.Minute)
		b.expect(b.post("/devices/alerts/dismiss", url.Values{"seen": {alarm.one("input", "name", "seen").attr("value")}}), http.StatusSeeOther, "/devices")
		expect("looked through, with a device left", false, false, false)

		b.shown("/security/secure")
		link := "/devices/revoke-others?secure=1"
		b.expect(b.post(b.shown(link).one("form", "class", "decision").attr("action"), nil), http.StatusSeeOther, "/security/secure")
		expect("signed out", true, false, false)
		s.clock.Advance(time.Minute)
		form := b.shown("/security/password?next=%2Fsecurity%2Fsecure").one("form", "action", "/security/password")
		form.one("input", "name", "next", "value", "/security/secure")
		wrong := b.post("/security/password", url.Values{"current_password": {"a wrong guess at it"}, "new_password": {adaPassword}, "next": {"/security/secure"}})
		wrong.screen(t).one("input", "name", "next", "value", "/security/secure")
		b.expect(b.post("/security/password", url.Values{"current_password": {evePassword}, "new_password": {adaPassword}, "next": {"/security/secure"}}), http.StatusSeeOther, "/security/secure")
		expect("a new password", true, true, false)
		b.addApp(adaPassword)
		expect("two-step sign-in", true, true, true)
		_ = other
	})
}
