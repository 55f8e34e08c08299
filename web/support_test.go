package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/auth/services"
	"latchkey/models"
	"latchkey/web"
)

const (
	samEmail    = "sam@example.com"
	samPassword = "somebody has to help them"
)

// desk is a browser that sam of the support staff has signed in on, with an address and an agent of its own.
func (s *site) desk() *browser {
	s.t.Helper()
	if _, err := s.auth.Operator.AddUser(s.t.Context(), samEmail, samPassword, models.RoleSupport); err != nil {
		s.t.Fatal(err)
	}
	b := s.browser()
	b.agent = pixel
	b.signIn(samEmail, samPassword)
	return b
}

func (s *site) userID(email string) string {
	s.t.Helper()
	u, err := s.auth.Operator.FindUser(s.t.Context(), email)
	if err != nil {
		s.t.Fatal(err)
	}
	return u.ID.String()
}

func (s *site) lookURL(email string) string { return "/support/users/" + s.userID(email) }

func searchURL(pairs ...string) string {
	query := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		query.Set(pairs[i], pairs[i+1])
	}
	return "/support?" + query.Encode()
}

// EventsOf are the events of an account, newest first.
func (s *site) eventsOf(email string) []models.Event {
	s.t.Helper()
	u, err := s.auth.Operator.FindUser(s.t.Context(), email)
	if err != nil {
		s.t.Fatal(err)
	}
	list, err := s.store.Events(s.t.Context(), u.ID, models.EventCursor{}, 1000)
	if err != nil {
		s.t.Fatal(err)
	}
	return list
}

func countKind(list []models.Event, kind models.EventKind) (n int) {
	for _, e := range list {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

func TestTheSupportDeskIsThereForTheStaffOnly(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		sam, ada := s.desk(), s.signedIn()
		said := func(r reply) string { // but for the number of the request
			text, _, _ := strings.Cut(r.screen(t).one("main").text(), "quote this code")
			return text
		}
		nowhere := said(ada.get("/nothing"))
		paths := []string{"/support", searchURL("q", "ada"), s.lookURL(samEmail), s.lookURL(adaEmail), "/support/users/" + noDevice, "/support/users/x"}
		for _, path := range paths {
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				s.unchanged("a visit of "+path, func() {
					r := ada.do(method, path, nil)
					if r.status != http.StatusNotFound {
						t.Errorf("ada, %s %s: %d", method, path, r.status)
					}
					if method == http.MethodGet && said(r) != nowhere {
						t.Errorf("%s does not look like nothing: %q, %q", path, said(r), nowhere)
					}
					visitor := s.browser()
					visitor.expect(visitor.do(method, path, nil), http.StatusSeeOther, "/login"+map[string]string{http.MethodGet: "?next=" + url.QueryEscape(path)}[method])
				})
			}
			if r := sam.do(http.MethodPost, path, nil); r.status != http.StatusMethodNotAllowed && !strings.HasPrefix(path+"?", "/support?") {
				t.Errorf("POST %s: %d", path, r.status)
			}
		}
		for _, path := range paths {
			header := sam.get(path).header
			for name, want := range securityHeaders {
				if got := header.Get(name); got != want || header.Get("Cache-Control") != "no-store" {
					t.Errorf("%s: %s is %q, %q", path, name, got, header.Get("Cache-Control"))
				}
			}
		}
		ada.shown("/devices").none("a", "href", "/support")
		sam.shown("/devices").one("nav", "class", "tabs").one("a", "href", "/support").says("Support")
		sam.shown("/support").one("nav", "class", "tabs").one("a", "href", "/support", "aria-current", "page")
		for _, path := range []string{"/support/users/" + noDevice, "/support/users/x", "/support/users/" + strings.ToUpper(noDevice) + "0"} {
			s.unchanged("a look at nobody", func() {
				if r := sam.get(path); r.status != http.StatusNotFound {
					t.Errorf("%s: %d", path, r.status)
				}
			})
		}
	})
}

func TestARoleThatIsTakenAwayIsGoneWithTheNextRequest(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		sam := s.desk()
		for i, role := range []string{models.RoleUser, models.RoleSupport, models.RoleUser} {
			if err := s.auth.Operator.SetRole(t.Context(), samEmail, role); err != nil {
				t.Fatal(err)
			}
			want := map[string]int{models.RoleUser: http.StatusNotFound, models.RoleSupport: http.StatusOK}[role]
			for _, path := range []string{"/support", searchURL("q", "ada"), s.lookURL(adaEmail)} {
				if r := sam.get(path); r.status != want {
					t.Errorf("change %d, %s: %d, want %d", i+1, path, r.status, want)
				}
			}
		}
		if n := countKind(s.eventsOf(adaEmail), models.EventSeenBySupport); n != 1 {
			t.Errorf("ada was looked at %d times, not once", n)
		}
	})
}

func TestABrowserOfTheStaffIsOutAfterHalfAnHourUnused(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		sam, ada := s.desk(), s.signedIn()
		for range 20 {
			s.clock.Advance(28 * time.Minute)
			sam.shown("/support")
		}
		s.clock.Advance(30 * time.Minute)
		sam.expect(sam.get("/support"), http.StatusSeeOther, "/login?next=%2Fsupport")
		s.clock.Advance(10 * time.Hour)
		ada.shown("/devices")
	})
}

func TestPagesOfTheSupportDeskCostAFewStatements(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		sam := s.desk()
		for i := range 30 {
			s.login(fmt.Sprintf("phone %d", i))
		}
		sam.get("/support")
		for _, c := range []struct {
			path string
			most int64 // with the one that finds the browser, and one to hold each account of whom something is recorded
		}{
			{"/support", 3}, {searchURL("q", "phone"), 5}, {searchURL("q", "127.0.0.1"), 4}, {searchURL("q", noDevice), 5}, {s.lookURL(adaEmail), 16},
		} {
			before := s.statements.Load()
			sam.shown(c.path)
			if n := s.statements.Load() - before; n > c.most {
				t.Errorf("%s: %d statements, want at most %d", c.path, n, c.most)
			}
		}
		s.clock.Advance(61 * time.Second) // past the minute: seen again, perhaps the clients are read again, and behind the answer the present day is counted again
		before := s.statements.Load()
		sam.shown("/support")
		if n := s.statements.Load() - before; n < 4 || n > 5+6 {
			t.Errorf("the front page after a minute: %d statements", n)
		}
	})
}

func TestTheFrontPageCountsTheLastThirtyDays(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		sam := s.desk()
		day := func(ago int) time.Time { return s.clock.Now().Add(-time.Duration(ago) * 24 * time.Hour) }
		for kind, days := range map[models.EventKind][]int{
			models.EventSignInFailed: {1, 1, 1, 29, 30, 300}, models.EventDeviceReused: {2}, models.EventDeviceRevoked: {3, 3}, models.EventDevicesRevoked: {3}, models.EventSignOut: {1},
		} {
			for _, ago := range days {
				s.addEvent(models.Event{At: day(ago), Kind: kind, Actor: models.ActorSystem})
			}
		}
		page := sam.shown("/support")
		for title, want := range map[string][2]string{
			"Sign-ins": {"1", "Most on one day: 1 (23 November)"}, "Failed sign-ins": {"4", "Most on one day: 3 (22 November)"},
			"Copied sign-ins found": {"1", "Most on one day: 1 (21 November)"}, "Acts of signing out other devices": {"3", "Most on one day: 3 (20 November)"},
		} {
			at := slices.IndexFunc(page.all("figure"), func(f screen) bool { return f.one("span", "class", "chart-name").text() == title })
			if at < 0 {
				t.Fatalf("there is no chart %q", title)
			}
			figure := page.all("figure")[at]
			figure.one("span", "class", "chart-total").says(want[0])
			figure.one("span", "class", "chart-most").says(want[1])
			if n := len(figure.all("rect")); n != 30 {
				t.Errorf("%s: %d bars", title, n)
			}
		}
		rows := page.one("table").one("tbody").all("tr")
		if len(rows) != 30 {
			t.Fatalf("%d rows", len(rows))
		}
		for i, want := range map[int]string{0: "23 Nov 1 0 0 0", 1: "22 Nov 0 3 0 0", 3: "20 Nov 0 0 0 3", 29: "25 Oct 0 1 0 0"} {
			cells := append(rows[i].texts("th", "scope", "row"), rows[i].texts("td")...)
			if got := strings.Join(cells, " "); got != want {
				t.Errorf("row %d: %q, want %q", i, got, want)
			}
		}
		s.addEvent(models.Event{At: s.clock.Now(), Kind: models.EventDeviceReused, Actor: models.ActorSystem})
		total := func() string { return sam.shown("/support").all("span", "class", "chart-total")[2].text() }
		if got := total(); got != "1" {
			t.Errorf("within the minute: %s", got)
		}
		s.clock.Advance(time.Minute)
		for end := time.Now().Add(time.Minute); total() != "2"; time.Sleep(20 * time.Millisecond) { // counted behind the first answer
			if time.Now().After(end) {
				t.Fatal("the numbers are those of a minute ago")
			}
		}
	}, func(a *services.Config, _ *web.Config) { a.BrowserLifetime = 40 * 24 * time.Hour })
}
