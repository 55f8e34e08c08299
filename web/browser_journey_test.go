package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"

	"latchkey/auth/services"
	"latchkey/auth/token"
	"latchkey/models"
	"latchkey/models/modelstest"
	"latchkey/web"
)

const (
	leilaEmail    = "leila.haddad@example.org"
	leilaPassword = "seven lemons in a bowl"
)

func TestAPersonSignsOutAPhoneInARealBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("LEFT OUT: a short run does not test the portal in a browser")
	}
	for _, c := range []struct {
		width   int64
		scripts bool
	}{{390, false}, {390, true}, {1280, true}} {
		t.Run(fmt.Sprintf("%d pixels wide, scripts %v", c.width, c.scripts), func(t *testing.T) {
			chromium(t) // before a database is made
			s := newPostOffice(t, modelstest.MigratedSQLite(t), func(a *services.Config, w *web.Config) {
				a.BrowserIdle, w.TrustedProxies = 20*24*time.Hour, []string{"127.0.0.0/8", "::1/128"}
			})
			if err := s.store.AddClient(t.Context(), models.Client{ID: "app", Name: "Notes", CreatedAt: s.clock.Now()}); err != nil {
				t.Fatal(err)
			}
			tab := openTab(t, s.URL, c.width, c.scripts)
			tab.do("come from an address", call(network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"X-Forwarded-For": "192.0.2.10"}}))
			journey(t, s, tab)
		})
	}
}

func journey(t *testing.T, s *postOffice, c *tab) {
	c.open("/devices", http.StatusOK).one("h1").says("Sign in")
	c.shoot("login")
	c.follow(`a[href^="/signup"]`)
	c.shoot("signup")
	c.write("#email", leilaEmail)
	c.write("#password", leilaPassword)
	c.follow(`main button[type="submit"]`).one("h1").says("Check your e-mail")
	c.shoot("signup-sent")
	c.open(s.link(s.mail()), http.StatusOK).one("h1").says("Confirm your e-mail address")
	c.shoot("signup-confirm")
	c.write("#password", leilaPassword)
	c.follow(`main button[type="submit"]`).one("h1").says("Devices")
	c.shoot("devices-alone")
	c.follow(`.device-current form[action="/logout"] button`).one("div", "class", "notice", "tabindex", "-1").says("You’ve signed out on this browser.")

	phone, tablet := s.leilasDevices()
	c.write("#email", leilaEmail)
	c.write("#password", leilaPassword)
	page := c.follow(`main button[type="submit"]`)
	page.one("p", "class", "whose").says("Signed in as " + leilaEmail)
	if got, want := page.one("section", "aria-labelledby", "apps").texts("", "class", "device-name"), []string{"phone (2)", "Kitchen tablet", "phone"}; !slices.Equal(got, want) {
		t.Errorf("apps %q, want %q", got, want)
	}
	c.shoot("devices")

	rename := fmt.Sprintf(`form[action="/devices/%s/rename"]`, phone.id)
	c.do("open the field", clicked(fmt.Sprintf(`details:has(%s) summary`, rename)))
	c.shoot("devices-rename")
	s.clock.Advance(time.Minute)
	c.do("empty the field", emptied(rename+` input[name="name"]`))
	c.write(rename+` input[name="name"]`, "Pixel 9")
	page = c.follow(rename + " button")
	page.one("div", "class", "notice", "tabindex", "-1").says("You’ve renamed the device to “Pixel 9”.")
	if got := page.one("section", "aria-labelledby", "apps").texts("", "class", "device-name"); !slices.Contains(got, "Pixel 9") || slices.Contains(got, "phone (2)") {
		t.Errorf("after the rename: %q", got)
	}

	c.asked(fmt.Sprintf(`a[href="/devices/%s/revoke"]`, phone.id)).one("", "id", "question").says("Sign out “Pixel 9”?")
	s.clock.Advance(time.Minute)
	c.shoot("revoke")
	page = c.follow(yes)
	page.one("p", "class", "notice-text").says("You’ve signed out “Pixel 9”.")
	page.none("a", "href", "/devices/"+phone.id+"/revoke")
	c.shoot("devices-revoked")
	s.refused(phone.refresh, token.ReasonRevoked)
	s.refreshed(tablet.refresh)

	c.asked(`a[href="/devices/revoke-others"]`).one("", "id", "question").says("Sign out everywhere else?")
	c.shoot("revoke-others")
	c.refuse()
	if got := c.follow(`.tabs a[href="/activity"]`).all("p", "class", "event-text"); got[0].text() != "You signed out “Pixel 9”." {
		t.Errorf("the activity begins with %q", got[0].text())
	}
	c.shoot("activity")
	c.follow(`.tabs a[href="/security"]`).one("h1").says("Security")
	c.shoot("security")
	c.follow(`a[href="/security/password"]`).one("h1").says("Change your password")
	c.shoot("security-password")
	if faults := c.takeFaults(); len(faults) > 0 {
		t.Errorf("the browser complains: %q", faults)
	}

	c.write("#current_password", "not her password")
	c.write("#new_password", "eight lemons in a bowl")
	c.arrive("a wrong password", http.StatusUnprocessableEntity, clicked(`main button[type="submit"]`)).one("p", "id", "current_password-problem")
	c.shoot("security-refused")
	c.open("/devices/"+noDevice+"/revoke", http.StatusNotFound).one("h1").says("We couldn’t find that")
	c.shoot("error")
	if faults := c.takeFaults(); len(faults) != 2 { // the browser tells of both statuses, and of nothing else
		t.Errorf("the browser complains: %q", faults)
	}
}

// leilasDevices signs leila in on several apps and browsers over some days.
func (s *site) leilasDevices() (app, tablet phone) {
	s.t.Helper()
	s.leilasApp("phone", "198.51.100.23", "okhttp/5.1.0")
	s.clock.Advance(50 * time.Hour)
	tablet = s.leilasApp("Kitchen tablet", "192.0.2.10", "Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1")
	for _, from := range [][2]string{{"192.0.2.10", firefox}, {"198.51.100.23", pixel}} {
		b := s.browser()
		address := from[0]
		b.agent = from[1]
		b.expect(b.post("/login", url.Values{"email": {leilaEmail}, "password": {leilaPassword}}, "X-Forwarded-For", address), http.StatusSeeOther, "/devices")
		s.clock.Advance(7 * time.Hour)
	}
	s.browser().post("/login", url.Values{"email": {leilaEmail}, "password": {"a guess"}}, "X-Forwarded-For", "203.0.113.99")
	s.clock.Advance(40 * time.Minute)
	app = s.leilasApp("phone", "203.0.113.7", "okhttp/5.1.0")
	s.clock.Advance(3 * time.Minute)
	return app, tablet
}

func (s *site) leilasApp(name, address, agent string) phone {
	s.t.Helper()
	return newPhone(s.t, s.postJSON("/api/login", map[string]string{"email": leilaEmail, "password": leilaPassword, "device_name": name}, "User-Agent", agent, "X-Forwarded-For", address))
}
