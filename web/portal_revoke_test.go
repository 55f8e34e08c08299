package web_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"latchkey/auth/services"
	"latchkey/auth/token"
	"latchkey/models"
	"latchkey/web"
)

func TestRevokingADeviceAsksAndThenTellsItsName(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b, p, other := s.signedIn(), s.login("phone"), s.login("tablet")
		page := b.shown("/devices/" + p.id + "/revoke")
		page.one("h1").says("Sign out “phone”?")
		page.one("form", "class", "decision", "method", "post", "action", "/devices/"+p.id+"/revoke")
		page.one("a", "class", "button", "href", "/devices").says("Cancel")
		if outcomes := page.one("ul", "class", "outcomes").text(); !strings.Contains(outcomes, "for up to about 30 seconds, and with some services for up to 15 minutes.") {
			t.Errorf("the question says %q", outcomes)
		}
		s.refreshed(other.refresh)

		b.expect(b.post("/devices/"+p.id+"/revoke", nil), http.StatusSeeOther, "/devices")
		if got := b.told("/devices", "You’ve signed out “phone”.").one("section", "aria-labelledby", "apps").texts("", "class", "device-name"); !slices.Equal(got, []string{"tablet"}) {
			t.Errorf("what is left: %q", got)
		}
		s.refused(p.refresh, token.ReasonRevoked)

		s.unchanged("revoking again", func() {
			b.expect(b.post("/devices/"+p.id+"/revoke", nil), http.StatusSeeOther, "/devices")
			b.told("/devices", "You’ve signed out “phone”.")
		})
		if r := b.get("/devices/" + p.id + "/revoke"); r.status != http.StatusNotFound {
			t.Errorf("the question about a device that is out: %d", r.status)
		}
		e := s.events(t)
		at := slices.IndexFunc(e, func(e models.Event) bool { return e.Kind == models.EventDeviceRevoked })
		if at < 0 || e[at].DeviceName != "phone" || e[at].DeviceID.UUID.String() != p.id || e[at].Actor != models.ActorOwner || e[at].UserAgent != b.agent {
			t.Errorf("the activity: %+v", e)
		}
	})
}

func TestOnlyOnesOwnDevicesAreRevoked(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.signedIn()
		ids := s.strangers()
		s.unchanged("revoking strangers", func() {
			for name, id := range ids {
				for _, r := range []reply{b.get("/devices/" + id + "/revoke"), b.post("/devices/"+id+"/revoke", nil)} {
					if r.status != http.StatusNotFound {
						t.Errorf("%s: %d", name, r.status)
						continue
					}
					r.screen(t).one("h1").says("We couldn’t find that")
				}
			}
		})
	})
}

func TestRevokingTheBrowserInUseIsSigningOut(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.signedIn()
		id := s.live(adaEmail, "Firefox on Linux").ID.String()
		if text := b.shown("/devices/"+id+"/revoke").one("ul", "class", "outcomes").text(); !strings.Contains(text, "the browser you’re using now") {
			t.Errorf("the question says %q", text)
		}
		b.expect(b.post("/devices/"+id+"/revoke", nil), http.StatusSeeOther, "/login")
		b.told("/login", "You’ve signed out “Firefox on Linux”.")
		if b.cookie("latchkey") != nil {
			t.Error("the cookie stays")
		}
	})
}

func TestRevokingAllOthersLeavesThisBrowserAlone(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.addUser("eve@example.com", evePassword)
		eve := newPhone(t, s.tryLogin("eve@example.com", evePassword, "phone"))
		b := s.signedIn()
		s.unchanged("asking where there is no other", func() {
			b.expect(b.get("/devices/revoke-others"), http.StatusSeeOther, "/devices")
			b.told("/devices", "No other device is signed in.")
			b.expect(b.post("/devices/revoke-others", nil), http.StatusSeeOther, "/devices")
			b.told("/devices", "No other device is signed in.")
		})
		one := s.login("one")
		b.expect(b.post("/devices/revoke-others", nil), http.StatusSeeOther, "/devices")
		b.told("/devices", "You’ve signed out 1 other device. Only this browser is signed in now.")

		phone, tablet, browser := s.login("phone"), s.login("tablet"), s.signedIn()
		page := b.shown("/devices/revoke-others")
		page.one("form", "method", "post", "action", "/devices/revoke-others").one("button").says("Sign out 3 devices")
		names := page.one("ul", "class", "digests").texts("", "class", "device-name")
		slices.Sort(names)
		if want := []string{"Firefox on Linux (2)", "phone", "tablet"}; !slices.Equal(names, want) {
			t.Errorf("the question lists %q, want %q", names, want)
		}
		b.expect(b.post("/devices/revoke-others", nil), http.StatusSeeOther, "/devices")
		page = b.told("/devices", "You’ve signed out 3 other devices. Only this browser is signed in now.")
		if got := page.texts("", "class", "device-name"); !slices.Equal(got, []string{"Firefox on Linux"}) {
			t.Errorf("what is left: %q", got)
		}
		for _, p := range []string{one.refresh, phone.refresh, tablet.refresh} {
			s.refused(p, token.ReasonRevoked)
		}
		browser.expect(browser.get("/devices"), http.StatusSeeOther, "/login")
		s.refreshed(eve.refresh)
	})
}

func TestWithoutStatusListsTheBoundIsTheLifeOfAnAccessToken(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b, p := s.signedIn(), s.login("phone")
		if outcomes := b.shown("/devices/"+p.id+"/revoke").one("ul", "class", "outcomes").text(); !strings.Contains(outcomes, "The app may keep working for up to about 15 minutes.") {
			t.Errorf("the question says %q", outcomes)
		}
		b.post("/devices/"+p.id+"/revoke", nil)
		b.shown("/devices").one("p", "class", "notice-detail").says("It can’t come back without signing in again. The app may keep working for up to about 15 minutes.")
	}, func(a *services.Config, _ *web.Config) { a.StatusTTL = 0 })
}
