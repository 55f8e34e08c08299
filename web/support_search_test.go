package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestTheStaffFindWhatTheyLookFor(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		sam := s.desk()
		s.addUser("Adamina@example.com", evePassword)
		s.clock.Advance(time.Second)
		phone := s.login("Blue phone")
		s.clock.Advance(time.Second)
		s.login("TV")
		if _, err := s.auth.Operator.Disable(t.Context(), "adamina@example.com"); err != nil {
			t.Fatal(err)
		}
		const both = "ada@example.com Adamina@example.com"
		for _, c := range []struct {
			name, people, devices string
			query                 []string
		}{
			{"an address", "ada@example.com", "", []string{"q", " ADA@example.com "}},
			{"the beginning of addresses", both, "", []string{"q", "ada"}},
			{"the end of an address", "", "", []string{"q", "example.com"}},
			{"two characters", "", "", []string{"q", "ad"}},
			{"a whole name of two characters", "", "TV", []string{"q", "tv"}},
			{"the beginning of a name", "", "Blue phone", []string{"q", "blue"}},
			{"a wildcard", "", "", []string{"q", "%lue"}},
			{"a device's id", "", "Blue phone", []string{"q", phone.id}},
			{"the same in capitals", "", "Blue phone", []string{"q", strings.ToUpper(phone.id)}},
			{"an account's id", adaEmail, "", []string{"q", s.userID(adaEmail)}},
			{"nobody's id", "", "", []string{"q", noDevice}},
			{"an address that devices signed in from", "", "TV Blue phone Chrome on Android", []string{"q", "127.0.0.1"}},
			{"that as IPv6", "", "TV Blue phone Chrome on Android", []string{"q", "::ffff:127.0.0.1"}},
			{"another address", "", "", []string{"q", "127.0.0.2"}},
			{"browsers", "", "Chrome on Android", []string{"q", "127.0.0.1", "kind", "browser"}},
			{"ended ones", "", "", []string{"q", "127.0.0.1", "live", "ended"}},
			{"people with live apps", adaEmail, "", []string{"q", "ada", "kind", "app", "live", "live", "seen", "hour"}},
			{"choices that are none", both, "", []string{"q", "ada", "kind", "x", "live", "'", "seen", "\x00"}},
			{"a place that is none", both, "", []string{"q", "ada", "after", "x"}},
		} {
			s.clock.Advance(time.Second)
			page := sam.shown(searchURL(c.query...))
			var devices []string
			for _, d := range page.all("tr", "class", "desk-device") {
				devices = append(devices, d.one("p", "class", "device-name").one("bdi").text())
			}
			var people []string
			for _, p := range page.all("tr", "class", "desk-person") {
				people = append(people, p.one("bdi").text())
			}
			if got := strings.Join(people, " "); got != c.people {
				t.Errorf("%s: people %q, want %q", c.name, got, c.people)
			}
			if got := strings.Join(devices, " "); got != c.devices {
				t.Errorf("%s: devices %q, want %q", c.name, got, c.devices)
			}
			if c.people+c.devices == "" {
				page.one("h2", "id", "found").says("No results")
			}
			page.one("input", "name", "q", "value", strings.TrimSpace(c.query[1]))
			page.one("aside", "class", "recorded-line")
		}
		page := sam.shown(searchURL("q", "ada", "kind", "app"))
		page.one("option", "value", "app", "selected", "*")
		if list := sam.shown(searchURL("q", "blue")).one("table", "class", "desk-devices").text(); !strings.Contains(list, adaEmail) || strings.Contains(list, "127.0.0.1") {
			t.Errorf("the list says %q", list)
		}
		if list := sam.shown(searchURL("q", "::ffff:127.0.0.1")).one("table", "class", "desk-devices").text(); strings.Count(list, "from 127.0.0.1") != 3 {
			t.Errorf("the list does not say why: %q", list)
		}
		for _, c := range []struct{ q, live, says, not string }{
			{"127.0.0.2", "", "No device signed in from 127.0.0.2.The search covers only the IP addresses that devices signed in from.", "A filter"},
			{"127.0.0.2", "ended", "A filter may be hiding what you’re looking for: no longer signed in.", "number of an error"},
			{"nothing", "", "only if you enter all of it.", "A filter"},
			{"QXZ2ABCD3EFGH7KL", "", "This looks like the number of an error. Ask your operator to look it up in the server’s log.", "A filter"},
			{"qxz2abcd3efgh7kl", "", "This looks like the number of an error.", "A filter"},
			{"christopherjones", "", "Nothing matches “christopherjones”.", "number of an error"},
		} {
			if got := sam.shown(searchURL("q", c.q, "live", c.live)).one("div", "class", "empty").text(); !strings.Contains(got, c.says) || strings.Contains(got, c.not) {
				t.Errorf("%s: %q", c.q, got)
			}
		}
		empty := sam.post("/support", url.Values{"q": {" "}})
		empty.screen(t).one("p", "id", "q-problem").says("Enter something to search for.")
		if n := len(empty.screen(t).all("figure")); n != 4 || empty.status != http.StatusUnprocessableEntity {
			t.Errorf("an empty search: %d, %d charts", empty.status, n)
		}
		row := page.one("tr", "class", "desk-person")
		if href := row.one("a").attr("href"); !strings.HasPrefix(href, s.lookURL(adaEmail)+"?search=") {
			t.Errorf("the row leads to %s", href)
		}
		if got := strings.Join(row.texts("td"), ", "); got != "Signed in on 2 devices, Account created 23 November 2026, 12:00:00 UTC" {
			t.Errorf("the row says %q", got)
		}
		sam.shown(searchURL("q", "adamina")).one("span", "class", "badge-alarm").says("Disabled")
	})
}

func TestResultsArePaged(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		sam := s.desk()
		for i := range 43 {
			if i == 25 {
				s.clock.Advance(15 * time.Minute) // an account signs in 30 times in a window
			}
			s.login("phone")
			if i < 25 {
				s.addUser(fmt.Sprintf("phone%02d@example.com", i), evePassword)
			}
		}
		devices, people := map[string]int{}, map[string]int{}
		note := func(page screen) {
			for _, code := range page.all("code") {
				devices[code.text()]++
			}
			for _, p := range page.all("tr", "class", "desk-person") {
				people[p.one("bdi").text()]++
			}
		}
		first := sam.shown(searchURL("q", "Phone", "live", "live"))
		first.none("a", "rel", "first")
		note(first)
		if len(devices) != 20 || len(people) != 0 { // none of them has a device
			t.Fatalf("%d devices, %d people", len(devices), len(people))
		}
		for _, query := range [][]string{{"q", "Phone", "live", "live"}, {"q", "phone0"}, {"q", "phone"}} {
			var further []string
			for _, link := range sam.shown(searchURL(query...)).all("a", "rel", "next") {
				further = append(further, link.attr("href"))
			}
			for len(further) > 0 {
				page := sam.shown(further[0])
				if first := sam.shown(page.one("a", "rel", "first").attr("href")); first.one("input", "name", "q").attr("value") != query[1] || len(first.all("a", "rel", "first")) > 0 {
					t.Errorf("the first page of %q cannot be gone back to", query)
				}
				note(page)
				further = further[1:]
				for _, link := range page.all("a", "rel", "next") {
					further = append(further, link.attr("href"))
				}
			}
			note(sam.shown(searchURL(query...)))
		}
		if len(devices) != 43 || len(people) != 25 {
			t.Errorf("%d devices, %d people", len(devices), len(people))
		}
	})
}

func TestHostileTextAtTheSupportDeskIsShownAsText(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		sam := s.desk()
		names := []string{evil, "\u202egnp.exe", "zero\u200bwidth", "🏝️ 👩‍👩‍👧", "هاتف", `'; DROP TABLE events; --`, "%_\\"}
		for _, name := range names {
			s.clock.Advance(time.Second)
			s.login(name)
			page := sam.shown(searchURL("q", name))
			noInline(t, name, page)
			page.one("input", "name", "q", "value", name)
			row := page.one("tr", "class", "desk-device")
			if got := row.one("p", "class", "device-name").one("bdi").text(); got != strings.Join(strings.Fields(name), " ") {
				t.Errorf("%q is shown as %q", name, got)
			}
			s.clock.Advance(time.Second)
			activity := sam.shown("/activity")
			noInline(t, name, activity)
			if got := activity.all("p", "class", "event-text")[0].text(); got != "As support, you searched for “"+strings.Join(strings.Fields(name), " ")+"”." {
				t.Errorf("%q in the activity: %q", name, got)
			}
		}
		hostile := s.browser()
		hostile.agent = "Mozilla/5.0 (" + evil + "; Linux x86_64) " + evil + "/1.0 Firefox/140.0"
		hostile.signIn(adaEmail, adaPassword)
		noInline(t, "a person", sam.shown(s.lookURL(adaEmail)))
		refused := len(s.eventsOf(samEmail))
		for q, problem := range map[string]string{
			"a\x00b": "Remove control characters, such as tabs and line breaks.", "a\nb": "Remove control characters, such as tabs and line breaks.", "a\xffb": "This isn’t valid UTF-8.",
			strings.Repeat("ä", 255): "Enter at most 254 characters.", "lk1.abc": "", "eyJhbGciOi": "",
		} {
			r := sam.get(searchURL("q", q))
			page := r.screen(t)
			got := page.one("p", "class", "problem").text()
			if r.status != http.StatusUnprocessableEntity || problem != "" && got != problem || problem == "" && !strings.HasPrefix(got, "This looks like a token.") {
				t.Errorf("%q: %d %q", q, r.status, got)
			}
			page.one("input", "aria-invalid", "true")
			page.one("aside", "class", "recorded")
		}
		if n := len(s.eventsOf(samEmail)); n != refused {
			t.Errorf("refused searches left %d events", n-refused)
		}
		for _, path := range []string{"/support?q=%zz&q=ada", "/support?q=%ff%fe", "/support?" + strings.Repeat("q=a&", 500), "/support/users/%00", "/support/users/" + url.PathEscape(evil), s.lookURL(adaEmail) + "?before=%00&ended=%ff"} {
			r := sam.get(path)
			if r.status >= 500 {
				t.Errorf("%q: %d", path, r.status)
			}
			noInline(t, path, r.screen(t))
		}
	})
}
