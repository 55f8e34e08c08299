package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/auth/token"
	"latchkey/models"
)

// stolen signs ada in on an app, and lets a thief's copy of its token be found out.
func (s *site) stolen(name string) phone {
	s.t.Helper()
	first := s.login(name)
	second := s.refreshed(first.refresh)
	s.refreshed(second.refresh)
	s.clock.Advance(time.Minute)
	s.refused(first.refresh, token.ReasonReused)
	s.clock.Advance(time.Minute)
	return first
}

func TestAWarningStaysUntilItIsDismissedByAPost(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.addUser("eve@example.com", evePassword)
		b, eve := s.signedIn(), s.browser()
		eve.signIn("eve@example.com", evePassword)
		b.shown("/devices").none("section", "aria-labelledby", "alerts")
		s.stolen("phone")
		for range 3 {
			alarm := b.shown("/devices").one("section", "aria-labelledby", "alerts")
			alarm.one("li").all("bdi")[0].says("phone")
		}
		eve.shown("/devices").none("section", "aria-labelledby", "alerts")
		other := s.signedIn()
		seen := b.shown("/devices").one("form", "method", "post", "action", "/devices/alerts/dismiss").one("input", "name", "seen").attr("value")

		s.unchanged("no moment", func() {
			for _, no := range []string{"", "x", "-1", "0"} {
				b.expect(b.post("/devices/alerts/dismiss", url.Values{"seen": {no}}), http.StatusSeeOther, "/devices")
			}
		})

		s.stolen("tablet") // after the page was shown: dismissing it does not hide this one
		b.expect(b.post("/devices/alerts/dismiss", url.Values{"seen": {seen}}), http.StatusSeeOther, "/devices")
		for _, who := range []*browser{b, other} {
			if got := who.shown("/devices").one("section", "aria-labelledby", "alerts").all("li"); len(got) != 1 || !strings.Contains(got[0].text(), "“tablet”") {
				t.Errorf("%d warnings stay", len(got))
			}
		}
		s.unchanged("no moment, an old one, or somebody else's", func() {
			for _, no := range []string{"", "x", "-1", "0", "1", seen, "99999999999999999999", "9007199254740993"} {
				b.post("/devices/alerts/dismiss", url.Values{"seen": {no}})
			}
			b.get("/devices/alerts/dismiss?seen=" + seen)
			b.post("/devices/alerts/dismiss", url.Values{"seen": {"4000000000000000"}}, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site")
		})
		eve.post("/devices/alerts/dismiss", url.Values{"seen": {"4000000000000000"}})
		b.shown("/devices").one("section", "aria-labelledby", "alerts")

		b.post("/devices/alerts/dismiss", url.Values{"seen": {"4000000000000000"}}) // a moment in the year 2096 dismisses what is there now
		b.shown("/devices").none("section", "aria-labelledby", "alerts")
		if n := len(b.shown("/activity?kind=warnings").all("li", "class", "event")); n != 2 {
			t.Errorf("the activity keeps %d warnings, want 2", n)
		}
		s.stolen("watch")
		b.shown("/devices").one("section", "aria-labelledby", "alerts").one("li").all("bdi")[0].says("watch")
	})
}

func TestABaseForkedThreeTimesWarnsQuietlyWhileTheDeviceIsIn(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b, p := s.signedIn(), s.login("phone")
		for i := range 3 {
			s.refreshed(p.refresh)
			s.clock.Advance(time.Minute)
			page := b.shown("/devices")
			if i < 2 {
				page.none("section", "aria-labelledby", "alerts-lost")
				continue
			}
			quiet := page.one("section", "aria-labelledby", "alerts-lost")
			quiet.one("h2").says("A device may have a connection problem")
			quiet.one("a", "href", "/devices/"+p.id+"/revoke")
			quiet.none("a", "href", "/security/secure")
			if strings.Contains(quiet.attr("class"), "theft") {
				t.Error("lost answers look like a theft")
			}
		}
		b.post("/devices/"+p.id+"/revoke", nil)
		b.shown("/devices").none("section", "aria-labelledby", "alerts-lost")
	})
}

func TestWhatEndedSaysWhyInWords(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.signedIn().post("/logout", nil)
		s.login("by an operator")
		if _, err := s.auth.Operator.SignOutUser(t.Context(), adaEmail); err != nil {
			t.Fatal(err)
		}
		s.stolen("stolen")
		s.login("by itself").signOut(s)
		s.clock.Advance(time.Second)
		b := s.signedIn()
		s.login("with the password")
		b.expect(b.post("/security", url.Values{"current_password": {adaPassword}, "new_password": {"a finer day on the lake"}}), http.StatusSeeOther, "/devices")
		s.clock.Advance(time.Second)
		b.post("/security", url.Values{"current_password": {"a finer day on the lake"}, "new_password": {adaPassword}})
		b.post("/devices/"+s.login("by me").id+"/revoke", nil)
		b.signIn(adaEmail, adaPassword) // replaces the sign-in of this browser

		list := b.shown("/devices").one("section", "aria-labelledby", "ended")
		got := map[string]string{}
		for _, row := range list.all("li", "class", "ending") {
			if name := row.one("", "class", "ending-name").text(); got[name] == "" { // the latest end of that name
				got[name] = row.one("p", "class", "ending-reason").text()
			}
		}
		for name, want := range map[string]string{
			"by an operator": "Signed out by an administrator.", "by itself": "Signed out on the device itself.", "by me": "Signed out by you.",
			"with the password": "Signed out when you changed your password.",
			"stolen":            "Signed out because its sign-in may have been copied.",
			"Firefox on Linux":  "Signed out when you signed in again in the same browser.",
		} {
			if got[name] != want {
				t.Errorf("%s: %q, want %q", name, got[name], want)
			}
		}

		s.clock.Advance(29 * 24 * time.Hour) // the phones' idle limit is 30 days, the browsers' one
		idle := s.browser()
		idle.signIn(adaEmail, adaPassword)
		s.login("left alone")
		s.clock.Advance(31 * 24 * time.Hour)
		b.signIn(adaEmail, adaPassword)
		reasons := b.shown("/devices").one("section", "aria-labelledby", "ended").texts("p", "class", "ending-reason")
		if !slices.Contains(reasons, "Signed out because it hadn’t been used for a long time.") {
			t.Errorf("after a month: %q", reasons)
		}
		s.clock.Advance(80 * 24 * time.Hour)
		b.signIn(adaEmail, adaPassword)
		b.shown("/devices").none("section", "aria-labelledby", "ended")
	})
}

// The owner's page, the support desk and the file with the account's data each tell what ended a device, of people of either role.
func TestEveryReasonIsTold(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b, sam := s.signedIn(), s.desk()
		for _, role := range []string{models.RoleUser, models.RoleSupport} {
			if err := s.auth.Operator.SetRole(t.Context(), adaEmail, role); err != nil {
				t.Fatal(err)
			}
			told, ended := map[string]models.EndReason{}, map[models.EndReason]models.Device{}
			for _, reason := range models.EndReasons {
				d := s.ended(reason)
				ended[reason] = d
				where := fmt.Sprintf("%s of a %s", reason, role)
				owner := b.shown("/devices").one("section", "aria-labelledby", "ended").all("p", "class", "ending-reason")[0].text()
				support := sam.shown("/support/users/"+d.UserID.String()).one("section", "aria-labelledby", "ended").all("td", "class", "desk-end")[0].text()
				support, _, _ = strings.Cut(support, ", ")
				for surface, text := range map[string]string{"owner: ": owner, "support: ": support} {
					if told[surface+text] != "" || text == "Signed out." || text == "Signed out" {
						t.Errorf("%s is told to %s%q, like %q", where, surface, text, told[surface+text])
					}
					told[surface+text] = reason
				}
			}
			file := b.download(adaPassword).body
			for reason, d := range ended {
				_, line, _ := strings.Cut(file, `{"id":"`+d.ID.String()+`"`)
				line, _, _ = strings.Cut(line, "\n")
				want := fmt.Sprintf(`"revoked_by":"%s","revoke_reason":"%s"`, d.RevokedBy, d.RevokeReason)
				if !strings.Contains(line, want) || !strings.Contains(line, `"state":"`+stateOf(reason)+`"`) {
					t.Errorf("%s of a %s is told in the file as %s", reason, role, line)
				}
			}
		}
	})
}

// ended is a phone of ada's that has just ended for a reason.
func (s *site) ended(reason models.EndReason) models.Device {
	s.t.Helper()
	s.addDevice("phone")
	d := s.live(adaEmail, "phone")
	e := models.Event{UserID: d.UserID, ID: uuid.New(), At: s.clock.Now(), Kind: models.EventDeviceRevoked, Actor: models.ActorOwner, Detail: string(reason)}
	if reason == models.RevokedByPasswordSet {
		e.Actor, e.Detail = models.ActorOperator, string(models.RevokedByPassword)
	}
	d, _, err := s.store.RevokeDevice(s.t.Context(), models.DeviceKey{UserID: d.UserID, ID: d.ID}, e)
	if err != nil {
		s.t.Fatal(err)
	}
	s.clock.Advance(time.Second)
	return d
}

func stateOf(reason models.EndReason) string {
	if reason == models.RevokedByExpiry || reason == models.RevokedByIdleness {
		return string(reason)
	}
	return "revoked"
}

// A browser of the support staff idles out after half an hour, and its own page says that moment: not one to come.
func TestAStaffBrowsersIdleEndIsPast(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		if err := s.auth.Operator.SetRole(t.Context(), adaEmail, models.RoleSupport); err != nil {
			t.Fatal(err)
		}
		s.signedIn()
		s.clock.Advance(2 * time.Hour)
		row := s.signedIn().shown("/devices").one("section", "aria-labelledby", "ended").one("li", "class", "ending")
		row.one("p", "class", "ending-reason").says("Signed out because it hadn’t been used for a long time.")
		if at := row.one("time").attr("datetime"); at != "2026-11-23T12:30:00Z" {
			t.Errorf("it ended at %s", at)
		}
	})
}

func TestAnUnknownDeviceLeadsToSecuringTheAccount(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b, p := s.signedIn(), s.login("phone")
		path := b.shown("/devices").one("a", "class", "unknown").attr("href")
		page := b.shown(path)
		page.one("h1").says("Don’t recognise “phone”?")
		form := page.one("form", "class", "decision", "method", "post", "action", path)
		form.one("button").says("Sign out and secure account")
		b.expect(b.post(form.attr("action"), nil), http.StatusSeeOther, "/security/secure")
		page = b.told("/security/secure", "You’ve signed out “phone” and ended everything since.")
		page.one("a", "href", "/security/password?next=%2Fsecurity%2Fsecure")
		s.refused(p.refresh, token.ReasonRevoked)
	})
}

func TestARegisteredAppIsShownByItsName(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		if err := s.store.AddClient(t.Context(), models.Client{ID: "app", Name: "Notes <for> Android", CreatedAt: s.clock.Now()}); err != nil {
			t.Fatal(err)
		}
		s.login("phone")
		s.signedIn().shown("/devices").one("section", "aria-labelledby", "apps").one("h3", "class", "group").says("Notes <for> Android 1")
	})
}

func TestAPageThatIsRefusedKeepsTheHeaderOfWhoIsSignedIn(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.signedIn()
		for name, r := range map[string]reply{
			"nothing there": b.get("/nothing"), "no method": b.do(http.MethodPut, "/devices", nil), "no device": b.get("/devices/" + noDevice + "/revoke"),
			"too much": b.post("/login", url.Values{"email": {strings.Repeat("a", 70000)}}),
		} {
			page := r.screen(t)
			page.one("p", "class", "whose").says("Signed in as " + adaEmail)
			page.one("main").one("a", "href", "/devices").says("Go to your devices")
			page.one("code", "id", "request").says(r.header.Get("X-Request-Id"))
			if r.status < 400 {
				t.Errorf("%s: %d", name, r.status)
			}
		}
		page := s.browser().get("/nothing").screen(t)
		page.none("p", "class", "whose")
		page.one("main").one("a", "href", "/login").says("Go to sign-in")
	})
}

func TestPagesAreCompressedAndTokensAreNot(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.signedIn()
		r := b.do(http.MethodGet, "/devices", nil, "Accept-Encoding", "gzip")
		if r.header.Get("Content-Encoding") != "gzip" || strings.Contains(r.body, "<h1>") {
			t.Errorf("the page comes as %q", r.header.Get("Content-Encoding"))
		}
		answer := s.postJSON("/api/login", map[string]string{"email": adaEmail, "password": adaPassword, "device_name": "phone"}, "Accept-Encoding", "gzip")
		if answer.header.Get("Content-Encoding") != "" || answer.text(t, "access_token") == "" {
			t.Errorf("tokens come as %q", answer.header.Get("Content-Encoding"))
		}
		for _, name := range numbered("phone %d", 20) { // too much to be left alone for being small
			s.addDevice(name)
		}
		list := s.request(http.MethodGet, "/api/devices", "", append(bearer(answer.text(t, "access_token")), "Accept-Encoding", "gzip")...)
		if len(list.body) < 4000 || list.header.Get("Content-Encoding") != "" {
			t.Errorf("the answer of an API comes as %q, %d bytes", list.header.Get("Content-Encoding"), len(list.body))
		}
	})
}

func TestAServerInTroubleOffersToTryAgain(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.signedIn()
		if err := s.store.Close(); err != nil {
			t.Fatal(err)
		}
		r := b.get("/activity?kind=devices")
		if r.status < http.StatusInternalServerError || r.header.Get("Retry-After") == "" {
			t.Errorf("%d, Retry-After %q", r.status, r.header.Get("Retry-After"))
		}
		page := r.screen(t)
		page.one("main").one("a", "class", "button").says("Try again")
		page.one("a", "href", "/activity?kind=devices")
		page.one("code", "id", "request").says(r.header.Get("X-Request-Id"))
	})
}
