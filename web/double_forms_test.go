package web_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"latchkey/models"
)

// A form that is sent twice: the answer to the second, which is the one that the person sees, says that it is done.
func TestAFormThatIsSentTwiceIsNotAnErrorTheSecondTime(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		const next = "a finer day on the lake"
		b, phone := s.signedIn(), s.login("phone")
		s.login("tablet")
		for _, c := range []struct {
			path, location, told string
			form                 url.Values
		}{
			{"/devices/" + phone.id + "/rename", "/devices", "You’ve renamed the device to “tablet (2)”, because another device already has that name.", url.Values{"name": {"tablet"}}},
			{"/devices/" + phone.id + "/revoke", "/devices", "You’ve signed out “tablet (2)”.", nil},
			{"/security/email", "/security", "We’ve e-mailed a link to " + newEmail + ". Open it to finish the change.", url.Values{"email": {newEmail}, "password": {adaPassword}}},
			{"/security/password", "/devices", "", url.Values{"current_password": {adaPassword}, "new_password": {next}}},
			{"/devices/revoke-others", "/devices", "No other device is signed in.", nil},
			{"/forgot", "/forgot/sent", "", url.Values{"email": {adaEmail}}},
			{"/signup", "/signup/sent", "", url.Values{"email": {"bea@example.com"}, "password": {"nobody would guess it"}}},
			{"/security/delete", "/login", "You’ve deleted your account, and every device was signed out.", url.Values{"email": {adaEmail}, "current_password": {next}}},
		} {
			form := url.Values{"account": {b.account()}}
			for name, values := range c.form {
				form[name] = values
			}
			cookies := cookieHeader(b)
			b.expect(b.post(c.path, form), http.StatusSeeOther, c.location)
			b.expect(b.do(http.MethodPost, c.path, form, "Cookie", cookies), http.StatusSeeOther, c.location) // the cookies of the same moment
			if c.told != "" {
				b.told(c.location, c.told)
			} else {
				b.shown(c.location)
			}
			if c.path == "/security/password" {
				if list := s.eventsOf(adaEmail); countKind(list, models.EventPasswordFailed) != 0 || countKind(list, models.EventPasswordChanged) != 1 {
					t.Errorf("the activity tells of %d wrong passwords and %d changes", countKind(list, models.EventPasswordFailed), countKind(list, models.EventPasswordChanged))
				}
			}
		}
	})
}

// The second sending is known by the new password, for a minute, on the browser that stays signed in: a guess is a guess.
func TestAChangeOfPasswordIsRepeatedOnlyByItself(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		const next = "a finer day on the lake"
		b := s.signedIn()
		change := func(current, new string) reply {
			return b.post("/security", url.Values{"current_password": {current}, "new_password": {new}})
		}
		together(2, func(int) { // both under way at once
			r := b.post("/security", url.Values{"current_password": {adaPassword}, "new_password": {next}})
			if r.status != http.StatusSeeOther {
				t.Errorf("%d: %s", r.status, r.screen(t).text())
			}
		})
		if r := change(adaPassword, "another fine day there"); r.status != http.StatusUnprocessableEntity {
			t.Errorf("the old password changes it: %d", r.status)
		}
		b.expect(change(next, "another fine day there"), http.StatusSeeOther, "/devices") // within the minute, and not the same
		s.clock.Advance(2 * time.Minute)
		if r := change(next, "another fine day there"); r.status != http.StatusUnprocessableEntity {
			t.Errorf("after two minutes: %d", r.status)
		}
		if n := countKind(s.eventsOf(adaEmail), models.EventPasswordFailed); n != 2 {
			t.Errorf("%d wrong passwords are told, want 2", n)
		}
	})
}
