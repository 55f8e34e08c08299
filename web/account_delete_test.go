package web_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/auth"
	"latchkey/auth/services"
	"latchkey/auth/token"
	"latchkey/models"
	"latchkey/models/modelstest"
	"latchkey/web"
)

// The whole journey: what is out at once, what within the bound, at two replicas and at another party's API.
func TestADeletedAccountIsOutEverywhere(t *testing.T) {
	modelstest.InTurnMigrated(t, func(t *testing.T, databaseURL string) {
		s := newPostOffice(t, databaseURL)
		replica := newReplica(t, databaseURL, func(a *services.Config, _ *web.Config) { a.Issuer, a.Now = s.URL, s.clock.Now })
		replica.clock = s.clock
		shop := newShop(t, s.site, nil)
		s.addUser("eve@example.com", evePassword)
		eve := newPhone(t, s.tryLogin("eve@example.com", evePassword, "phone"))
		b, other, p := s.signedIn(), s.signedIn(), s.login("phone")
		s.clock.Advance(time.Minute)
		s.browser().forget(adaEmail)
		s.browser().signUp2(adaEmail)
		var links []string
		for _, m := range s.mails() {
			if strings.Contains(m.Text, "token=") {
				links = append(links, s.link(m))
			}
		}
		if len(links) < 3 {
			t.Fatalf("links %q", links)
		}
		s.browser().forget("ADA@example.com") // waits when the account goes
		shop.becomes(http.StatusOK, "Bearer", p.access)
		b.shown("/security").one("a", "href", "/security/delete")
		question := b.shown("/security/delete").one("form", "action", "/security/delete")
		if !strings.Contains(question.text(), "Your apps may keep working for up to about 30 seconds") {
			t.Errorf("the question: %s", question.text())
		}
		b.expect(b.leave(" ADA@Example.com ", adaPassword), http.StatusSeeOther, "/login")

		told := b.shown("/login").one("div", "class", "notice", "tabindex", "-1").text()
		if !strings.Contains(told, "You’ve deleted your account, and every device was signed out.") || b.cookie("latchkey") != nil {
			t.Errorf("told %q; cookie %v", told, b.cookie("latchkey"))
		}
		other.expect(other.get("/devices"), http.StatusSeeOther, "/login")
		other.told("/login", "You’ve been signed out. Sign in again to continue.")
		for _, at := range []*site{s.site, replica} {
			at.refused(p.refresh, token.ReasonUnknownDevice)
			if r := at.request(http.MethodGet, "/api/devices", "", bearer(p.access)...); r.status != http.StatusUnauthorized || r.text(t, "code") != "invalid_token" {
				t.Errorf("devices: %d %s", r.status, r.body)
			}
			if r := at.request(http.MethodDelete, "/api/devices/current", "", bearer(p.access)...); r.status != http.StatusUnauthorized {
				t.Errorf("sign-out: %d %s", r.status, r.body)
			}
			if r := at.tryLogin(adaEmail, adaPassword, "phone"); r.status != http.StatusUnauthorized {
				t.Errorf("sign-in: %d %s", r.status, r.body)
			}
		}
		for _, link := range links {
			s.browser().dead("of a deleted account", link)
		}
		if r := s.postForm("/oauth/revoke", url.Values{"token": {p.refresh}}); r.status != http.StatusOK {
			t.Errorf("revocation: %d", r.status)
		}

		s.clock.Advance(time.Second)
		place := p.status(t)
		for _, at := range []*site{s.site, replica} {
			if _, bits := at.list(at.URL + "/statuslists/0"); !bits.Get(place.Index) || bits.Get(eve.status(t).Index) || count(bits) != 1 {
				t.Errorf("the status list: %d bits, this one %v", count(bits), bits.Get(place.Index))
			}
			if r := at.request(http.MethodGet, "/api/whoami", "", bearer(p.access)...); r.status != http.StatusUnauthorized {
				t.Errorf("whoami: %d %s", r.status, r.body)
			}
		}
		s.clock.Advance(31 * time.Second) // the bound
		shop.becomes(http.StatusUnauthorized, "Bearer", p.access)
		shop.becomes(http.StatusOK, "Bearer", eve.access)
		s.refreshed(eve.refresh)

		list := s.mails()
		if len(list) != 1 || list[0].To != adaEmail || list[0].Subject != "Your account was deleted" || strings.Contains(list[0].Text, "token=") || !strings.Contains(list[0].Text, "127.0.0.1") {
			t.Errorf("mails after the deletion: %+v", list)
		}
		if left := s.dump(); strings.Contains(left, adaEmail) || strings.Contains(left, p.id) {
			t.Errorf("left: %s", left)
		}

		b.expect(b.post("/signup", url.Values{"email": {adaEmail}, "password": {"a newer day at the sea"}}), http.StatusSeeOther, "/signup/sent")
		b.opened(s.link(s.mail()))
		b.expect(b.confirm("a newer day at the sea"), http.StatusSeeOther, "/devices")
		if n := len(b.shown("/devices").all("", "class", "device-name")); n != 1 {
			t.Errorf("the new account has %d devices", n)
		}
		if got := b.shown("/activity").texts("p", "class", "event-text"); len(got) != 2 || !slices.Contains(got, "Your account was created.") {
			t.Errorf("its activity: %q", got)
		}
		if list := s.mails(); len(list) != 0 {
			t.Errorf("its first sign-in is told of: %+v", list)
		}
		s.refused(p.refresh, token.ReasonUnknownDevice)

		s.clock.Advance(26 * time.Hour)
		for _, at := range []*site{s.site, replica} {
			if _, bits := at.list(at.URL + "/statuslists/0"); bits.Get(place.Index) {
				t.Error("the bit stays for ever")
			}
		}
	})
}

// signUp2 asks for an account with an address that has one.
func (b *browser) signUp2(email string) {
	b.t.Helper()
	b.expect(b.post("/signup", url.Values{"email": {email}, "password": {"nobody would guess it"}}), http.StatusSeeOther, "/signup/sent")
}

func TestWithoutMailAnAccountIsDeletedInSilence(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.signedIn()
		if strings.Contains(b.shown("/security/delete").one("form", "action", "/security/delete").text(), " mail") {
			t.Error("a mail is promised")
		}
		b.expect(b.leave(adaEmail, adaPassword), http.StatusSeeOther, "/login")
		b.told("/login", "You’ve deleted your account, and every device was signed out.")
		if _, err := s.auth.Operator.FindUser(t.Context(), adaEmail); auth.AsError(err).Kind != auth.KindNotFound {
			t.Errorf("the account is there: %v", err)
		}
		if n, err := s.store.CountUsers(t.Context()); err != nil || n != 0 {
			t.Errorf("%d accounts, %v", n, err)
		}
	}, func(a *services.Config, _ *web.Config) { a.StatusTTL = 0 })
}

func TestSupportStaffCannotLeaveBehindTheirBacksWhatTheyLookedAt(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.addUser("sam@example.com", evePassword)
		if err := s.auth.Operator.SetRole(t.Context(), "sam@example.com", models.RoleSupport); err != nil {
			t.Fatal(err)
		}
		sam, ada := s.browser(), s.signedIn()
		sam.signIn("sam@example.com", evePassword)
		u, err := s.auth.Operator.FindUser(t.Context(), adaEmail)
		if err != nil {
			t.Fatal(err)
		}
		sam.shown("/support?q=" + url.QueryEscape("ADA@example.com"))
		sam.shown("/support/users/" + u.ID.String())
		sam.shown("/security/delete").none("form", "action", "/security/delete")
		s.unchanged("a member of the staff who leaves", func() {
			if r := sam.leave("sam@example.com", evePassword); r.status != http.StatusForbidden || !strings.Contains(r.body, "remove the support role first") {
				t.Errorf("%d %s", r.status, r.body)
			}
		})
		if r := sam.download(evePassword); r.status != http.StatusOK || !strings.Contains(r.body, "support_looked") {
			t.Errorf("the data of a member of the staff: %d", r.status)
		}

		ada.expect(ada.leave(adaEmail, adaPassword), http.StatusSeeOther, "/login")
		for _, want := range []string{"As support, you searched for an account that has since been deleted.", "As support, you viewed the devices and activity of an account that has since been deleted."} {
			if got := sam.shown("/activity").texts("p", "class", "event-text"); !slices.Contains(got, want) {
				t.Errorf("sam's activity says %q", got)
			}
		}
		if r := sam.get("/support/users/" + u.ID.String()); r.status != http.StatusNotFound {
			t.Errorf("a look at a deleted account: %d", r.status)
		}

		s.addUser(adaEmail, adaPassword)
		again := s.signedIn()
		u, err = s.auth.Operator.FindUser(t.Context(), adaEmail)
		if err != nil {
			t.Fatal(err)
		}
		sam.shown("/support/users/" + u.ID.String())
		if err := s.auth.Operator.SetRole(t.Context(), "sam@example.com", models.RoleUser); err != nil {
			t.Fatal(err)
		}
		sam.expect(sam.leave("sam@example.com", evePassword), http.StatusSeeOther, "/login")
		if got := again.shown("/activity").texts("p", "class", "event-text"); !slices.Contains(got, "Support viewed your devices and activity.") {
			t.Errorf("the look is gone with who looked: %q", got)
		}
	})
}
