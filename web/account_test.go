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

	"latchkey/auth/recovery"
	"latchkey/models"
)

// accountFile is the file with an account's data, read as /docs describes it.
type accountFile struct {
	Format     string
	Version    int
	ExportedAt time.Time `json:"exported_at"`
	Profile    struct {
		Subject           string `json:"sub"`
		Email, Role       string
		EmailVerified     bool `json:"email_verified"`
		Language          string
		FormerLanguage    string     `json:"former_language"`
		LanguageChangedAt *time.Time `json:"language_changed_at"`
		CreatedAt         time.Time  `json:"created_at"`
		PasswordChangedAt time.Time  `json:"password_changed_at"`
		FormerAddresses   []struct {
			Email  string
			LeftAt time.Time `json:"left_at"`
			Until  time.Time
		} `json:"former_addresses"`
		ExternalID string         `json:"external_id"`
		Metadata   map[string]any `json:"metadata"`
	}
	Devices         []map[string]any
	Events          []map[string]any
	Factors         []map[string]any `json:"factors"`
	TrustedBrowsers []map[string]any `json:"trusted_browsers"`
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
		ada, err := s.auth.Operator.FindUser(t.Context(), adaEmail)
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
				"user_agent": "Go-http-client/1.1", "expires_at": "2027-02-21T12:00:00Z", "state": state, "created_ip": "127.0.0.1", "last_user_agent": "", "jkt": "", "revoked_at": nil, "revoked_by": "", "revoke_reason": "",
				"signed_in_by": "password", "proved_by": "password", "proved_at": began, "scope": "", "through_user_agent": "",
			}
			for k, v := range more {
				m[k] = v
			}
			return m
		}
		want := []map[string]any{
			device(browser, "Firefox on Linux", "browser", "", "live", map[string]any{
				"current": true, "user_agent": firefox, "expires_at": "2026-12-23T12:00:00Z", "last_seen_at": later,
				"proved_at": later, // with this download
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
			return map[string]any{"at": at, "kind": kind, "actor": actor, "device_id": id, "device_name": name, "ip": "127.0.0.1", "user_agent": agent, "detail": detail, "times": 1.0, "reuse": nil, "reason": "", "actor_client_id": ""}
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
		if text := b.shown("/activity").all("p", "class", "event-text")[0].text(); text != "A copy of all your data was downloaded on “Firefox on Linux”." {
			t.Errorf("the activity says %q", text)
		}
	})
}

func TestNothingIsDownloadedOrDeletedWithoutThePassword(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.signedIn()
		for _, c := range []struct{ password, problem string }{{"", "This is required."}, {strings.Repeat("x", 1100), "Enter at most 1024 characters."}} {
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
			page.one("p", "id", "email-problem").says("This isn’t the e-mail address of the account you’re signed in to.")
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
		for i := range 15 {
			for _, r := range []reply{b.download("not my password"), b.leave(adaEmail, "not my password")} {
				page := r.screen(t)
				if r.status != http.StatusUnprocessableEntity {
					t.Fatalf("guess %d: %d", i, r.status)
				}
				page.one("p", "id", "current_password-problem").says("That’s not your password. Try again.")
			}
		}
		for what, r := range map[string]reply{"the data": b.download(adaPassword), "the end": b.leave(adaEmail, adaPassword)} {
			if r.status != http.StatusTooManyRequests || r.header.Get("Retry-After") == "" {
				t.Errorf("%s after thirty wrong passwords: %d", what, r.status)
			}
		}
		if got := strings.Count(s.dump(), "kind=password_failed"); got != 11 || !strings.Contains(s.dump(), "more=19") {
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
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/security/data", strings.NewReader(url.Values{"account": {b.account()}, "current_password": {adaPassword}}.Encode()))
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
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/security/data", strings.NewReader(url.Values{"account": {b.account()}, "current_password": {adaPassword}}.Encode()))
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

func TestThePersonsDataHasFactorsWithoutWhatSignsIn(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.signedIn()
		u, at := s.live(adaEmail, "Firefox on Linux").UserID, s.clock.Now()
		key := models.Factor{Kind: models.FactorPasskey, Name: "laptop", Credential: []byte("the credential"), Data: []byte("the record"), Synced: true, CreatedAt: at}
		typed := recovery.New()[0]
		code := models.Factor{Kind: models.FactorRecoveryCode, Credential: recovery.Hash(typed), CreatedAt: at.Add(time.Second)}
		a := models.FactorAddition{UserID: u, Add: []models.Factor{key, code}, At: at, Event: models.Event{UserID: u, At: at, Kind: models.EventFactorAdded, Actor: models.ActorOwner}}
		if _, err := s.store.AddFactors(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		list, err := s.store.Factors(t.Context(), u)
		if err != nil {
			t.Fatal(err)
		}
		n := models.NewDevice{
			Device:   models.Device{UserID: u, ID: models.NewID(at), Kind: models.KindBrowser, CreatedAt: at, LastSeenAt: at, ExpiresAt: at.Add(time.Hour), SecretHash: []byte{1}, RotatedAt: at},
			FreeName: func(func(string) bool) string { return "Safari" }, Event: models.Event{UserID: u, At: at, Kind: models.EventSignIn, Actor: models.ActorOwner}, FactorsVersion: 1,
			Live:  models.Liveness{Now: at, AppSince: at.Add(-time.Hour), BrowserSince: at.Add(-time.Hour)},
			Trust: &models.TrustedBrowser{ID: models.NewID(at), Hash: []byte("the hash"), Name: "Safari", CreatedAt: at, CreatedIP: "192.0.2.7", ExpiresAt: at.Add(time.Hour)},
		}
		if _, err := s.store.AddDevice(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		body := b.post("/security/data", url.Values{"current_password": {adaPassword}, "code": {typed}}).body
		var got accountFile
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Fatal(err)
		}
		factor := func(of models.Factor, second string, used any) map[string]any {
			return map[string]any{"id": of.ID.String(), "kind": string(of.Kind), "name": of.Name, "created_at": "2026-11-23T12:00:" + second + "Z", "used_at": used, "synced": of.Synced, "backed_up": false}
		}
		browser := map[string]any{
			"id": n.Trust.ID.String(), "name": "Safari", "created_at": "2026-11-23T12:00:00Z", "created_ip": "192.0.2.7", "used_at": nil, "used_ip": "", "expires_at": "2026-11-23T13:00:00Z",
		}
		if diff := cmp.Diff([]map[string]any{factor(list[0], "00", nil), factor(list[1], "01", "2026-11-23T12:00:00Z")}, got.Factors); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]map[string]any{browser}, got.TrustedBrowsers); diff != "" {
			t.Error(diff)
		}
	})
}

// What models.UserTables calls exported is in the file, and nothing else but the profile and the head.
func TestThePersonsDataHasEachTableThatIsExported(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		var file map[string]any
		if err := json.Unmarshal([]byte(s.signedIn().download(adaPassword).body), &file); err != nil {
			t.Fatal(err)
		}
		expected := map[string]bool{"format": true, "version": true, "exported_at": true, "profile": true}
		for _, table := range models.UserTables {
			member, within := any(file), ""
			for name := range strings.SplitSeq(table.Exported, ".") {
				if object, ok := member.(map[string]any); ok && name != "" {
					member, within = object[name], name
				}
			}
			if _, ok := member.([]any); !ok && table.Exported != "" {
				t.Errorf("%s is not in the file as %s: %v", table.Name, table.Exported, within)
			}
			expected[table.Exported] = true
		}
		for name := range file {
			if !expected[name] {
				t.Errorf("no table has the member %s", name)
			}
		}
	})
}
