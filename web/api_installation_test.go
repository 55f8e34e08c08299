package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"latchkey/auth/services"
	"latchkey/models"
	"latchkey/web"
)

const (
	installationID      = "c56a4180-65aa-42ec-a945-5fd21dec0538"
	otherInstallationID = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
)

// tryInstalled signs ada in by an app that names its installation, with what more it sends.
func (s *site) tryInstalled(name, installation string, more ...string) reply {
	s.t.Helper()
	body := map[string]string{"email": adaEmail, "password": adaPassword, "device_name": name, "installation_id": installation}
	for i := 0; i < len(more); i += 2 {
		body[more[i]] = more[i+1]
	}
	return s.postJSON("/api/login", body)
}

// installed is a phone that signed in with tryInstalled.
func (s *site) installed(name, installation string, more ...string) phone {
	s.t.Helper()
	r := s.tryInstalled(name, installation, more...)
	if r.status != http.StatusOK {
		s.t.Fatalf("%d %s", r.status, r.body)
	}
	return newPhone(s.t, r)
}

func oneDevice(a *services.Config, _ *web.Config) { a.MaxDevices = 1 }

// An app signs in once more on its phone, which has all the places that there are, and which its owner has renamed.
func TestAnAppTakesItsOldPlaceAndName(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		first := s.installed("phone", installationID)
		s.clock.Advance(time.Hour)
		b := s.signedIn()
		b.expect(b.post("/devices/"+first.id+"/rename", url.Values{"name": {"Ada’s phone"}}), http.StatusSeeOther, "/devices")
		first = s.refreshed(first.refresh)
		s.mails()

		second := s.installed("iPhone", strings.ToUpper(installationID), "old_refresh_token", first.refresh)
		if second.name != "Ada’s phone" || second.id == first.id {
			t.Errorf("%q %s", second.name, second.id)
		}
		s.refused(first.refresh, "revoked")
		if r := s.request(http.MethodGet, "/api/devices", "", bearer(first.access)...); r.status != http.StatusUnauthorized {
			t.Errorf("the old access token: %d", r.status)
		}
		second = s.refreshed(second.refresh)
		if d := s.live(adaEmail, "Ada’s phone"); !d.CreatedAt.Equal(s.clock.Now()) {
			t.Errorf("signed in at %s", d.CreatedAt)
		}
		e := s.eventsOf(adaEmail)
		if countKind(e, models.EventDeviceReplaced) != 1 || countKind(e, models.EventDeviceRevoked)+countKind(e, models.EventSignOut) != 0 {
			t.Errorf("%+v", e)
		}
		m := s.mail()
		if m.Subject != "Signed in again: “Ada’s phone”" || !strings.Contains(m.Text, "on the same phone as before") {
			t.Errorf("%q\n%s", m.Subject, m.Text)
		}
		page := b.shown("/devices")
		if names := page.texts("h4", "class", "device-name"); len(names) != 1 || names[0] != "Ada’s phone" {
			t.Errorf("%q", names)
		}
		page.none("p", "class", "same-phone")
		page.one("p", "class", "ending-reason").says("Signed out when the app signed in again on the same phone.")

		guest := s.browser()
		guest.opened(s.link(m))
		guest.expect(guest.post("/not-me", nil), http.StatusSeeOther, guest.links["/not-me"])
		s.refused(second.refresh, "revoked")
	}, oneDevice)
}

// Without the proof the old device stays, and the list says what may be. Its button signs the old one out.
func TestWithoutAProofBothDevicesStay(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.addUser("eve@example.com", evePassword)
		eve := newPhone(t, s.postJSON("/api/login", map[string]string{"email": "eve@example.com", "password": evePassword, "device_name": "eve’s", "installation_id": installationID}))
		first := s.installed("phone", installationID)
		s.clock.Advance(time.Minute)
		s.installed("tablet", otherInstallationID)
		s.login("phone without")
		used, old := first.refresh, s.refreshed(first.refresh)
		for name, proof := range map[string][]string{
			"none": nil, "no token": {"old_refresh_token", "x"}, "another account's": {"old_refresh_token", eve.refresh}, "a used one": {"old_refresh_token", used},
			"an access token": {"old_refresh_token", old.access}, "a very long one": {"old_refresh_token", strings.Repeat("lk1.", 5000)},
		} {
			s.clock.Advance(time.Minute)
			r := s.tryInstalled("phone", installationID, proof...)
			if r.status != http.StatusOK || r.text(t, "device_name") != "phone (2)" || len(r.json(t)) != 7 {
				t.Fatalf("%s: %d %s", name, r.status, r.body)
			}
			b := s.signedIn()
			hint := b.shown("/devices").one("p", "class", "same-phone")
			hint.says("May be the same phone as “phone”. Sign out “phone”")
			hint.one("a", "href", "/devices/"+first.id+"/revoke")
			b.post("/devices/"+r.text(t, "device_id")+"/revoke", nil)
			b.post("/logout", nil)
		}
		old = s.refreshed(old.refresh)
		s.refreshed(eve.refresh)
		if e := s.eventsOf(adaEmail); countKind(e, models.EventDeviceReplaced)+countKind(e, models.EventDeviceReused) != 0 {
			t.Errorf("%+v", e)
		}

		third := s.installed("phone", installationID)
		b := s.signedIn()
		b.expect(b.post("/devices/"+first.id+"/revoke", nil), http.StatusSeeOther, "/devices")
		b.shown("/devices").none("p", "class", "same-phone")
		s.refused(old.refresh, "revoked")
		s.refreshed(third.refresh)
	})
}

func TestAnInstallationThatIsNoneIsRefused(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.addNotes()
		tv := s.television()
		for _, id := range []string{
			"x", "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff", "{" + installationID + "}", "urn:uuid:" + installationID, strings.ReplaceAll(installationID, "-", ""),
			installationID + " ", installationID + "\n", strings.Repeat("0", 5000), "c56a4180-65aa-42ec-a945-5fd21dec053g",
		} {
			refusal := s.tryInstalled("phone", id)
			refusal.wants(t, id, http.StatusUnprocessableEntity, "invalid_request")
			if !strings.Contains(refusal.body, "must be a UUID") || strings.Contains(refusal.body, id) && id != "x" {
				t.Errorf("%s", refusal.body)
			}
			s.postForm("/oauth/par", asked("installation_id", id)).wantsOAuth(t, id, "invalid_request")
			s.postForm("/oauth/token", url.Values{"grant_type": {deviceGrant}, "device_code": {"x"}, "client_id": {tv}, "installation_id": {id}}).wantsOAuth(t, id, "invalid_request")
		}
		if n := s.count("SELECT count(*) FROM devices"); n != 0 {
			t.Errorf("%d devices", n)
		}
		s.postForm("/oauth/device_authorization", url.Values{"client_id": {tv}, "installation_id": {installationID}}).wantsOAuth(t, "before the person", "invalid_request")
	})
}

// In a URL the id is refused wherever it may be sent: proxies log URLs, and browsers keep them.
func TestAnInstallationInAURLIsRefused(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.addNotes()
		in := "?installation_id=" + installationID
		login := map[string]string{"email": adaEmail, "password": adaPassword, "device_name": "phone"}
		var replies []reply
		for _, r := range []reply{s.postJSON("/api/login"+in, login), s.postJSON("/api/login/passkey"+in, login), s.postJSON("/api/login?old_refresh_token=x", login)} {
			r.wants(t, "in a URL", http.StatusBadRequest, "invalid_request")
			replies = append(replies, r)
		}
		code := url.Values{"grant_type": {"authorization_code"}, "code": {"x"}, "client_id": {"notes"}, "redirect_uri": {notesURI}, "code_verifier": {grantVerifier}}
		for _, r := range []reply{s.postForm("/oauth/token"+in, code), s.postForm("/oauth/par"+in, asked())} {
			r.wantsOAuth(t, "in a URL", "invalid_request")
			replies = append(replies, r)
		}
		b := s.signedIn()
		pushed := s.postForm("/oauth/par", asked("installation_id", installationID)).text(t, "request_uri")
		for _, request := range []url.Values{asked("installation_id", installationID), {"client_id": {"notes"}, "request_uri": {pushed}, "installation_id": {installationID}}} {
			for _, r := range []reply{b.get("/oauth/authorize?" + request.Encode()), b.post("/oauth/authorize", request)} {
				if r.status != http.StatusBadRequest || !strings.Contains(r.body, "never goes into a URL") {
					t.Errorf("%d %s", r.status, r.body)
				}
				replies = append(replies, r)
			}
		}
		for _, r := range replies {
			if strings.Contains(r.body+r.header.Get("Location"), installationID) {
				t.Errorf("the answer repeats it: %s", r.body)
			}
		}
		if n := s.count("SELECT count(*) FROM devices WHERE kind = 'app'"); n != 0 || strings.Contains(s.log.String(), installationID) {
			t.Errorf("%d devices\n%s", n, s.log.String())
		}
	})
}
