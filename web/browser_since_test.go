package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"latchkey/auth/token"
)

// An owner finds a browser that is not hers, and what was added since. One page names all of it and ends it.
func TestEverythingSinceAnUnknownBrowserInARealBrowser(t *testing.T) {
	withAndWithout(t, func(t *testing.T, s *site, c *tab) {
		owner := s.signedIn()
		app := owner.addApp(adaPassword)
		x := s.browser()
		x.agent = pixel
		form := x.passwordRight("")
		x.expect(x.post("/login/verify", url.Values{"challenge": {form.one("input", "name", "challenge").attr("value")}, "method": {"totp"}, "code": {app.next(s)}}), http.StatusSeeOther, "/devices")
		s.clock.Advance(time.Minute)
		if r := x.post("/security/codes", url.Values{"current_password": {adaPassword}, "code": {app.next(s)}}); r.status != http.StatusOK {
			t.Fatalf("codes: %d", r.status)
		}
		path := "/devices/" + s.live(adaEmail, "Chrome on Android").ID.String() + "/revoke-since"

		c.signIn(adaEmail, adaPassword)
		c.write("#code", app.next(s))
		c.follow(`form[action="/login/verify"] button[type="submit"]`).one("h1").says("Devices")
		page := c.follow(fmt.Sprintf(`a[href=%q]`, path))
		page.one("h1").says("Don’t recognise “Chrome on Android”?")
		page.one("fieldset", "class", "confirm")
		c.check("the question about everything since")
		c.write("#current_password", adaPassword)
		c.write("#code", "000000")
		remove := fmt.Sprintf(`form[action=%q]:has(#code) button[type="submit"]`, path)
		c.arrive("a wrong code", http.StatusUnprocessableEntity, clicked(remove)).one("", "id", "refused")
		c.check("a refusal")
		if faults := c.takeFaults(); len(faults) != 1 || !strings.Contains(faults[0], "status of 422") {
			t.Errorf("the browser complains: %q", faults)
		}
		c.write("#current_password", adaPassword)
		c.write("#code", app.next(s))
		page = c.follow(remove)
		page.one("h1").says("Secure your account")
		page.one("p", "class", "notice-text").says("You’ve signed out “Chrome on Android” and ended everything since.")
		c.check("what was done")
		x.expect(x.get("/devices"), http.StatusSeeOther, "/login")
		owner.shown("/devices")
		if text := owner.shown("/activity").text(); !contains(text, "You signed out “Chrome on Android” and ended everything since.") || !contains(text, "The recovery codes were removed") {
			t.Errorf("the activity says %s", text)
		}
	})
}

// Without anything added the question stands over the list, and names what signed in later.
func TestTheQuestionAboutEverythingSinceNamesTheLaterDevices(t *testing.T) {
	withAndWithout(t, func(t *testing.T, s *site, c *tab) {
		own, stranger := s.login("phone"), s.login("whose is this")
		var later []phone
		for i := range 7 {
			later = append(later, s.login(fmt.Sprint("later ", i)))
		}
		c.signIn(adaEmail, adaPassword)
		question := c.asked(fmt.Sprintf(`a[href=%q]`, stranger.since()))
		if names := question.one("ul", "class", "named").all("li"); len(names) != 6 || names[5].text() != "and 2 more" {
			t.Errorf("%d names", len(names))
		}
		c.check("the question")
		page := c.follow(yes)
		page.one("p", "class", "notice-text").says("You’ve signed out “whose is this” and 7 devices that signed in after it.")
		for _, p := range append(later, stranger) {
			s.refused(p.refresh, token.ReasonRevoked)
		}
		s.refreshed(own.refresh)
	})
}
