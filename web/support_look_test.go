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
	"latchkey/models"
)

func TestALookIsInTheActivityOfBoth(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		sam, ada := s.desk(), s.signedIn()
		s.clock.Advance(time.Minute)
		page := sam.shown(s.lookURL(adaEmail))
		page.one("aside", "class", "recorded-line")
		if got := page.all("p", "class", "event-text")[0].text(); got != "Support viewed your devices and activity." {
			t.Errorf("the look is not on the page itself: %q", got)
		}
		s.clock.Advance(time.Minute)
		row := ada.shown("/activity").all("li", "class", "event")[0]
		row.one("p", "class", "event-text").says("Support viewed your devices and activity.")
		row.none("p", "class", "device-facts")
		theirs := s.eventsOf(adaEmail)[0]
		if theirs.Kind != models.EventSeenBySupport || theirs.Actor != models.ActorSupport || theirs.ActorID.UUID.String() != s.userID(samEmail) || theirs.IP != "" || theirs.UserAgent != "" || theirs.Detail != "" {
			t.Errorf("ada's event: %+v", theirs)
		}
		own := s.eventsOf(samEmail)[0]
		if own.Kind != models.EventSupportLooked || own.ActorID != theirs.ActorID || own.IP != "127.0.0.1" || own.UserAgent != pixel || own.Detail != s.userID(adaEmail) {
			t.Errorf("sam's event: %+v", own)
		}
		s.clock.Advance(time.Minute)
		before := len(s.eventsOf(adaEmail))
		sam.shown(searchURL("q", "ada", "kind", "browser", "seen", "day"))
		if e := s.eventsOf(samEmail)[0]; e.Kind != models.EventSupportSearched || e.Detail != "ada · browsers · seen within a day" || e.IP != "127.0.0.1" {
			t.Errorf("sam's search: %+v", e)
		}
		if n := len(s.eventsOf(adaEmail)); n != before {
			t.Errorf("being in a list made %d events", n-before)
		}
		s.clock.Advance(time.Minute)
		sam.shown("/activity").all("p", "class", "event-text")[0].says("As support, you searched for “ada · browsers · seen within a day”.")
		s.clock.Advance(time.Minute)
		sam.shown(s.lookURL(samEmail)) // no look goes unrecorded, not even one at oneself
		if list := s.eventsOf(samEmail); countKind(list, models.EventSeenBySupport) != 1 || countKind(list, models.EventSupportLooked) != 2 {
			t.Errorf("sam looked at himself: %+v", list[:2])
		}
		sam.do(http.MethodHead, s.lookURL(adaEmail), nil)
		if n := countLooks(s.eventsOf(adaEmail)); n != 2 {
			t.Errorf("%d looks are recorded, not 2", n)
		}
		s.unchanged("the front page", func() { sam.get("/support"); sam.get("/support?q=+"); sam.get("/support?kind=app") })
	})
}

func TestAnotherSitesLinkPutsNothingOnRecord(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		sam := s.desk()
		s.clock.Advance(time.Minute)
		sam.shown("/support")
		for _, header := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Sec-Purpose", "prefetch;prerender"}} {
			s.unchanged("a request with "+header[1], func() {
				r := sam.do(http.MethodGet, searchURL("q", "ada", "kind", "app"), nil, header...)
				page := r.screen(t)
				page.one("p", "class", "problem").says("This search came from another site. To run it, select Search.")
				page.one("input", "name", "q", "value", "ada")
				if r.status != http.StatusForbidden || strings.Contains(r.body, adaEmail) {
					t.Errorf("%v: %d", header, r.status)
				}
				if r := sam.do(http.MethodGet, s.lookURL(adaEmail), nil, header...); r.status != http.StatusForbidden || strings.Contains(r.body, adaEmail) {
					t.Errorf("%v: %d", header, r.status)
				}
				if r := sam.do(http.MethodGet, "/support", nil, header...); r.status != http.StatusOK {
					t.Errorf("the front page, %v: %d", header, r.status)
				}
			})
		}
		for _, site := range []string{"none", "same-origin"} {
			if r := sam.do(http.MethodGet, s.lookURL(adaEmail), nil, "Sec-Fetch-Site", site); r.status != http.StatusOK {
				t.Errorf("%s: %d", site, r.status)
			}
		}
	})
}

// Nor by way of the sign-in form, behind which the request would look like the person's own.
func TestAnotherSitesLinkIsNotGoneOnToAfterTheSignIn(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.desk()
		stranger := s.browser()
		for site, next := range map[string]string{
			"cross-site": "/support", "same-site": "/support", "none": s.lookURL(adaEmail), "same-origin": s.lookURL(adaEmail),
		} {
			stranger.expect(stranger.do(http.MethodGet, s.lookURL(adaEmail), nil, "Sec-Fetch-Site", site), http.StatusSeeOther, "/login?next="+url.QueryEscape(next))
		}
	})
}

// What cannot be recorded is not shown.
func TestWithoutItsEventNothingIsShown(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		sam := s.desk()
		s.login("Blue phone")
		exec := func(statements ...string) {
			t.Helper()
			for _, statement := range statements {
				if _, err := s.store.Pools()[0].ExecContext(t.Context(), statement); err != nil {
					t.Fatal(err)
				}
			}
		}
		// Of the two events of a look only the person's fails: then the look does not happen either.
		arm, disarm := []string{`CREATE TRIGGER refuse BEFORE INSERT ON events WHEN NEW.kind IN ('seen_by_support', 'support_searched') BEGIN SELECT RAISE(ABORT, 'no'); END`}, "DROP TRIGGER refuse"
		if s.store.Dialect() == "postgres" {
			arm = []string{`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$`,
				`CREATE TRIGGER refuse BEFORE INSERT ON events FOR EACH ROW WHEN (NEW.kind IN ('seen_by_support', 'support_searched')) EXECUTE FUNCTION refuse()`}
			disarm += " ON events"
		}
		exec(arm...)
		for _, path := range []string{searchURL("q", "ada"), searchURL("q", "blue"), s.lookURL(adaEmail)} {
			s.unchanged("a look that cannot be recorded", func() {
				r := sam.get(path)
				if r.status != http.StatusServiceUnavailable || strings.Contains(r.body, adaEmail) || strings.Contains(r.body, "Blue phone") || r.header.Get("Retry-After") == "" {
					t.Errorf("%s: %d %s", path, r.status, r.body)
				}
				r.screen(t).one("h1").says("Just a moment")
			})
		}
		exec(disarm, "ALTER TABLE events RENAME TO elsewhere")
		for _, path := range []string{searchURL("q", "ada"), s.lookURL(adaEmail)} {
			if r := sam.get(path); r.status != http.StatusServiceUnavailable || strings.Contains(r.body, adaEmail) {
				t.Errorf("without the table, %s: %d", path, r.status)
			}
		}
		s.clock.Advance(2 * time.Minute)
		sam.shown("/support").one("p", "class", "empty").says("The numbers aren’t available right now. You can still search.")
		exec("ALTER TABLE elsewhere RENAME TO events")
		s.clock.Advance(2 * time.Minute)
		sam.shown(s.lookURL(adaEmail))
		sam.shown("/support").none("p", "class", "empty")
	})
}

func TestAPersonsPageShowsDevicesAndActivityAndNothingToDo(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		sam := s.desk()
		stolen, kept, gone := s.login("stolen"), s.login("kept"), s.login("gone")
		again := s.refreshed(s.refreshed(stolen.refresh).refresh)
		s.refused(stolen.refresh, token.ReasonReused)
		s.refused(again.refresh, token.ReasonRevoked)
		s.clock.Advance(time.Minute)
		ada := s.signedIn()
		ada.post("/devices/"+gone.id+"/revoke", nil)
		s.clock.Advance(time.Minute)
		page := sam.shown(s.lookURL(adaEmail))
		page.one("h1").says(adaEmail)
		names := func(section string) []string {
			var list []string
			for _, p := range page.one("section", "aria-labelledby", section).all("p", "class", "device-name") {
				p.none("span", "class", "badge")
				list = append(list, p.one("bdi").text())
			}
			slices.Sort(list)
			return list
		}
		if got, want := names("live"), []string{"Firefox on Linux", "kept"}; !slices.Equal(got, want) {
			t.Errorf("live: %q, want %q", got, want)
		}
		if got, want := names("ended"), []string{"gone", "stolen"}; !slices.Equal(got, want) {
			t.Errorf("ended: %q, want %q", got, want)
		}
		reasons := page.one("section", "aria-labelledby", "ended").texts("td", "class", "desk-end")
		slices.Sort(reasons)
		if want := []string{"Signed out because its sign-in may have been copied, 23 November 2026, 12:00:00 UTC", "Signed out by its owner, 23 November 2026, 12:01:00 UTC"}; !slices.Equal(reasons, want) {
			t.Errorf("reasons: %q", reasons)
		}
		if strings.Contains(page.text(), kept.refresh) || !strings.Contains(page.text(), kept.id) {
			t.Error("the device's id is not shown, or its token is")
		}
		main := page.one("main")
		for i, f := range main.all("form") { // they act on nothing of the person's
			if want := []string{s.lookURL(adaEmail) + "/reason", "/support"}[i]; f.attr("action") != want {
				t.Errorf("a form leads to %s", f.attr("action"))
			}
		}
		for _, b := range main.all("button", "type", "button") {
			b.one("span", "class", "sr-only") // it copies the id that it names
			b.attr("data-copy")
		}
		for _, a := range main.all("a") {
			if href := a.attr("href"); !strings.HasPrefix(href, "/support/users/") && !strings.HasPrefix(href, "#") {
				t.Errorf("a link leads to %s", a.attr("href"))
			}
		}
		for i := range 60 {
			s.clock.Advance(time.Second)
			s.addEvent(models.Event{UserID: s.live(adaEmail, "kept").UserID, At: s.clock.Now(), Kind: models.EventDeviceRenamed, Actor: models.ActorOwner, DeviceName: "x", Detail: fmt.Sprint(i)})
		}
		page = sam.shown(s.lookURL(adaEmail))
		if n := len(page.all("li", "class", "event")); n != 50 {
			t.Errorf("%d events on a page", n)
		}
		page = sam.shown(page.one("a", "rel", "next").attr("href"))
		page.one("a", "rel", "first", "href", s.lookURL(adaEmail))
		if n := len(page.all("li", "class", "event")); n < 15 || n > 30 {
			t.Errorf("%d events on the second page", n)
		}
		if n := countLooks(s.eventsOf(adaEmail)); n != 3 {
			t.Errorf("%d looks are recorded, not 3", n)
		}
	})
}

func TestEndedDevicesOfAPersonArePaged(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		sam := s.desk()
		for i := range 45 {
			if i == 25 {
				s.clock.Advance(15 * time.Minute) // an account signs in 30 times in a window
			}
			s.login("x")
		}
		if _, err := s.auth.Operator.SignOutUser(t.Context(), adaEmail); err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for path := s.lookURL(adaEmail); path != ""; {
			page := sam.shown(path)
			for _, d := range page.one("section", "aria-labelledby", "ended").all("code") {
				seen[d.text()] = true
			}
			path = ""
			for _, link := range page.one("section", "aria-labelledby", "ended").all("a", "rel", "next") {
				path = link.attr("href")
			}
		}
		if len(seen) != 45 {
			t.Errorf("%d devices", len(seen))
		}
	})
}

// countLooks counts the looks at an account. One event may stand for several.
func countLooks(list []models.Event) (n int64) {
	for _, e := range list {
		if e.Kind == models.EventSeenBySupport {
			n += 1 + e.More
		}
	}
	return n
}

func TestRepeatedLooksAreToldOnceWithTheirNumber(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		sam, ada := s.desk(), s.signedIn()
		told := func() []string {
			t.Helper()
			return ada.shown("/activity?kind=support").texts("p", "class", "event-text")
		}
		want := func(when string, texts ...string) {
			t.Helper()
			if got := told(); !slices.Equal(got, texts) {
				t.Errorf("%s: %q, want %q", when, got, texts)
			}
		}
		const once, thrice = "Support viewed your devices and activity.", "Support viewed your devices and activity 3 times within 15 minutes."
		page := sam.shown(s.lookURL(adaEmail))
		want("a look", once)
		s.clock.Advance(time.Minute)
		sam.shown(s.lookURL(adaEmail))
		sam.shown(page.one("nav", "class", "filters").all("a")[1].attr("href"))
		want("a reload and a filter", thrice)
		reason := func(page screen, text string) screen {
			t.Helper()
			form := page.one("form", "class", "desk-look")
			values := url.Values{"reason": {text}}
			for _, hidden := range form.all("input", "type", "hidden") {
				values.Set(hidden.attr("name"), hidden.attr("value"))
			}
			r := sam.post(form.attr("action"), values)
			if r.status != http.StatusSeeOther || strings.Contains(held(t, r.header.Get("Location")), "4711") {
				t.Fatalf("%d %q", r.status, r.header.Get("Location"))
			}
			return sam.shown(r.header.Get("Location"))
		}
		page.one("form", "class", "desk-look").one("strong").says("No reason given")
		s.clock.Advance(time.Second)
		page = reason(page, "Ticket 4711")
		page.one("form", "class", "desk-look").one("blockquote").says("Ticket 4711")
		want("with a reason", once, thrice)
		sam.shown(page.one("nav", "class", "filters").all("a")[1].attr("href"))
		want("with the reason again", "Support viewed your devices and activity 2 times within 15 minutes.", thrice)
		s.clock.Advance(time.Second)
		s.addUser(eveEmail, evePassword)
		s.clock.Advance(time.Second)
		to, _ := url.Parse(page.one("nav", "class", "filters").all("a")[0].attr("href"))
		sam.shown(s.lookURL(eveEmail) + "?search=" + to.Query().Get("search"))
		if e := s.eventsOf(eveEmail)[0]; e.Kind != models.EventSeenBySupport || e.Reason != "" {
			t.Errorf("a reason for ada is given to eve: %+v", e)
		}
		if refused := sam.post(s.lookURL(adaEmail)+"/reason", url.Values{"reason": {"lk1.x"}}); refused.status != http.StatusUnprocessableEntity {
			t.Errorf("a token as a reason: %d", refused.status)
		} else {
			refused.screen(t).one("p", "id", "reason-problem")
		}
		s.clock.Advance(15 * time.Minute)
		sam.shown(s.lookURL(adaEmail))
		want("later", once, "Support viewed your devices and activity 2 times within 15 minutes.", "Support viewed your devices and activity 4 times within 15 minutes.")
	})
}

// A device that a search found is marked on its owner's page, wherever it stands there.
func TestADeviceLeadsToItsRowOnTheOwnersPage(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		sam := s.desk()
		old := s.login("Old tablet")
		s.clock.Advance(time.Minute)
		if _, err := s.auth.Operator.SignOutUser(t.Context(), adaEmail); err != nil {
			t.Fatal(err)
		}
		for range 25 {
			s.login("x")
		}
		s.clock.Advance(time.Minute)
		if _, err := s.auth.Operator.SignOutUser(t.Context(), adaEmail); err != nil {
			t.Fatal(err)
		}
		row := sam.shown(searchURL("q", "old tablet")).one("tr", "class", "desk-device")
		path, anchor, _ := strings.Cut(row.one("p", "class", "device-name").one("a").attr("href"), "#")
		page := sam.shown(path)
		if got := page.one("tr", "class", "desk-marked"); got.attr("id") != anchor || anchor != "device-"+old.id || got.one("p", "class", "device-name").text() != "Old tablet" {
			t.Errorf("%s leads to %s", anchor, got.attr("id"))
		}
		page.one("h2", "id", "ended").one("span", "class", "count").says("26")
		page = sam.shown(s.lookURL(adaEmail))
		fold := page.one("section", "aria-labelledby", "ended").one("details")
		fold.one("summary").says("Show 15 more devices")
	})
}
