package web_test

import (
	"net/http"
	"net/url"
	"testing"
)

// What is told of none, one and several devices is a sentence each time.
func TestCountedDevicesAreToldInSentences(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b, password := s.signedIn(), adaPassword
		for i, c := range []struct{ changed, out, detail string }{
			{"You’ve changed your password. No other device was signed in.", "No other device is signed in.", ""},
			{"You’ve changed your password, which signed out 1 other device.", "You’ve signed out 1 other device. Only this browser is signed in now.",
				"It can’t come back without signing in again. Apps may keep working for up to about 30 seconds, and with some services for up to 15 minutes."},
			{"You’ve changed your password, which signed out 2 other devices.", "You’ve signed out 2 other devices. Only this browser is signed in now.",
				"They can’t come back without signing in again. Apps may keep working for up to about 30 seconds, and with some services for up to 15 minutes."},
		} {
			phones := func() {
				for _, name := range numbered("phone %d", i) {
					s.addDevice(name)
				}
			}
			phones()
			next := numbered("a fine day at the lake %d", i+1)[i]
			b.expect(b.post("/security", url.Values{"current_password": {password}, "new_password": {next}}), http.StatusSeeOther, "/devices")
			b.told("/devices", c.changed)
			password = next
			phones()
			b.expect(b.post("/devices/revoke-others", nil), http.StatusSeeOther, "/devices")
			page := b.told("/devices", c.out)
			if c.detail != "" {
				page.one("p", "class", "notice-detail").says(c.detail)
			}
		}
	})
}
