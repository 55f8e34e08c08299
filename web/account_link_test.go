package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestAppsLeadIntoTheAccountWithoutCredentials(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.addUser(eveEmail, evePassword)
		phone, foreign := s.login("Pixel 9"), newPhone(t, s.tryLogin(eveEmail, evePassword, "eve's"))
		link := func(action, device string, more ...string) string {
			q := url.Values{"action": {action}, "device_id": {device}}
			for i := 0; i < len(more); i += 2 {
				q.Set(more[i], more[i+1])
			}
			return "/account?" + q.Encode()
		}
		b := s.signedIn()
		for name, c := range map[string]struct{ link, page string }{
			"no action": {"/account", "/devices"}, "an unknown action": {link("org.matrix.cross_signing_reset", phone.id), "/devices"},
			"a path as the action": {link("/security/delete", ""), "/devices"}, "no device": {link("org.matrix.device_view", ""), "/devices"},
			"the list": {link("org.matrix.devices_list", phone.id), "/devices"}, "a device": {link("org.matrix.device_view", phone.id), "/devices/" + phone.id},
			"its sign-out": {link("org.matrix.session_end", strings.ToUpper(phone.id)), "/devices/" + phone.id + "/revoke"},
			"the account":  {link("org.matrix.profile", ""), "/security"},
		} {
			if r := b.get(c.link); r.status != http.StatusSeeOther || r.header.Get("Location") != c.page || r.header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: %d to %q", name, r.status, r.header.Get("Location"))
			}
		}
		s.unchanged("a link that signs out", func() { b.shown(b.get(link("org.matrix.device_delete", phone.id)).header.Get("Location")) })
		story := b.shown("/devices/" + phone.id).one("main")
		story.one("h1").says("Pixel 9")
		for _, text := range []string{"with a password", "Last activity", "Rename", "Sign out", "Signed in on “Pixel 9”."} {
			if !strings.Contains(story.text(), text) {
				t.Errorf("the page of the device does not say %q: %s", text, story.text())
			}
		}

		// Another person's device is as unknown as one that never was, and what is no id is no device.
		var pages []string
		for _, id := range []string{foreign.id, noDevice} {
			for _, action := range []string{"org.matrix.device_view", "org.matrix.device_delete"} {
				r := b.get(b.get(link(action, id)).header.Get("Location"))
				if r.status != http.StatusNotFound {
					t.Errorf("%s of %s: %d", action, id, r.status)
				}
				pages = append(pages, r.screen(t).one("h1").text())
			}
		}
		if pages[0] != pages[2] || pages[1] != pages[3] {
			t.Errorf("an unknown device reads otherwise than another person's: %q", pages)
		}
		for _, id := range []string{"x", "revoke-others", "../security/delete", phone.id + "/revoke", "' OR 1=1 --"} {
			if r := b.get(link("org.matrix.device_view", id)); r.status != http.StatusNotFound || r.header.Get("Location") != "" {
				t.Errorf("%q: %d to %q", id, r.status, r.header.Get("Location"))
			}
		}

		// The browser signs in as always, with the e-mail address filled in at most, and goes on.
		visitor := s.browser()
		to := link("org.matrix.device_view", phone.id, "login_hint", adaEmail)
		login := visitor.get(to).header.Get("Location")
		page := visitor.shown(login)
		if got := page.one("input", "name", "email").attr("value"); got != adaEmail || page.one("input", "name", "next").attr("value") != to {
			t.Errorf("%q is filled in", got)
		}
		visitor.expect(visitor.post("/login", url.Values{"email": {adaEmail}, "password": {adaPassword}, "next": {to}}), http.StatusSeeOther, to)
		visitor.expect(visitor.get(to), http.StatusSeeOther, "/devices/"+phone.id)
		hostile := s.browser()
		page = hostile.shown(hostile.get("/account?login_hint=" + url.QueryEscape("\x00<b>@example.com")).header.Get("Location"))
		if got := page.one("input", "name", "email").attr("value"); got != "<b>@example.com" {
			t.Errorf("%q", got)
		}

		// An access token opens nothing there.
		if r := s.request(http.MethodGet, to, "", append(bearer(phone.access), "Accept", "text/html")...); strings.Contains(r.body, "Pixel 9") {
			t.Error("a token opens the page of a device")
		}
		s.clock.Advance(time.Minute)
		b.expect(b.post("/devices/"+phone.id+"/revoke", nil), http.StatusSeeOther, "/devices")
		if r := b.get("/devices/" + phone.id); r.status != http.StatusOK || !strings.Contains(r.screen(t).one("main").text(), "You signed it out just now") {
			t.Errorf("a device that was signed out: %d", r.status)
		}
	})
}
