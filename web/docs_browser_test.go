package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"latchkey/auth/client"
	"latchkey/auth/services"
	"latchkey/models/modelstest"
	"latchkey/web"
)

// The code for apps in the browser runs as it stands on the page, in a page of another origin.
func TestTheCodeForAppsInTheBrowserWorksAsItStands(t *testing.T) {
	s := newSite(t, modelstest.MigratedSQLite(t), func(a *services.Config, w *web.Config) { onLocalhost(a, w); a.NonceRequired = true })
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>Notes</title><link rel="icon" href="data:,">`))
	}))
	t.Cleanup(app.Close)
	if _, err := s.auth.Clients.Add(t.Context(), client.Registration{Name: "Notes", ID: "notes", Origins: []string{app.URL}}); err != nil {
		t.Fatal(err)
	}
	var script strings.Builder
	for _, block := range copied(s.browser().shown("/docs")) {
		if strings.Contains(block, "indexedDB.open") || strings.Contains(block, "navigator.locks") {
			script.WriteString(block + "\n")
		}
	}
	c := openTab(t, app.URL, 390, true)
	run := func(body string) string {
		t.Helper()
		c.open("/", http.StatusOK)
		return evaluate[string](c, "(async () => {"+script.String()+"\n"+body+"})().catch((error) => \"failed: \" + error)")
	}
	if got := run(`
		const answer = await send("POST", SERVER + "/api/login", {
			headers: { "Content-Type": "application/json" },
			body: JSON.stringify({ email: "` + adaEmail + `", password: "` + adaPassword + `", device_name: "page", client_id: CLIENT }),
		});
		const tokens = await answer.json();
		await keep(tokens);
		const devices = await (await call("GET", SERVER + "/api/devices?x=1")).json();
		const exported = await crypto.subtle.exportKey("jwk", (await key()).privateKey).then(() => "exported", () => "refused");
		return [tokens.token_type, devices.devices.length, devices.devices[0].name, exported, localStorage.length, document.cookie].join(" ")`); got != "DPoP 1 page refused 0 " {
		t.Fatal(got)
	}
	// Another page of the origin, such as after a reload: the key and the refresh token are there, and two refreshes at once are one after the other.
	if got := run(`
		const before = await stored("refresh token");
		const done = await Promise.all([refresh(), refresh()]);
		const me = await (await call("GET", SERVER + "/api/whoami")).json();
		return [done, me.device_name, before !== await stored("refresh token"), await stored("refresh token")].join(" ")`); !strings.HasPrefix(got, "true,true page true lk1.") {
		t.Fatal(got)
	} else {
		stolen := got[strings.LastIndexByte(got, ' ')+1:]
		if r := s.postForm("/oauth/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {stolen}}); r.text(t, "error") != "invalid_dpop_proof" {
			t.Errorf("a copy of the refresh token without the key: %d %s", r.status, r.body)
		}
	}
	s.clock.Advance(s.config.AccessTTL)
	if got := run(`
		accessToken = "too old";
		const me = await (await call("GET", SERVER + "/api/whoami")).json();
		const out = await send("POST", SERVER + "/oauth/revoke", { body: new URLSearchParams({ token: await stored("refresh token"), client_id: CLIENT }) });
		return [me.device_name, out.status, await refresh(), await call("GET", SERVER + "/api/whoami"), await stored("refresh token")].join(" ")`); got != "page 200 false  " {
		t.Fatal(got)
	}

	// On a phone, the names in the page's tables are not broken letter by letter.
	c.base = s.URL
	c.open("/docs", http.StatusOK)
	if high := evaluate[float64](c, `Math.max(...[...document.querySelectorAll(".docs-table th code")].map((name) => name.getBoundingClientRect().height))`); high > 60 {
		t.Errorf("a name in a table is %.0f pixels high", high)
	}
}
