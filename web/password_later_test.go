package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"latchkey/auth"
	"latchkey/auth/token"
	"latchkey/models"
	"latchkey/models/modelstest"
)

const offerText = "on the lists that attackers try first"

// An account whose password came before the list did signs in as ever. Its portal offers a change until that is done or put off.
func TestACommonPasswordIsOfferedAChange(t *testing.T) {
	modelstest.InTurnMigrated(t, func(t *testing.T, databaseURL string) {
		s := newSite(t, databaseURL)
		user, err := s.store.UserByEmail(t.Context(), adaEmail)
		if err != nil {
			t.Fatal(err)
		}
		const common = "PassWord1234"
		hash, err := s.auth.Hasher.Hash(t.Context(), common)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.store.ChangePassword(t.Context(), models.PasswordChange{
			UserID: user.ID, Hash: hash, At: s.clock.Now(), By: models.ActorOperator, Event: auth.NewEvent(models.EventPasswordReset, user.ID, auth.Caller{}, s.clock.Now()),
		}); err != nil {
			t.Fatal(err)
		}
		app := s.tryLogin(adaEmail, common, "phone")
		if app.status != http.StatusOK || strings.Contains(app.body, "attackers") {
			t.Errorf("an app: %d %s", app.status, app.body)
		}
		stolen := newPhone(t, app)
		copied := s.refreshed(stolen.refresh)

		b := s.browser()
		signIn := func() {
			t.Helper()
			b.expect(b.post("/login", url.Values{"email": {adaEmail}, "password": {common}}), http.StatusSeeOther, "/devices")
		}
		offered := func(path string, want bool) reply {
			t.Helper()
			r := b.get(path)
			if r.status != http.StatusOK || strings.Contains(r.body, offerText) != want {
				t.Errorf("%s: %d, want the offer: %v", path, r.status, want)
			}
			if set := strings.Join(r.header.Values("Set-Cookie"), " "); strings.Contains(set, "-password") {
				t.Errorf("%s: looking changes the offer: %q", path, set)
			}
			return r
		}
		signIn()
		for range 2 { // looking changes nothing
			if body := offered("/devices", true).body; !strings.Contains(body, `href="/security/password"`) || !strings.Contains(body, `action="/security/later"`) || !strings.Contains(body, "Not now") {
				t.Error("the offer leads nowhere")
			}
			offered("/activity?kind=sign-ins", true)
			offered("/security", true)
			offered("/security/password", false) // the form is there
		}
		if r := s.browser().get("/login"); strings.Contains(r.body, offerText) {
			t.Error("another browser is told")
		}
		b.expect(b.post("/security/later", url.Values{"next": {"/activity?kind=sign-ins"}}), http.StatusSeeOther, "/activity?kind=sign-ins")
		offered("/activity", false)
		offered("/devices", false)
		b.expect(b.post("/security/later", url.Values{"next": {"https://evil.example"}}), http.StatusSeeOther, "/devices")

		b.post("/logout", nil)
		signIn() // asks again
		offered("/devices", true)
		s.refreshed(copied.refresh)
		s.refused(stolen.refresh, token.ReasonReused)
		offered("/devices", false) // the theft comes first
		offered("/security", true)
		b.post("/devices/alerts/dismiss", url.Values{"seen": {"4000000000000000"}})
		offered("/devices", true)
		b.expect(b.post("/security", url.Values{"current_password": {common}, "new_password": {"a much finer day"}}), http.StatusSeeOther, "/devices")
		if body := b.get("/devices").body; strings.Contains(body, offerText) || !strings.Contains(body, "You’ve changed your password") {
			t.Error("the offer outlives the password")
		}
		b.post("/logout", nil)
		b.expect(b.post("/login", url.Values{"email": {adaEmail}, "password": {"a much finer day"}}), http.StatusSeeOther, "/devices")
		offered("/devices", false)
	})
}

// A guess tells nothing about the password, and the offer of one account is not shown to another.
func TestTheOfferBelongsToOneSignIn(t *testing.T) {
	s := newSite(t, modelstest.MigratedSQLite(t))
	b := s.browser()
	if r := b.post("/login", url.Values{"email": {adaEmail}, "password": {"password1234"}}); r.status != http.StatusUnprocessableEntity || strings.Contains(r.body, offerText) || strings.Contains(strings.Join(r.header.Values("Set-Cookie"), " "), "-password") {
		t.Errorf("a wrong password: %d %q", r.status, r.header.Values("Set-Cookie"))
	}
	user, err := s.store.UserByEmail(t.Context(), adaEmail)
	if err != nil {
		t.Fatal(err)
	}
	hash, err := s.auth.Hasher.Hash(t.Context(), "password1234")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.store.ChangePassword(t.Context(), models.PasswordChange{
		UserID: user.ID, Hash: hash, At: s.clock.Now(), By: models.ActorOperator, Event: auth.NewEvent(models.EventPasswordReset, user.ID, auth.Caller{}, s.clock.Now()),
	}); err != nil {
		t.Fatal(err)
	}
	b.expect(b.post("/login", url.Values{"email": {adaEmail}, "password": {"password1234"}}), http.StatusSeeOther, "/devices")
	if !strings.Contains(b.get("/devices").body, offerText) {
		t.Fatal("no offer")
	}
	s.addUser(eveEmail, evePassword)
	b.expect(b.post("/login", url.Values{"email": {eveEmail}, "password": {evePassword}}), http.StatusSeeOther, "/devices")
	if strings.Contains(b.get("/devices").body, offerText) {
		t.Error("eve is told about ada's password")
	}
}
