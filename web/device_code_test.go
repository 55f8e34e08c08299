package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"latchkey/auth/client"
)

const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

// television registers a client with the device grant.
func (s *site) television() string {
	s.t.Helper()
	c, err := s.auth.Clients.Add(s.t.Context(), client.Registration{Name: "Harbour TV", ID: "tv", DeviceGrant: true})
	if err != nil {
		s.t.Fatal(err)
	}
	return c.ID
}

// deviceCodes starts a sign-in on a television.
func (s *site) deviceCodes(clientID string, more ...string) (device, user string) {
	s.t.Helper()
	form := url.Values{"client_id": {clientID}, "device_name": {"Living room"}}
	for i := 0; i < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	r := s.postForm("/oauth/device_authorization", form)
	if r.status != http.StatusOK {
		s.t.Fatalf("%d %s", r.status, r.body)
	}
	return r.text(s.t, "device_code"), r.text(s.t, "user_code")
}

func (s *site) poll(clientID, code string) reply {
	s.t.Helper()
	return s.postForm("/oauth/token", url.Values{"grant_type": {deviceGrant}, "device_code": {code}, "client_id": {clientID}})
}

func TestAPersonSignsATelevisionIn(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		tv := s.television()
		device, user := s.deviceCodes(tv, "scope", "openid")
		pollFor := func(want string) {
			t.Helper()
			if r := s.poll(tv, device); r.status != http.StatusBadRequest || r.text(t, "error") != want {
				t.Errorf("%d %s, want %s", r.status, r.body, want)
			}
		}
		pollFor("authorization_pending")

		// Who is not signed in signs in first and comes back with the code, which a link fills in and never sends.
		b := s.browser()
		link := "/device?user_code=" + user
		b.expect(b.get(link), http.StatusSeeOther, "/login?next="+url.QueryEscape(link))
		b.expect(b.post("/login", url.Values{"email": {adaEmail}, "password": {adaPassword}, "next": {link}}), http.StatusSeeOther, link)
		page := b.shown(link)
		if got := page.one("input", "name", "user_code").attr("value"); got != user {
			t.Errorf("the field has %q", got)
		}
		if r := b.post("/device", url.Values{"user_code": {"BCDF-GHJK"}}); r.status != http.StatusUnprocessableEntity || !strings.Contains(r.body, "We don’t know this code") {
			t.Errorf("an unknown code: %d", r.status)
		}
		enter := func(code string) (ask string) {
			t.Helper()
			r := b.post("/device", url.Values{"user_code": {strings.ToLower(strings.ReplaceAll(code, "-", ""))}})
			if ask = r.header.Get("Location"); r.status != http.StatusSeeOther || !strings.HasPrefix(ask, "/device?request=") {
				t.Fatalf("%d to %q\n%s", r.status, ask, r.body)
			}
			return ask
		}
		ask := enter(user)
		page = b.shown(ask)
		for _, text := range []string{"Sign in to Harbour TV on your device?", user, "same network as this browser", "If someone read or sent you the code", "recognise your account"} {
			if !strings.Contains(page.one("main").text(), text) {
				t.Errorf("the page does not say %q", text)
			}
		}
		if got := page.one("input", "name", "device_name").attr("value"); got != "Living room" {
			t.Errorf("the name is %q", got)
		}
		form := filled(page.one("form", "action", "/device"), "not the password")
		form.Set("choice", "allow")
		if r := b.post("/device", form); r.status != http.StatusUnprocessableEntity || !strings.Contains(r.body, "The device wasn’t signed in.") {
			t.Errorf("a wrong password: %d", r.status)
		}
		form.Set("current_password", adaPassword)
		for name, header := range map[string]string{"another site": "https://evil.example", "a page without an origin": "null"} {
			if r := b.post("/device", form, "Origin", header); r.status != http.StatusForbidden {
				t.Errorf("from %s: %d", name, r.status)
			}
		}
		s.addUser(eveEmail, evePassword)
		eve := s.browser()
		eve.expect(eve.post("/login", url.Values{"email": {eveEmail}, "password": {evePassword}}), http.StatusSeeOther, "/devices")
		if r := eve.post("/device", form); r.status != http.StatusConflict {
			t.Errorf("ada's form in eve's browser: %d", r.status)
		}
		eve.expect(eve.get(ask), http.StatusSeeOther, "/device") // the page is for the account that entered the code
		forged := url.Values{"request": form["request"], "choice": {"allow"}, "device_name": {"mine"}, "current_password": {evePassword}}
		eve.expect(eve.post("/device", forged), http.StatusSeeOther, ask)
		s.clock.Advance(10 * time.Second)
		pollFor("authorization_pending")

		form.Set("device_name", "Big screen")
		b.expect(b.post("/device", form), http.StatusSeeOther, ask)
		b.shown(ask).one("h1").says("Go back to your device")
		phone := newPhone(t, s.poll(tv, device))
		if phone.name != "Big screen" || s.poll(tv, device).text(t, "id_token") == "" {
			t.Errorf("%+v", phone)
		}
		story := b.shown("/devices/" + phone.id).one("main").text()
		if !strings.Contains(story, "Harbour TV") || !strings.Contains(story, "Firefox on Linux") {
			t.Errorf("the device's page: %s", story)
		}

		// A denial needs no password.
		device, user = s.deviceCodes(tv)
		ask = enter(user)
		form = url.Values{"request": {strings.TrimPrefix(ask, "/device?request=")}, "choice": {"deny"}}
		b.expect(b.post("/device", form), http.StatusSeeOther, ask)
		b.shown(ask).one("h1").says("You denied the request")
		pollFor("access_denied")
		form.Set("choice", "allow")
		form.Set("current_password", adaPassword)
		form.Set("device_name", "x")
		b.expect(b.post("/device", form), http.StatusSeeOther, ask)
		pollFor("access_denied")

		_, user = s.deviceCodes(tv)
		ask = enter(user)
		s.clock.Advance(10 * time.Minute)
		b.shown(ask).one("h1").says("This code has expired")
		if log := s.log.String(); strings.Contains(log, device) || strings.Contains(log, user) {
			t.Error("a code is in the log")
		}
	})
}
