package web_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/models"
)

const pixel = "Mozilla/5.0 (Linux; Android 16; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36"

func TestTheDevicesPageShowsWhatIsSignedInAppsAndBrowsersApart(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.addUser("eve@example.com", evePassword)
		s.tryLogin("eve@example.com", evePassword, "eve's phone")
		b := s.signedIn()
		page := b.shown("/devices")
		page.one("section", "aria-labelledby", "apps").one("div", "class", "empty")
		page.none("a", "href", "/devices/revoke-others")

		tablet := s.login("tablet")
		s.clock.Advance(time.Minute)
		s.login("phone")
		s.login("out").signOut(s)
		s.clock.Advance(time.Minute)
		mobile := s.browser()
		mobile.agent = pixel
		mobile.signIn(adaEmail, adaPassword)
		s.signedIn()
		s.clock.Advance(time.Hour)
		s.refreshed(tablet.refresh)
		b.shown("/devices")
		s.clock.Advance(30 * time.Second) // b is not noted again so soon, and yet stands first
		s.signedIn()

		page = b.shown("/devices")
		list := func(group string) []string {
			return page.one("section", "aria-labelledby", group).texts("", "class", "device-name")
		}
		if got, want := list("apps"), []string{"tablet", "phone"}; !slices.Equal(got, want) {
			t.Errorf("apps %q, want %q: newest activity first", got, want)
		}
		got := list("browsers")
		slices.Sort(got[1:]) // these two were seen at the same moment
		if want := []string{"Firefox on Linux (3)", "Chrome on Android", "Firefox on Linux (2)"}; !slices.Equal(got, want) {
			t.Errorf("browsers %q, want %q", got, want)
		}
		page.one("h2", "id", "apps").says("Apps 2")
		page.one("h2", "id", "browsers").says("Browsers 3")
		page.one("a", "href", "/devices/revoke-others")

		own := page.one("div", "class", "device-current")
		own.one("form", "action", "/logout")
		own.one("a", "href", "/devices/"+s.live(adaEmail, "Firefox on Linux").ID.String()).says("Firefox on Linux")
		page.one("section", "aria-labelledby", "this-device").one("h2").says("This device")
		page.one("section", "aria-labelledby", "apps").one("h3", "class", "group").says("app 2")
		page.none("a", "href", "/devices/"+s.live(adaEmail, "Firefox on Linux").ID.String()+"/revoke")
		row := page.one("section", "aria-labelledby", "apps").all("li", "class", "device")[1]
		row.one("a", "href", "/devices/"+s.live(adaEmail, "phone").ID.String()+"/revoke").says("Sign out phone")
		row.one("p", "class", "device-seen").says("Active 1 hour ago 127.0.0.1 same network as this browser")
		row.none("p", "class", "device-facts") // its app is in the heading
		if times := row.all("time"); len(times) != 3 || times[0].attr("title") != "23 November 2026, 12:01:00 UTC" || times[0].attr("datetime") != "2026-11-23T12:01:00Z" {
			t.Errorf("times %q", row.text())
		}
	})
}

// signOut ends the app's sign-in by itself (RFC 7009).
func (p phone) signOut(s *site) {
	s.t.Helper()
	if r := s.postForm("/oauth/revoke", url.Values{"token": {p.refresh}}); r.status != http.StatusOK || r.body != "{}\n" {
		s.t.Fatalf("sign out %s: %d %s", p.name, r.status, r.body)
	}
}

func TestADeviceIsRenamedInPlace(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b, p := s.signedIn(), s.login("phone")
		s.login("tablet")
		page := b.shown("/devices")
		page.one("form", "method", "post", "action", "/devices/"+p.id+"/rename").one("input", "name", "name", "value", "phone", "maxlength", "64")
		page.none("details", "open", "*")
		long := strings.Repeat("ä", 64)
		for _, c := range []struct{ to, name, message string }{
			{"  Beach phone 🏝️ ", "Beach phone 🏝️", "You’ve renamed the device to “Beach phone 🏝️”."},
			{"tablet", "tablet (2)", "You’ve renamed the device to “tablet (2)”, because another device already has that name."},
			{"Firefox on Linux", "Firefox on Linux (2)", "You’ve renamed the device to “Firefox on Linux (2)”, because another device already has that name."},
			{long, long, "You’ve renamed the device to “" + long + "”."},
			{"phone", "phone", "You’ve renamed the device to “phone”."},
			{"phone", "phone", "You’ve renamed the device to “phone”."},
		} {
			b.expect(b.post("/devices/"+p.id+"/rename", url.Values{"name": {c.to}}), http.StatusSeeOther, "/devices")
			if names := b.told("/devices", c.message).texts("", "class", "device-name"); !slices.Contains(names, c.name) {
				t.Errorf("renamed to %q: %q", c.to, names)
			}
		}
		if got := s.refreshed(p.refresh).name; got != "phone" {
			t.Errorf("the app learns of its name %q", got)
		}
		own := s.live(adaEmail, "Firefox on Linux").ID.String()
		b.expect(b.post("/devices/"+own+"/rename", url.Values{"name": {"desk"}}), http.StatusSeeOther, "/devices")
		b.shown("/devices").one("div", "class", "device-current").one("", "class", "device-name").says("desk")
		var renames int
		for _, e := range s.events(t) {
			if e.Kind == models.EventDeviceRenamed {
				renames++
			}
		}
		if renames != 6 {
			t.Errorf("%d renames are told, want 6: the one that changed nothing is none", renames)
		}
	})
}

func TestARefusedNameStaysBesideItsProblem(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b, p := s.signedIn(), s.login("phone")
		s.login("tablet")
		long := strings.Repeat("ä", 65)
		for name, c := range map[string]struct{ to, kept, problem string }{
			"nothing":              {"", "", "Enter a name for the device."},
			"blanks":               {" \t ", "  ", "Enter a name for the device."},
			"65 characters":        {long, long, "Enter at most 64 characters."},
			"a control character":  {"pho\x00ne\x1b[2J", "phone[2J", "Remove control characters, such as tabs and line breaks."},
			"a line break":         {"pho\nne", "phone", "Remove control characters, such as tabs and line breaks."},
			"a C1 control":         {"pho\u0085ne", "phone", "Remove control characters, such as tabs and line breaks."},
			"thousands of letters": {strings.Repeat("a", 60000), strings.Repeat("a", 512), "Enter at most 64 characters."},
		} {
			s.unchanged("a refused rename", func() {
				r := b.post("/devices/"+p.id+"/rename", url.Values{"name": {c.to}})
				if r.status != http.StatusUnprocessableEntity {
					t.Fatalf("%s: %d", name, r.status)
				}
				open := r.screen(t).one("details", "open", "*")
				field := open.one("form", "action", "/devices/"+p.id+"/rename").one("input", "name", "name", "aria-invalid", "true")
				if got := field.attr("value"); got != c.kept {
					t.Errorf("%s: the field keeps %q, want %q", name, got, c.kept)
				}
				open.one("p", "id", field.attr("aria-describedby")).says(c.problem)
			})
		}
		b.post("/devices/"+strings.ToUpper(p.id)+"/rename", nil).screen(t).one("details", "open", "*")
		b.shown("/devices").none("details", "open", "*")
	})
}

// strangers are device ids that are not ada's: another account's, no account's, one that is signed out, and no ids at all.
func (s *site) strangers() map[string]string {
	s.t.Helper()
	s.addUser("eve@example.com", evePassword)
	eve := newPhone(s.t, s.tryLogin("eve@example.com", evePassword, "eve's phone")).id
	return map[string]string{
		"eve's": eve, "nobody's": noDevice, "nil": "00000000-0000-0000-0000-000000000000",
		"a word": "x", "without dashes": strings.ReplaceAll(eve, "-", ""), "in braces": "%7B" + eve + "%7D", "urn": "urn:uuid:" + eve,
		"NUL": "%00", "not UTF-8": "%ff%fe", "SQL": "'%20OR%20'1'='1", "two": eve + "," + eve, "a path": "..%2F..%2Fdevices",
	}
}

func TestOnlyOnesOwnDevicesAreRenamed(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b, out := s.signedIn(), s.login("out")
		out.signOut(s)
		ids := s.strangers()
		ids["signed out"] = out.id
		s.unchanged("renaming strangers", func() {
			for name, id := range ids {
				for _, to := range []string{"mine", "", strings.Repeat("a", 65)} {
					r := b.post("/devices/"+id+"/rename", url.Values{"name": {to}})
					if r.status != http.StatusNotFound {
						t.Errorf("%s to %.9q: %d", name, to, r.status)
						continue
					}
					r.screen(t).one("h1").says("We couldn’t find that")
				}
			}
		})
	})
}
