package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"latchkey/auth/token"
	"latchkey/models/modelstest"
)

// withAndWithout walks a journey on a borrowed phone's screen with scripts and without.
func withAndWithout(t *testing.T, walk func(t *testing.T, s *site, c *tab)) {
	t.Helper()
	if testing.Short() {
		t.Skip("LEFT OUT: a short run does not test the portal in a browser")
	}
	for _, scripts := range []bool{true, false} {
		t.Run(fmt.Sprintf("scripts %v", scripts), func(t *testing.T) {
			chromium(t) // before a database is made
			s := newSite(t, modelstest.MigratedSQLite(t))
			c := openTab(t, s.URL, 390, scripts)
			if scripts {
				c.load(vendored(t, "axe/axe.min.js"))
			}
			walk(t, s, c)
			if faults := c.takeFaults(); len(faults) > 0 {
				t.Errorf("the browser complains: %q", faults)
			}
		})
	}
}

// check runs axe-core where scripts run.
func (c *tab) check(where string) {
	c.t.Helper()
	if c.script {
		c.accessible(where, everything)
	}
}

func (c *tab) signIn(email, password string) screen {
	c.t.Helper()
	c.open("/login", http.StatusOK)
	c.write("#email", email)
	c.write("#password", password)
	return c.follow(`main button[type="submit"]`)
}

func TestAStolenPhoneIsSignedOutWithTheKeyboardAlone(t *testing.T) {
	withAndWithout(t, func(t *testing.T, s *site, c *tab) {
		stolen, kept := s.login("phone"), s.login("tablet")
		c.open("/devices", http.StatusOK)
		c.do("the first field takes the focus by itself", call(emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}),
			chromedp.WaitReady(chromedp.CSS("#email:focus")))
		c.press(adaEmail)
		c.tabTo("the password", func(n *chromedp.Node) bool { return n.AttributeValue("id") == "password" })
		c.press(adaPassword)
		c.arrive("Enter", http.StatusOK, chromedp.KeyEvent("\r")).one("h1").says("Devices")

		c.tabTo("the way out for the phone", func(n *chromedp.Node) bool { return n.AttributeValue("href") == "/devices/"+stolen.id+"/revoke" })
		if c.script {
			c.do("Enter", chromedp.KeyEvent("\r"), chromedp.WaitVisible(chromedp.CSS("dialog.ask[open] "+yes)))
			c.check("the question")
			c.press("\x1b")
			c.do("Escape leaves the question", chromedp.WaitNotPresent(chromedp.CSS("dialog")))
			if at := c.focused(); at == nil || at.AttributeValue("href") != "/devices/"+stolen.id+"/revoke" {
				t.Error("the focus is not back where it was")
			}
			c.do("Enter", chromedp.KeyEvent("\r"), chromedp.WaitVisible(chromedp.CSS("dialog.ask[open] "+yes)))
		} else {
			c.arrive("Enter", http.StatusOK, chromedp.KeyEvent("\r")).one("h1").says("Sign out “phone”?")
		}
		c.tabTo("yes", func(n *chromedp.Node) bool {
			return n.NodeName == "BUTTON" && strings.Contains(n.AttributeValue("class"), "button-danger")
		})
		page := c.arrive("Enter", http.StatusOK, chromedp.KeyEvent("\r"))
		page.one("p", "class", "notice-text").says("You’ve signed out “phone”.")
		page.one("p", "class", "notice-detail").says("It can’t come back without signing in again. The app may keep working for up to about 30 seconds, and with some services for up to 15 minutes.")
		c.check("told")
		s.refused(stolen.refresh, token.ReasonRevoked)
		s.refreshed(kept.refresh)
	})
}

// fingers taps on a touch screen and counts. Scrolling and typing are no taps.
type fingers struct {
	*tab
	taps int
}

func (f *fingers) tap(selector string, then ...chromedp.Action[chromedp.Void]) {
	f.t.Helper()
	f.taps++
	f.do("tap "+selector, append([]chromedp.Action[chromedp.Void]{chromedp.Tap(chromedp.CSS(selector))}, then...)...)
}

// tapTo taps what leads to another page.
func (f *fingers) tapTo(selector string) screen {
	f.t.Helper()
	f.taps++
	return f.arrive("tap "+selector, http.StatusOK, chromedp.Tap(chromedp.CSS(selector)))
}

// tapOut signs out a stolen phone on a borrowed one, from the sign-in form on, which has the focus in its first field.
func (f *fingers) tapOut(stolen phone) (devices, after screen) {
	f.t.Helper()
	f.do("a touch screen", call(emulation.SetTouchEmulationEnabled, emulation.SetTouchEmulationEnabledParams{Enabled: true}),
		call(emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}))
	f.open("/login", http.StatusOK)
	f.do("the first field has the focus", chromedp.WaitReady(chromedp.CSS("#email:focus")))
	f.press(adaEmail)
	f.tap("#password")
	f.press(adaPassword)
	devices = f.tapTo(`main button[type="submit"]`)
	if out := fmt.Sprintf(`a[href="/devices/%s/revoke"]`, stolen.id); f.script {
		f.tap(out, chromedp.WaitVisible(chromedp.CSS("dialog.ask[open] "+yes)))
	} else {
		f.tapTo(out)
	}
	return devices, f.tapTo(yes)
}

// One phone's sign-in was copied, and another phone is gone: four taps from the sign-in form sign that one out, in spite of the warning.
func TestATheftIsToldUntilItsOwnerHasSeenIt(t *testing.T) {
	withAndWithout(t, func(t *testing.T, s *site, c *tab) {
		stolen, first := s.login("stolen"), s.login("phone")
		second := s.refreshed(first.refresh)
		s.clock.Advance(time.Minute)
		s.refreshed(second.refresh) // the thief, with a copy
		s.clock.Advance(time.Minute)
		s.refused(first.refresh, token.ReasonReused)
		s.clock.Advance(time.Minute)

		hand := &fingers{tab: c}
		page, after := hand.tapOut(stolen)
		if after.one("p", "class", "notice-text").says("You’ve signed out “stolen”."); hand.taps != 4 {
			t.Errorf("a stolen phone was signed out with %d taps, want 4", hand.taps)
		}
		s.refused(stolen.refresh, token.ReasonRevoked)
		page.none("aside", "class", "help")
		alarm := page.one("section", "aria-labelledby", "alerts")
		alarm.one("h2").says("Someone may be using your account")
		if text := alarm.one("ul", "class", "alert-list").text(); !strings.HasPrefix(text, "A sign-in on “phone” may have been copied, so we signed it out.") {
			t.Errorf("the warning says %q", text)
		}
		alarm.one("a", "href", "/security/secure").says("Secure your account")
		page.one("section", "aria-labelledby", "ended").one("p", "class", "ending-reason").says("Signed out because its sign-in may have been copied.")
		c.check("the warning")
		c.follow(`.tabs a[href="/activity"]`)
		c.follow(`.filters a[href="/activity?kind=warnings"]`).one("li", "class", "event")
		c.open("/devices", http.StatusOK).one("section", "aria-labelledby", "alerts")
		page = c.follow(`.alerts button[type="submit"]`)
		page.none("section", "aria-labelledby", "alerts")
		page.one("p", "class", "notice-text").says("Warning dismissed.")
		c.open("/devices", http.StatusOK).none("section", "aria-labelledby", "alerts")
	})
}

func TestAnUnknownDeviceLeadsToANewPassword(t *testing.T) {
	const fresh = "eleven quiet herons"
	withAndWithout(t, func(t *testing.T, s *site, c *tab) {
		own, stranger := s.login("phone"), s.login("whose is this")
		c.signIn(adaEmail, adaPassword)
		c.asked(fmt.Sprintf(`a[href="/devices/%s/revoke-since"]`, stranger.id)).one("", "id", "question").says("Don’t recognise “whose is this”?")
		c.check("the question")
		page := c.follow(yes)
		page.one("h1").says("Secure your account")
		page.one("p", "class", "notice-text").says("You’ve signed out “whose is this” and ended everything since.")
		s.refused(stranger.refresh, token.ReasonRevoked)
		c.check("the three steps")
		c.follow(`a[href="/security/password?next=%2Fsecurity%2Fsecure"]`).one("h1").says("Change your password")
		c.write("#current_password", adaPassword)
		c.write("#new_password", fresh)
		page = c.follow(`main button[type="submit"]`)
		page.one("div", "class", "notice", "tabindex", "-1").says("You’ve changed your password, which signed out 1 other device.")
		s.refused(own.refresh, token.ReasonRevoked)
		c.follow(`.way-out button`).one("h1").says("Sign in")
		c.signIn(adaEmail, fresh).one("h1").says("Devices")
	})
}

func TestADeviceIsRenamedAndTheOthersSignedOutInABrowser(t *testing.T) {
	withAndWithout(t, func(t *testing.T, s *site, c *tab) {
		phone, tablet := s.login("phone"), s.login("tablet")
		c.signIn(adaEmail, adaPassword)
		form := fmt.Sprintf(`form[action="/devices/%s/rename"]`, phone.id)
		c.do("open the field", clicked(fmt.Sprintf(`details:has(%s) summary`, form)))
		c.check("renaming")
		c.do("empty the field", emptied(form+` input[name="name"]`))
		c.write(form+` input[name="name"]`, "Pixel 9")
		c.follow(form+" button").one("p", "class", "notice-text").says("You’ve renamed the device to “Pixel 9”.")

		c.asked(`a[href="/devices/revoke-others"]`).one("", "id", "question").says("Sign out everywhere else?")
		c.refuse()
		s.refreshed(phone.refresh)
		c.asked(`a[href="/devices/revoke-others"]`)
		c.check("the question")
		page := c.follow(yes)
		page.one("p", "class", "notice-text").says("You’ve signed out 2 other devices. Only this browser is signed in now.")
		page.none("a", "href", "/devices/revoke-others")
		s.refused(phone.refresh, token.ReasonRevoked)
		s.refused(tablet.refresh, token.ReasonRevoked)
	})
}
