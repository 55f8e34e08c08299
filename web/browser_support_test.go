package web_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	cdpbrowser "github.com/chromedp/cdproto/browser"

	"latchkey/auth/services"
	"latchkey/auth/token"
	"latchkey/models"
	"latchkey/models/modelstest"
	"latchkey/web"
)

func TestSupportLooksAndTheOwnerSeesItInARealBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("LEFT OUT: a short run does not test the support desk in a browser")
	}
	for _, c := range []struct {
		width   int64
		scripts bool
	}{{390, false}, {1280, true}} {
		t.Run(fmt.Sprintf("%d pixels wide, scripts %v", c.width, c.scripts), func(t *testing.T) {
			chromium(t) // before a database is made
			s := newSite(t, modelstest.MigratedSQLite(t), func(a *services.Config, _ *web.Config) { a.BrowserIdle = 20 * 24 * time.Hour })
			deskJourney(t, s, openTab(t, s.URL, c.width, c.scripts))
		})
	}
}

func deskJourney(t *testing.T, s *site, c *tab) {
	s.addUser(leilaEmail, leilaPassword)
	if _, err := s.auth.Operator.AddUser(t.Context(), samEmail, samPassword, models.RoleSupport); err != nil {
		t.Fatal(err)
	}
	s.busyMonth()
	stolen, _ := s.leilasDevices()
	s.clock.Advance(time.Minute)
	s.refreshed(s.refreshed(stolen.refresh).refresh)
	s.refused(stolen.refresh, token.ReasonReused)

	c.open("/login", http.StatusOK)
	c.write("#email", samEmail)
	c.write("#password", samPassword)
	c.follow(`main button[type="submit"]`)
	page := c.follow(`.tabs a[href="/support"]`)
	page.one("h1").says("Support")
	page.one("aside", "class", "recorded")
	c.shoot("support")
	c.do("open the table", clicked(".numbers summary"))
	c.shoot("support-table")

	c.write("#q", "leila.h")
	s.clock.Advance(time.Minute)
	page = c.follow(`.desk-search button[type="submit"]`)
	page.one("tr", "class", "desk-person").one("bdi").says(leilaEmail)
	c.shoot("support-people")
	c.do("empty the field", emptied("#q"))
	c.write("#q", "phone")
	page = c.follow(`.desk-search button[type="submit"]`)
	if n := len(page.all("tr", "class", "desk-device")); n != 2 {
		t.Errorf("%d phones", n)
	}
	c.shoot("support-devices")
	c.open("/support?q=nobody&live=live", http.StatusOK).one("h2", "id", "found").says("No results")
	c.shoot("support-nothing")
	c.open("/support", http.StatusOK)
	c.write("#q", "phone")
	c.write("#reason", "Ticket 4711")
	c.follow(`.desk-search button[type="submit"]`)

	s.clock.Advance(time.Minute)
	page = c.follow(`.desk-device:first-of-type .desk-owner a`)
	page.one("h1").says(leilaEmail)
	page.one("section", "aria-labelledby", "ended").one("td", "class", "desk-alarm")
	c.shoot("support-user")
	page = c.follow(`.desk-back a`)
	page.one("input", "name", "q", "value", "phone")
	s.clock.Advance(time.Minute)
	c.follow(`.desk-device:first-of-type .desk-owner a`)
	if c.script {
		c.do("copy an id", call(cdpbrowser.SetPermission, cdpbrowser.SetPermissionParams{ // without windows, the engine asks no one
			Permission: &cdpbrowser.PermissionDescriptor{Name: "clipboard-write"}, Setting: cdpbrowser.PermissionSettingGranted, Origin: s.URL,
		}), clicked(".button-copy"))
		c.until("the copy is announced", `document.querySelector("#said").textContent === "Copied"`)
	}
	c.follow(`.way-out button`)

	s.clock.Advance(time.Minute)
	c.write("#email", leilaEmail)
	c.write("#password", leilaPassword)
	c.follow(`main button[type="submit"]`).one("nav", "class", "tabs").none("a", "href", "/support")
	rows := c.follow(`.tabs a[href="/activity"]`).all("li", "class", "event")
	rows[1].one("p", "class", "event-text").says("Support viewed your devices and activity 2 times within 15 minutes.")
	rows[1].none("p", "class", "device-facts")
	rows[1].one("blockquote").one("bdi").says("Ticket 4711")
	c.shoot("support-seen")
	if faults := c.takeFaults(); len(faults) > 0 {
		t.Errorf("the browser complains: %q", faults)
	}
	c.open("/support", http.StatusNotFound).one("h1").says("We couldn’t find that")
}

// busyMonth gives the charts something to show.
func (s *site) busyMonth() {
	s.t.Helper()
	var list []models.Event
	for day := range 30 {
		at := s.clock.Now().Add(-time.Duration(day) * 24 * time.Hour)
		for kind, n := range map[models.EventKind]int{
			models.EventSignIn: 12 + day*5%17, models.EventSignInFailed: day * 3 % 7, models.EventDeviceRevoked: day % 4, models.EventDeviceReused: day % 11 / 10,
		} {
			for range n {
				list = append(list, models.Event{At: at, Kind: kind, Actor: models.ActorSystem})
			}
		}
	}
	if err := s.store.AddEvents(s.t.Context(), list...); err != nil {
		s.t.Fatal(err)
	}
}
