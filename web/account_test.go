package web_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/auth"
	"latchkey/models"
	"latchkey/models/modelstest"
	"latchkey/web"
)

// accountFile is the file with an account's data, read as README.md describes it.
type accountFile struct {
	Format     string
	Version    int
	ExportedAt time.Time `json:"exported_at"`
	Profile    struct {
		Subject           string `json:"sub"`
		Email, Role       string
		CreatedAt         time.Time `json:"created_at"`
		PasswordChangedAt time.Time `json:"password_changed_at"`
		FormerAddresses   []struct {
			Email  string
			LeftAt time.Time `json:"left_at"`
			Until  time.Time
		} `json:"former_addresses"`
	}
	Devices []map[string]any
	Events  []map[string]any
}

func (b *browser) download(password string) reply {
	b.t.Helper()
	return b.post("/security/data", url.Values{"current_password": {password}})
}

func (b *browser) leave(email, password string) reply {
	b.t.Helper()
	return b.post("/security/delete", url.Values{"email": {email}, "current_password": {password}})
}

func TestThePersonsDataHoldsWhatTheAccountDid(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.addUser("eve@example.com", evePassword)
		s.tryLogin("eve@example.com", evePassword, "eves own phone")
		b := s.signedIn()
		live, dead := s.login(evil), s.login("phone")
		b.expect(b.post("/devices/"+dead.id+"/revoke", nil), http.StatusSeeOther, "/devices")
		s.clock.Advance(2 * time.Hour)
		s.tryLogin(adaEmail, "a wrong password", "x")
		s.clock.Advance(90 * time.Minute)
		b.shown("/security").one("a", "href", "/security/data")
		b.shown("/security/data").one("form", "action", "/security/data")

		r := b.download(adaPassword)
		if r.status != http.StatusOK || r.header.Get("Content-Type") != jsonType || r.header.Get("Cache-Control") != "no-store" ||
			r.header.Get("X-Content-Type-Options") != "nosniff" || r.header.Get("Content-Disposition") != `attachment; filename="latchkey-data-2026-11-23.json"` {
			t.Fatalf("%d %v", r.status, r.header)
		}
		var got accountFile
		d := json.NewDecoder(strings.NewReader(r.body))
		d.DisallowUnknownFields()
		if err := d.Decode(&got); err != nil {
			t.Fatal(err)
		}
		ada, err := s.auth.FindUser(t.Context(), adaEmail)
		if err != nil {
			t.Fatal(err)
		}
		p := got.Profile
		if got.Format != "latchkey account data" || got.Version != 1 || !got.ExportedAt.Equal(s.clock.Now()) || p.Subject != ada.ID.String() || p.Email != adaEmail ||
			p.Role != "user" || !p.CreatedAt.Equal(ada.CreatedAt) || !p.PasswordChangedAt.Equal(ada.PasswordChangedAt) {
			t.Errorf("%+v", got)
		}
		browser := s.live(adaEmail, "Firefox on Linux").ID.String()
		began, later := "2026-11-23T12:00:00Z", "2026-11-23T15:30:00Z"
		device := func(id, name, kind, client, state string, more map[string]any) map[string]any {
			m := map[string]any{
				"id": id, "name": name, "kind": kind, "client_id": client, "current": false, "created_at": began, "last_seen_at": began, "last_ip": "127.0.0.1",
				"user_agent": "Go-http-client/1.1", "expires_at": "2027-02-21T12:00:00Z", "state": state, "created_ip": "127.0.0.1", "jkt": "", "revoked_at": nil, "revoked_by": "", "revoke_reason": "",
			}
			for k, v := range more {
				m[k] = v
			}
			return m
		}
		want := []map[string]any{
			device(browser, "Firefox on Linux", "browser", "", "live", map[string]any{
				"current": true, "user_agent": firefox, "expires_at": "2026-12-23T12:00:00Z", "last_seen_at": later,
			}),
			device(live.id, evil, "app", "app", "live", nil),
			device(dead.id, "phone", "app", "app", "revoked", map[string]any{"revoked_at": began, "revoked_by": "owner", "revoke_reason": "revoked"}),
		}
		byName := func(a, b map[string]any) int { return strings.Compare(a["name"].(string), b["name"].(string)) }
		slices.SortFunc(want, byName)
		slices.SortFunc(got.Devices, byName)
		if diff := cmp.Diff(want, got.Devices); diff != "" {
			t.Errorf("devices: %s", diff)
		}
		line := func(at, kind, actor, device, name, agent, detail string) map[string]any {
			var id any
			if device != "" {
				id = device
			}
			return map[string]any{"at": at, "kind": kind, "actor": actor, "device_id": id, "device_name": name, "ip": "127.0.0.1", "user_agent": agent, "detail": detail}
		}
		app := "Go-http-client/1.1"
		events := []map[string]any{
			line(later, "data_downloaded", "owner", browser, "Firefox on Linux", firefox, ""),
			line("2026-11-23T14:00:00Z", "sign_in_failed", "system", "", "", app, ""),
			line(began, "device_revoked", "owner", dead.id, "phone", firefox, "revoked"),
			line(began, "sign_in", "owner", dead.id, "phone", app, ""),
			line(began, "sign_in", "owner", live.id, evil, app, ""),
			line(began, "sign_in", "owner", browser, "Firefox on Linux", firefox, ""),
			line(began, "account_created", "operator", "", "", "", ""),
		}
		events[6]["ip"] = ""
		// Of one moment, in any order.
		sorted := func(list []map[string]any) []map[string]any {
			list = slices.Clone(list)
			slices.SortFunc(list, func(a, b map[string]any) int { return strings.Compare(fmt.Sprint(b["at"], b), fmt.Sprint(a["at"], a)) })
			return list
		}
		if diff := cmp.Diff(sorted(events), sorted(got.Events)); diff != "" {
			t.Errorf("events: %s", diff)
		}
		if !slices.IsSortedFunc(got.Events, func(a, b map[string]any) int { return strings.Compare(b["at"].(string), a["at"].(string)) }) {
			t.Error("the events are not newest first")
		}
		for _, secret := range []string{ada.PasswordHash, "argon2", "hash", "secret", live.refresh, "eves own phone", "eve@example.com"} {
			if strings.Contains(r.body, secret) {
				t.Errorf("the file holds %q", secret)
			}
		}
		if text := b.shown("/activity").all("p", "class", "event-text")[0].text(); text != "Everything that is kept of your account was downloaded on “Firefox on Linux”." {
			t.Errorf("the activity says %q", text)
		}
	})
}

func TestNothingIsDownloadedOrDeletedWithoutThePassword(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.signedIn()
		for _, c := range []struct{ password, problem string }{{"", "This is required."}, {strings.Repeat("x", 1100), "At most 1024 characters."}} {
			s.unchanged("the password "+c.problem, func() {
				r := b.download(c.password)
				if r.status != http.StatusUnprocessableEntity || r.header.Get("Content-Disposition") != "" {
					t.Fatalf("%d %v", r.status, r.header)
				}
				r.screen(t).one("p", "id", "current_password-problem").says(c.problem)
				r = b.leave(adaEmail, c.password)
				r.screen(t).one("p", "id", "current_password-problem").says(c.problem)
			})
		}
		s.unchanged("the wrong address", func() {
			r := b.leave("bea@example.com", adaPassword)
			page := r.screen(t)
			page.one("p", "id", "email-problem").says("This is not the address of the account that you are signed in to.")
			page.one("input", "name", "email", "value", "bea@example.com")
			noInline(t, "a hostile address", b.leave(evil, adaPassword).screen(t))
		})
		for _, from := range [][2]string{{"https://evil.example", "cross-site"}, {"null", ""}} {
			s.unchanged("another site", func() {
				for path, form := range map[string]url.Values{
					"/security/data":   {"current_password": {adaPassword}},
					"/security/delete": {"current_password": {adaPassword}, "email": {adaEmail}},
				} {
					if r := b.post(path, form, "Origin", from[0], "Sec-Fetch-Site", from[1]); r.status != http.StatusForbidden || strings.Contains(r.body, "exported_at") {
						t.Errorf("%s from %v: %d", path, from, r.status)
					}
				}
				for _, path := range []string{"/security/data?current_password=", "/security/delete?email=" + adaEmail + "&current_password="} {
					if r := b.get(path + url.QueryEscape(adaPassword)); !strings.HasPrefix(r.header.Get("Content-Type"), "text/html") {
						t.Errorf("a link is answered with %v", r.header)
					}
				}
			})
		}
		for i := range 5 {
			for _, r := range []reply{b.download("not my password"), b.leave(adaEmail, "not my password")} {
				page := r.screen(t)
				if r.status != http.StatusUnprocessableEntity {
					t.Fatalf("guess %d: %d", i, r.status)
				}
				page.one("p", "id", "current_password-problem").says("That is not your password.")
			}
		}
		for what, r := range map[string]reply{"the data": b.download(adaPassword), "the end": b.leave(adaEmail, adaPassword)} {
			if r.status != http.StatusTooManyRequests || r.header.Get("Retry-After") == "" {
				t.Errorf("%s after ten wrong passwords: %d", what, r.status)
			}
		}
		if got := strings.Count(s.dump(), "kind=password_failed"); got != 10 {
			t.Errorf("%d events tell of wrong passwords", got)
		}
		if strings.Contains(s.dump(), "data_downloaded") {
			t.Error("a download that was refused is told of")
		}
	})
}

// However much there is, a part of it is in memory: the statements tell how many rows each brings.
func TestAHundredThousandEventsAreDownloadedPartByPart(t *testing.T) {
	if testing.Short() {
		t.Skip("LEFT OUT: a short run writes no hundred thousand events")
	}
	each(t, func(t *testing.T, s *site) {
		const many, part = 100_000, 500
		b := s.signedIn()
		s.addEvents(many)
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/security/data", strings.NewReader(url.Values{"current_password": {adaPassword}}.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", formType)
		request.Header.Set("Origin", s.URL)
		answer, err := b.client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		// The server is a part ahead of its reader, and what the connection holds: never the whole.
		first := make([]byte, 4096)
		if _, err := io.ReadFull(answer.Body, first); err != nil {
			t.Fatal(err)
		}
		before := s.statements.Load()
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		var got accountFile
		if err := json.Unmarshal(append(first, body...), &got); err != nil {
			t.Fatal(err)
		}
		if len(got.Events) != many+3 || len(answer.TransferEncoding) == 0 {
			t.Errorf("%d events, %v", len(got.Events), answer.TransferEncoding)
		}
		after := s.statements.Load() - before
		t.Logf("%d bytes in parts of %d events; %d of %d statements were still to come when the first bytes arrived", len(body), part, after, many/part)
		if after < many/part/2 {
			t.Errorf("only %d statements were sent while the file was read", after)
		}
	})
}

func TestADownloadThatBreaksOffIsNoWholeFile(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.signedIn()
		s.addEvents(20_000)
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/security/data", strings.NewReader(url.Values{"current_password": {adaPassword}}.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", formType)
		answer, err := b.client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		if _, err := io.CopyN(io.Discard, answer.Body, 1000); err != nil {
			t.Fatal(err)
		}
		if _, err := s.store.Pools()[0].ExecContext(t.Context(), "ALTER TABLE events RENAME TO lost"); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, answer.Body); err == nil {
			t.Error("the file ends as if it were whole")
		}
		if strings.Count(s.log.String(), "a download broke off") != 1 {
			t.Errorf("the log: %s", s.log)
		}
	})
}

// The whole journey: what is out at once, what within the bound, at two replicas and at somebody else's API.
func TestADeletedAccountIsOutEverywhere(t *testing.T) {
	modelstest.EachURL(t, func(t *testing.T, databaseURL string) {
		s := newPostOffice(t, databaseURL)
		replica := newReplica(t, databaseURL, func(a *auth.Config, _ *web.Config) { a.Issuer, a.Now = s.URL, s.clock.Now })
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
		if !strings.Contains(question.text(), "refuse any pass that one of your apps has now within 32 seconds") {
			t.Errorf("the question: %s", question.text())
		}
		b.expect(b.leave(" ADA@Example.com ", adaPassword), http.StatusSeeOther, "/login")

		told := b.shown("/login").one("div", "role", "status").text()
		if !strings.Contains(told, "Your account was deleted, and every device was signed out.") || b.cookie("latchkey") != nil {
			t.Errorf("told %q; cookie %v", told, b.cookie("latchkey"))
		}
		other.expect(other.get("/devices"), http.StatusSeeOther, "/login")
		other.told("/login", "You are signed out. Please sign in again.")
		for _, at := range []*site{s.site, replica} {
			at.refused(p.refresh, auth.ReasonUnknownDevice)
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
		if n := len(b.shown("/devices").all("p", "class", "device-name")); n != 1 {
			t.Errorf("the new account has %d devices", n)
		}
		if got := b.shown("/activity").texts("p", "class", "event-text"); len(got) != 2 || !slices.Contains(got, "Your account was created.") {
			t.Errorf("its activity: %q", got)
		}
		if list := s.mails(); len(list) != 0 {
			t.Errorf("its first sign-in is told of: %+v", list)
		}
		s.refused(p.refresh, auth.ReasonUnknownDevice)

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
		if strings.Contains(b.shown("/security/delete").one("form", "action", "/security/delete").text(), "mail") {
			t.Error("a mail is promised")
		}
		b.expect(b.leave(adaEmail, adaPassword), http.StatusSeeOther, "/login")
		b.told("/login", "Your account was deleted, and every device was signed out.")
		if _, err := s.auth.FindUser(t.Context(), adaEmail); auth.AsError(err).Kind != auth.KindNotFound {
			t.Errorf("the account is there: %v", err)
		}
		if n, err := s.store.CountUsers(t.Context()); err != nil || n != 0 {
			t.Errorf("%d accounts, %v", n, err)
		}
	}, func(a *auth.Config, _ *web.Config) { a.StatusTTL = 0 })
}

func TestSupportStaffCannotLeaveBehindTheirBacksWhatTheyLookedAt(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.addUser("sam@example.com", evePassword)
		if err := s.auth.SetRole(t.Context(), "sam@example.com", models.RoleSupport); err != nil {
			t.Fatal(err)
		}
		sam, ada := s.browser(), s.signedIn()
		sam.signIn("sam@example.com", evePassword)
		u, err := s.auth.FindUser(t.Context(), adaEmail)
		if err != nil {
			t.Fatal(err)
		}
		sam.shown("/support?q=" + url.QueryEscape("ADA@example.com"))
		sam.shown("/support/users/" + u.ID.String())
		sam.shown("/security/delete").none("form", "action", "/security/delete")
		s.unchanged("a member of the staff who leaves", func() {
			if r := sam.leave("sam@example.com", evePassword); r.status != http.StatusForbidden || !strings.Contains(r.body, "take the role away first") {
				t.Errorf("%d %s", r.status, r.body)
			}
		})
		if r := sam.download(evePassword); r.status != http.StatusOK || !strings.Contains(r.body, "support_looked") {
			t.Errorf("the data of a member of the staff: %d", r.status)
		}

		ada.expect(ada.leave(adaEmail, adaPassword), http.StatusSeeOther, "/login")
		for _, want := range []string{"You searched for an account that was deleted since, as support.", "You looked at the devices and activity of an account that was deleted since, as support."} {
			if got := sam.shown("/activity").texts("p", "class", "event-text"); !slices.Contains(got, want) {
				t.Errorf("sam's activity says %q", got)
			}
		}
		if r := sam.get("/support/users/" + u.ID.String()); r.status != http.StatusNotFound {
			t.Errorf("a look at a deleted account: %d", r.status)
		}

		s.addUser(adaEmail, adaPassword)
		again := s.signedIn()
		u, err = s.auth.FindUser(t.Context(), adaEmail)
		if err != nil {
			t.Fatal(err)
		}
		sam.shown("/support/users/" + u.ID.String())
		if err := s.auth.SetRole(t.Context(), "sam@example.com", models.RoleUser); err != nil {
			t.Fatal(err)
		}
		sam.expect(sam.leave("sam@example.com", evePassword), http.StatusSeeOther, "/login")
		if got := again.shown("/activity").texts("p", "class", "event-text"); !slices.Contains(got, "Support looked at your devices and activity.") {
			t.Errorf("the look is gone with who looked: %q", got)
		}
	})
}
