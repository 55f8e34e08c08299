package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"latchkey/auth/client"
	"latchkey/auth/services"
	"latchkey/models"
	"latchkey/web"
)

// limit gives a client a limit for its devices.
func (s *site) limit(id string, most int, onLimit string) {
	s.t.Helper()
	if _, err := s.auth.Clients.Update(s.t.Context(), id, client.Change{Limits: client.Limits{MaxDevices: &most, OnLimit: &onLimit}}); err != nil {
		s.t.Fatal(err)
	}
}

// offers are the ids of the devices that a page offers to sign out.
func (s screen) offers() (ids []string) {
	for _, e := range s.all("input", "name", "replace") {
		ids = append(ids, e.attr("value"))
	}
	return ids
}

func TestAPersonMakesRoomForAnAppInTheBrowser(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.addNotes()
		s.limit("notes", 2, models.OnLimitRefuse)
		if _, err := s.auth.Clients.Add(t.Context(), client.Registration{Name: "Board", ID: "board"}); err != nil {
			t.Fatal(err)
		}
		old := newPhone(t, s.loginBy("notes", "old <phone>"))
		s.clock.Advance(time.Hour)
		kept, other := newPhone(t, s.loginBy("notes", "tablet")), newPhone(t, s.loginBy("board", "of another app"))
		b := s.signedIn()
		page := b.asks()
		shown := b.shown(page)
		if ids := shown.offers(); len(ids) != 2 || ids[0] != old.id || ids[1] != kept.id {
			t.Fatalf("offered %v", ids)
		}
		for _, e := range shown.all("input", "name", "replace") {
			if _, chosen := e.lookup("checked"); chosen {
				t.Error("a device is chosen already")
			}
		}
		text := shown.one("main").text()
		for _, want := range []string{"You can use Notes on 2 devices at a time.", "old <phone>", "tablet", "Active 1 hour ago", "Sign it out and continue"} {
			if !strings.Contains(text, want) {
				t.Errorf("the page does not say %q: %s", want, text)
			}
		}
		if strings.Contains(text, "of another app") {
			t.Error("a device of another app is shown")
		}
		for _, e := range b.shown(page+"&replace="+old.id).all("input", "name", "replace") {
			if _, chosen := e.lookup("checked"); chosen {
				t.Error("a link chooses a device")
			}
		}
		for name, id := range map[string]string{"nothing": "", "another app's": other.id, "no device": noDevice, "a word": "<b>"} {
			r := b.allows(page, "replace", id, "device_name", "Notes here")
			refused := r.screen(t)
			if r.status != http.StatusUnprocessableEntity || !strings.Contains(refused.one("main").text(), "Choose the device to sign out.") || len(refused.offers()) != 2 {
				t.Errorf("%s: %d to %q", name, r.status, r.header.Get("Location"))
			}
		}
		if v := b.answered(b.allows(page, "choice", "deny", "replace", old.id), notesURI); v.Get("error") != "access_denied" {
			t.Errorf("cancelled: %v", v)
		}
		old = s.refreshed(old.refresh)
		code := b.answered(b.allows(page, "replace", old.id), notesURI).Get("code")
		old = s.refreshed(old.refresh) // until the app takes its tokens
		r := s.redeem(code)
		if r.status != http.StatusOK {
			t.Fatalf("%d %s", r.status, r.body)
		}
		s.refused(old.refresh, "revoked")
		kept, other = s.refreshed(kept.refresh), s.refreshed(other.refresh)
		silently := func() url.Values {
			return b.answered(b.get("/oauth/authorize?"+asked("prompt", "none").Encode()), notesURI)
		}
		if v := silently(); v.Get("error") != "interaction_required" {
			t.Errorf("without a page, at the limit: %v", v)
		}
		s.signOut("the tablet", kept.refresh)
		if v := silently(); s.redeem(v.Get("code")).status != http.StatusOK {
			t.Errorf("without a page, with room: %v", v)
		}
		s.refreshed(newPhone(t, r).refresh)
		if e := s.eventsOf(adaEmail); countKind(e, models.EventDeviceRevoked) != 1 {
			t.Errorf("%+v", e)
		}
		if story := b.shown("/devices/" + old.id).one("main").text(); !strings.Contains(story, "make room") {
			t.Errorf("the device does not say why it ended: %s", story)
		}
	})
}

// The form keeps what was chosen while it asks for the rest, and a code of the place that is taken ends in an error of OAuth.
func TestARoomIsLostToAnother(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.addNotes()
		s.limit("notes", 1, models.OnLimitRefuse)
		first := newPhone(t, s.loginBy("notes", "first"))
		b := s.signedIn()
		s.clock.Advance(15 * time.Minute)
		page := b.asks()
		r := b.allows(page, "replace", first.id, "current_password", "not hers")
		picked := r.screen(t).one("input", "name", "replace")
		if _, chosen := picked.lookup("checked"); r.status != http.StatusUnprocessableEntity || !chosen || picked.attr("value") != first.id {
			t.Errorf("the choice is lost: %d", r.status)
		}
		code := b.answered(b.allows(page, "replace", first.id, "current_password", adaPassword), notesURI).Get("code")
		s.signOut("itself", first.refresh)
		second := newPhone(t, s.loginBy("notes", "second"))
		if r := s.redeem(code); r.status != http.StatusBadRequest || r.text(t, "error") != "invalid_grant" || !strings.Contains(r.text(t, "error_description"), "too many devices") {
			t.Errorf("%d %s", r.status, r.body)
		}
		s.signOut("itself", s.refreshed(second.refresh).refresh)
		if r := s.redeem(code); r.status != http.StatusOK {
			t.Errorf("with room again: %d %s", r.status, r.body)
		}
	})
}

func TestAnAccountFullOfOtherAppsIsLedToItsDevices(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.addNotes()
		tv := s.television()
		other := newPhone(t, s.loginBy("tv", "phone"))
		b := s.signedIn()
		page := b.asks()
		shown := b.shown(page)
		if len(shown.offers()) > 0 || len(shown.all("input", "name", "device_name")) > 0 || len(shown.one("main").all("a", "href", "/devices")) != 1 || strings.Contains(shown.one("main").text(), "phone") {
			t.Errorf("%s", shown.one("main").text())
		}
		b.expect(b.allows(page, "replace", other.id), http.StatusSeeOther, page)
		s.refreshed(other.refresh)
		if v := b.answered(b.allows(page, "choice", "deny"), notesURI); v.Get("error") != "access_denied" {
			t.Errorf("cancelled: %v", v)
		}
		s.limit("tv", 1, models.OnLimitRefuse)
		device, user := s.deviceCodes(tv)
		ask := b.post("/device", url.Values{"user_code": {user}}).header.Get("Location")
		if ids := b.shown(ask).offers(); len(ids) != 1 || ids[0] != other.id {
			t.Errorf("offered %v", ids)
		}
		form := url.Values{"request": {strings.TrimPrefix(ask, "/device?request=")}, "choice": {"allow"}, "device_name": {"Big screen"}, "current_password": {adaPassword}}
		if r := b.post("/device", form); r.status != http.StatusUnprocessableEntity || !strings.Contains(r.body, "Choose the device to sign out.") {
			t.Errorf("no choice: %d", r.status)
		}
		form.Set("replace", other.id)
		b.expect(b.post("/device", form), http.StatusSeeOther, ask)
		b.shown(ask).one("h1").says("Go back to your device")
		if r := s.poll(tv, device); r.status != http.StatusOK || r.text(t, "device_name") != "Big screen" {
			t.Errorf("%d %s", r.status, r.body)
		}
	}, func(a *services.Config, _ *web.Config) { a.MaxDevices = 1 })
}
