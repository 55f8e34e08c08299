package web_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/auth/token"
	"latchkey/models"
)

func TestADeviceHasAPageWithItsStory(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		if err := s.store.AddClient(t.Context(), models.Client{ID: "app", Name: "Notes <for> Android", CreatedAt: s.clock.Now()}); err != nil {
			t.Fatal(err)
		}
		b := s.signedIn()
		phone, stolen, quiet := s.login("phone"), s.login("stolen"), s.login("quiet")
		s.clock.Advance(time.Minute)
		page := b.shown(b.shown("/devices").one("h4", "id", "device-"+phone.id).one("a").attr("href"))
		page.one("h1").says("phone")
		page.one("dl").says("AppNotes <for> Android Sign-inSigned in today with a passwordFrom 127.0.0.1 same network as this browserLast activityActive 1 minute agoFrom 127.0.0.1 same network as this browser" +
			"Time limitExpires in 3 monthsProtectionIts sign-in isn’t tied to this device")
		page.one("aside", "class", "help").one("a", "href", "/devices/"+phone.id+"/revoke-since")
		page.one("a", "href", "/devices/"+phone.id+"/revoke")
		if got := page.texts("p", "class", "event-text"); !slices.Equal(got, []string{"Signed in on “phone”."}) {
			t.Errorf("history: %q", got)
		}

		path := "/devices/" + phone.id
		if r := b.post(path+"/rename?page=1", url.Values{"name": {""}}); r.status != http.StatusUnprocessableEntity || r.screen(t).one("details", "open", "*").text() == "" || r.screen(t).one("h1").text() != "phone" {
			t.Errorf("a refused name: %d", r.status)
		}
		b.expect(b.post(path+"/rename?page=1", url.Values{"name": {"Pixel 9"}}), http.StatusSeeOther, path)
		page = b.told(path, "You’ve renamed the device to “Pixel 9”.")
		if got := page.texts("p", "class", "event-text"); !slices.Equal(got, []string{"You renamed “phone” to “Pixel 9”.", "Signed in on “phone”."}) {
			t.Errorf("history: %q", got)
		}

		s.refreshed(s.refreshed(stolen.refresh).refresh)
		s.clock.Advance(time.Minute)
		s.refused(stolen.refresh, token.ReasonReused)
		page = b.shown("/devices/" + stolen.id)
		page.one("section", "aria-labelledby", "alerts").one("a", "href", "/security/secure")
		page.one("p", "class", "story-end").says("Signed out just now Signed out because its sign-in may have been copied.")
		page.none("aside", "class", "help")
		page.none("form", "action", "/devices/"+stolen.id+"/rename?page=1")
		page.none("a", "href", "/devices/"+stolen.id+"/revoke")

		b.post("/devices/"+quiet.id+"/revoke", nil)
		row := b.told("/devices", "You’ve signed out “quiet”.").one("section", "aria-labelledby", "ended").all("li", "class", "marked")
		if len(row) != 1 {
			t.Fatalf("%d rows are marked", len(row))
		}
		b.shown(row[0].one("a").attr("href")).one("aside", "class", "help").one("a", "href", "/devices/"+row[0].one("a").attr("href")[len("/devices/"):]+"/revoke-since")

		own := b.shown("/devices").one("section", "aria-labelledby", "this-device").one("", "class", "device-name").one("a").attr("href")
		page = b.shown(own)
		page.one("main").one("form", "action", "/logout")
		page.none("aside", "class", "help")

		links := b.shown("/activity").all("a", "href", path)
		if len(links) != 2 || links[0].text() != "phone" {
			t.Errorf("the activity leads there %d times", len(links))
		}
		s.exec("DELETE FROM devices WHERE id = '" + phone.id + "'") // as deletion after 90 days does
		b.shown("/activity").none("a", "href", path)
		ids := s.strangers()
		ids["deleted"] = phone.id
		s.unchanged("looking for strangers", func() {
			for name, id := range ids {
				if r := b.get("/devices/" + id); r.status != http.StatusNotFound || r.screen(t).one("h1").text() != "We couldn’t find that" || strings.Contains(r.body, "eve's") {
					t.Errorf("%s: %d", name, r.status)
				}
			}
		})
	})
}
