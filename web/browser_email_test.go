package web_test

import (
	"fmt"
	"net/http"
	"testing"

	"latchkey/models/modelstest"
)

func TestAPersonChangesTheAddressAndBackInARealBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("LEFT OUT: a short run does not test the portal in a browser")
	}
	for _, c := range []struct {
		width   int64
		scripts bool
	}{{390, false}, {1280, true}} {
		t.Run(fmt.Sprintf("%d pixels wide, scripts %v", c.width, c.scripts), func(t *testing.T) {
			chromium(t) // before a database is made
			s := newPostOffice(t, modelstest.MigratedSQLite(t))
			phone := s.login("phone")
			b := openTab(t, s.URL, c.width, c.scripts)
			if c.scripts {
				b.load(vendored(t, "axe/axe.min.js"))
			}
			b.signIn(adaEmail, adaPassword).one("h1").says("Devices")
			s.mails()
			b.open("/security/email", http.StatusOK).one("h1").says("Change your e-mail address")
			b.shoot("email-change")
			b.write("#email", newEmail)
			b.write("#password", adaPassword)
			b.follow(`main button[type="submit"]`).one("p", "class", "notice-text").says("We’ve e-mailed a link to " + newEmail + ". Open it to finish the change.")
			b.check("a mail is on its way")
			b.shoot("email-asked")
			link := s.link(s.mail())
			b.open(link, http.StatusOK).one("h1").says("Confirm your new e-mail address")
			b.check("confirm")
			b.shoot("email-confirm")
			b.write("#password", adaPassword)
			page := b.follow(`main button[type="submit"]`)
			page.one("h1").says("Security")
			page.one("p", "class", "notice-text").says("You’ve changed your e-mail address to " + newEmail + ". Use it to sign in from now on.")
			b.shoot("email-changed")
			s.refreshed(phone.refresh)
			list := s.mails()
			if list[0].To != adaEmail {
				list[0], list[1] = list[1], list[0]
			}
			b.open(s.link(list[0]), http.StatusOK).one("h1").says("Undo the change to your e-mail address?")
			b.check("undo")
			b.shoot("email-undo")
			b.follow(`main button[type="submit"]`).one("p", "class", "notice-text").says("Your e-mail address is " + adaEmail + " again.")
			b.shoot("email-undone")
			b.open("/devices", http.StatusOK).one("h1").says("Sign in")
			if faults := b.takeFaults(); len(faults) > 0 {
				t.Errorf("the browser complains: %q", faults)
			}
			b.open("/email/undo?token=used", http.StatusGone).one("h1").says("This link doesn’t work")
		})
	}
}
