package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/auth/token"
)

// shownNames are the names of the devices that a page lists, besides this one.
func (p screen) shownNames() (names []string) {
	for _, list := range p.all("ul", "class", "devices") {
		names = append(names, list.texts("", "class", "device-name")...)
	}
	return names
}

func TestManyDevicesAreListedInPartsAndSearched(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.signedIn()
		for i := range 8 {
			s.login(fmt.Sprint("phone ", i))
		}
		page := b.shown("/devices")
		page.none("form", "class", "find")
		page.one("main").none("input", "type", "checkbox")
		s.login("phone 8")
		page = b.shown("/devices")
		page.one("form", "class", "find", "method", "get", "action", "/devices")
		if n := len(page.all("input", "name", "device")); n != 9 {
			t.Errorf("%d devices can be selected, want 9", n)
		}
		page.none("a", "href", "/devices?all=1")

		s.clock.Advance(time.Minute)
		oldest := s.login("the oldest")
		s.clock.Advance(time.Minute)
		for i := range 22 {
			s.addDevice(fmt.Sprint("new ", i))
		}
		page = b.shown("/devices")
		if names := page.shownNames(); len(names) != 20 || slices.Contains(names, "the oldest") {
			t.Errorf("%d devices: %q", len(names), names)
		}
		page.one("a", "href", "/devices?all=1").says("Show all 32 devices")
		page.one("p", "data-count", "*").says("The 20 most recently active of 32 devices.")
		page.one("h2", "id", "apps").says("Apps 32")
		page.one("section", "aria-labelledby", "this-device").one("", "class", "device-name").says("Firefox on Linux")
		if names := b.shown("/devices?all=1").shownNames(); len(names) != 32 {
			t.Errorf("all: %d devices", len(names))
		}
		page = b.shown("/devices?q=OLDEST+app")
		page.one("input", "name", "q", "value", "OLDEST app")
		page.one("p", "data-count", "*").says("1 device found.")
		if names := page.shownNames(); !slices.Equal(names, []string{"the oldest"}) {
			t.Errorf("found %q", names)
		}
		b.shown("/devices?q=%3Cb%3E%FF").one("p", "data-count", "*").says("No device matches “<b>\ufffd”.")
		for _, odd := range []string{"?page=x", "?all=1&page=99999999999999999999", "?all&page=-4", "?q=" + strings.Repeat("%F0%9F%8F%9D", 2000), "?device=x&device=" + noDevice} {
			b.shown("/devices" + odd)
		}

		b.expect(b.post("/devices/"+oldest.id+"/rename", url.Values{"name": {"older still"}}), http.StatusSeeOther, "/devices")
		row := b.told("/devices", "You’ve renamed the device to “older still”.").one("li", "class", "marked")
		row.one("p", "class", "notice-text").says("You’ve renamed the device to “older still”.")
		row.one("", "class", "device-name").says("older still")
		b.shown("/devices").none("li", "class", "marked")
	})
}

func TestSelectedDevicesAreSignedOutTogether(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.signedIn()
		one, two, out, kept := s.login("one"), s.login("two"), s.login("out"), s.login("kept")
		out.signOut(s)
		own := s.live(adaEmail, "Firefox on Linux").ID.String()
		query := func(ids ...string) string { return "/devices/revoke-selected?" + url.Values{"device": ids}.Encode() }
		act := func(ids ...string) reply {
			return b.post("/devices/revoke-selected", url.Values{"devices": {strings.Join(ids, ",")}})
		}
		many := slices.Repeat([]string{one.id}, 101)
		ids := s.strangers()
		ids["this browser"] = own
		s.unchanged("what is refused", func() {
			b.expect(b.get(query()), http.StatusSeeOther, "/devices")
			b.told("/devices", "Select at least one device first.")
			b.expect(act(), http.StatusSeeOther, "/devices")
			b.told("/devices", "Select at least one device first.")
			b.expect(b.get(query(out.id)), http.StatusSeeOther, "/devices")
			b.told("/devices", "The devices you selected were signed out already.")
			for name, id := range ids {
				if id, err := url.PathUnescape(id); err == nil {
					for i, r := range []reply{b.get(query(one.id, id)), act(one.id, id, two.id)} {
						if r.status == http.StatusBadRequest && i == 1 && name == "not UTF-8" {
							continue // of the form
						}
						if r.status != http.StatusNotFound || r.screen(t).one("h1").text() != "We couldn’t find that" {
							t.Errorf("%s, %d: %d", name, i, r.status)
						}
					}
				}
			}
			for i, r := range []reply{b.get(query(many...)), act(many...)} {
				if r.status != http.StatusUnprocessableEntity || !strings.Contains(r.body, "Select at most 100 devices at a time. Nothing was changed.") {
					t.Errorf("101 devices, %d: %d", i, r.status)
				}
			}
			if r := b.do(http.MethodPost, "/devices/revoke-selected", url.Values{"devices": {one.id}}); r.status != http.StatusConflict {
				t.Errorf("a form without its account: %d", r.status)
			}
		})
		page := b.shown(query(one.id, out.id, two.id, strings.ToUpper(two.id)))
		page.one("h1").says("Sign out 2 devices?")
		if n := len(page.one("ul", "class", "outcomes").all("", "class", "duration")); n != 2 {
			t.Errorf("%d durations are told, want 2", n)
		}
		if names := page.one("ul", "class", "digests").texts("", "class", "device-name"); len(names) != 2 || !slices.Contains(names, "one") || !slices.Contains(names, "two") {
			t.Errorf("the question names %q", names)
		}
		if !strings.Contains(page.one("main").text(), "1 more device that you selected was already signed out.") {
			t.Error("that one is out already is not told")
		}
		form := page.one("form", "method", "post", "action", "/devices/revoke-selected")
		form.one("button").says("Sign out 2 devices")
		b.expect(act(strings.Split(form.one("input", "name", "devices").attr("value"), ",")...), http.StatusSeeOther, "/devices")
		ended := b.told("/devices", "You’ve signed out 2 devices.").one("section", "aria-labelledby", "ended")
		if marked := ended.all("li", "class", "marked"); len(marked) != 2 {
			t.Errorf("%d rows are marked, want 2", len(marked))
		}
		s.refused(one.refresh, token.ReasonRevoked)
		s.refused(two.refresh, token.ReasonRevoked)
		s.refreshed(kept.refresh)
		s.unchanged("the form once more", func() { b.expect(act(one.id, two.id), http.StatusSeeOther, "/devices") })
		b.told("/devices", "The devices you selected were signed out already.")
		if got := b.shown("/activity?kind=devices").texts("p", "class", "event-text"); len(got) != 2 || !slices.Contains(got, "You signed out “one”.") || !slices.Contains(got, "You signed out “two”.") {
			t.Errorf("activity: %q", got)
		}
	})
}
