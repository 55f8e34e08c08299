package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"latchkey/auth/client"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// An app that has reached its limit signs in by the page, at a website and on a television; then it leads into the account.
func TestAnAppMakesRoomInARealBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("LEFT OUT: a short run does not test the portal in a browser")
	}
	chromium(t)
	modelstest.InTurnMigrated(t, func(t *testing.T, databaseURL string) {
		s := newSite(t, databaseURL, onLocalhost)
		s.URL = localhost(s.URL)
		notes := s.website("notes", "Notes", atHTTPS)
		s.limit("notes", 2, models.OnLimitRefuse)
		one := 1
		if _, err := s.auth.Clients.Add(t.Context(), client.Registration{Name: "Harbour TV", ID: "tv", DeviceGrant: true, Limits: client.Limits{MaxDevices: &one}}); err != nil {
			t.Fatal(err)
		}
		j := &appJourney{tab: openTab(t, s.URL, 390, false), s: s, notes: notes, board: notes, local: notes}
		j.trusts()
		old := newPhone(t, s.loginBy("notes", "Old phone"))
		s.clock.Advance(time.Hour)
		kept := newPhone(t, s.loginBy("notes", "Tablet"))
		tv := newPhone(t, s.loginBy("tv", "Living room"))

		// She cancels, and nothing has happened; then she chooses, with the keyboard alone, and goes on.
		j.starts(notes, http.StatusOK)
		page := j.types(adaEmail, adaPassword)
		if ids := page.offers(); len(ids) != 2 || ids[0] != old.id || !strings.Contains(page.text(), "You can use Notes on 2 devices at a time.") {
			t.Errorf("offered %v: %s", ids, page.text())
		}
		j.arrive("cancel", http.StatusOK, clicked(`[value="deny"]`)).one("h1").says("Notes")
		notes.refused("cancelled", "access_denied")
		old = s.refreshed(old.refresh)
		j.starts(notes, http.StatusOK)
		j.hit(`[value="allow"]`) // the browser holds the form back: none is chosen
		if at := j.address(); !strings.Contains(at, "/authorize?") {
			t.Errorf("without a choice: at %s", at)
		}
		j.hit(`label[for="replace-` + old.id + `"]`)
		j.allows(notes)
		signedIn := notes.signedIn(http.MethodGet)
		s.refused(old.refresh, "revoked")
		kept = s.refreshed(kept.refresh)

		// On a television.
		device, user := s.deviceCodes("tv")
		j.open("/device", http.StatusOK)
		j.write("#user_code", user)
		j.follow(`form[action="/device"] button[type="submit"]`).one("h1").says("Sign in to Harbour TV on your device?")
		j.hit(`label[for="replace-` + tv.id + `"]`)
		j.write("#current_password", adaPassword)
		j.arrive("allow the television", http.StatusOK, clicked(`[value="allow"]`)).one("h1").says("Go back to your device")
		if r := s.poll("tv", device); r.status != http.StatusOK {
			t.Errorf("%d %s", r.status, r.body)
		}
		s.refused(tv.refresh, "revoked")

		// The app leads to its own device, and to the sign-out of another one, which asks first.
		id := signedIn["sid"].(string)
		notes.shows(`<a id="go" href="` + s.URL + `/account?action=org.matrix.device_view&amp;device_id=` + id + `">Account</a> <a id="out" href="` +
			s.URL + `/account?action=org.matrix.device_delete&amp;device_id=` + kept.id + `">Sign out</a>`)
		j.arrive("the site of Notes", http.StatusOK, chromedp.Navigate(notes.URL))
		j.arrive("the device", http.StatusOK, clicked("#go")).one("h1").says("Notes on Linux")
		j.arrive("the site of Notes", http.StatusOK, chromedp.Navigate(notes.URL))
		j.arrive("the sign-out", http.StatusOK, clicked("#out")).one("h1").says("Sign out “Tablet”?")
		kept = s.refreshed(kept.refresh)
		j.follow(`form[action="/devices/` + kept.id + `/revoke"] button`)
		s.refused(kept.refresh, "revoked")

		// Signed out, she signs in as always and goes on.
		j.forgets()
		j.arrive("the site of Notes", http.StatusOK, chromedp.Navigate(notes.URL))
		j.arrive("the sign-in", http.StatusOK, clicked("#go")).one("h1").says("Sign in")
		j.types(adaEmail, adaPassword).one("h1").says("Notes on Linux")
		for _, fault := range j.complaints() {
			t.Errorf("the browser complains: %s", fault)
		}
	})
}
