package web_test

import (
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"latchkey/models"
)

// The owner sees the address that waits, has the mail sent once more by the form that asks, and cancels the change, which ends the link.
func TestAPendingChangeOfAddressIsShownSentAgainAndCancelled(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		s.addUser(eveEmail, evePassword)
		b, eve := s.signedIn(), s.browser()
		eve.signIn(eveEmail, evePassword)
		waits := func(b *browser) int { return len(b.shown("/security").all("form", "action", "/security/email/cancel")) }
		if n := waits(b); n != 0 {
			t.Fatalf("%d changes wait before any was asked for", n)
		}
		s.unchanged("there is nothing to cancel", func() {
			b.expect(b.post("/security/email/cancel", nil), http.StatusSeeOther, "/security")
		})
		b.told("/security", "There was no change to cancel. It may have been confirmed or cancelled already.")

		links := []string{s.moving(b, newEmail, adaPassword)}
		b.shown("/devices") // the first use of the cookie that the request gave
		row := b.shown("/security").one("li", "class", "pending")
		row.one("p", "class", "row-title").says("Your e-mail address will change to " + newEmail + " once you confirm.")
		row.one("time", "datetime", s.clock.Now().Add(24*time.Hour).UTC().Format(time.RFC3339))
		form := b.shown(row.one("a").attr("href")).one("form", "action", "/security/email")
		form.one("input", "name", "email", "value", newEmail)
		form.one("input", "name", "password", "type", "password")
		if r := b.move(newEmail, "not her password"); r.status != http.StatusUnprocessableEntity {
			t.Errorf("sent again without the password: %d", r.status)
		}
		links = append(links, s.moving(b, newEmail, adaPassword))
		b.shown("/devices")
		if n := waits(b); n != 1 {
			t.Errorf("sent again: %d changes wait", n)
		}

		s.unchanged("another account, and a form made for another account, cancel nothing", func() {
			eve.expect(eve.post("/security/email/cancel", nil), http.StatusSeeOther, "/security")
			if r := b.post("/security/email/cancel", url.Values{"account": {eve.account()}}); r.status != http.StatusConflict {
				t.Errorf("made for another account: %d", r.status)
			}
		})
		for range 2 { // the button pressed twice
			b.expect(b.post("/security/email/cancel", nil), http.StatusSeeOther, "/security")
		}
		if got := b.shown("/activity").texts("p", "class", "event-text"); s.acts(models.EventEmailCancelled) != 1 ||
			!slices.Contains(got, "You cancelled a change of your e-mail address before it was confirmed.") {
			t.Errorf("%d events, the activity says %q", s.acts(models.EventEmailCancelled), got)
		}
		if n := waits(b); n != 0 || s.email() != adaEmail {
			t.Errorf("after it was cancelled %d changes wait, and the address is %s", n, s.email())
		}
		s.unchanged("a cancelled link", func() {
			for _, link := range links {
				s.browser().dead("cancelled", link)
			}
		})

		for what, ends := range map[string]func(){
			"it has expired": func() {
				for range 2 {
					s.clock.Advance(12 * time.Hour)
					b.shown("/devices")
				}
			},
			"it was confirmed": func() {
				link, other := s.moving(b, "ada2@example.net", adaPassword), s.browser()
				other.opened(link)
				other.expect(other.settle(adaPassword), http.StatusSeeOther, "/security")
			},
		} {
			s.moving(b, newEmail, adaPassword)
			b.shown("/devices")
			if ends(); waits(b) != 0 {
				t.Errorf("%s, and still waits", what)
			}
		}
	})
}
