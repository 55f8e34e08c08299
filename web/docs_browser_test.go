package web_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"latchkey/auth/client"
)

// The reference client runs in a page of another origin, with the browser's own store and lock.
func TestTheReferenceClientWorksInABrowser(t *testing.T) {
	needNode(t)
	script, err := compiled()
	if err != nil {
		t.Fatal(err)
	}
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/latchkey.js" {
			w.Header().Set("Content-Type", "text/javascript")
			_, _ = w.Write([]byte(script))
			return
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>Notes</title><link rel="icon" href="data:,">`))
	}))
	t.Cleanup(app.Close)
	f := newField(t, client.Registration{RedirectURIs: []string{app.URL + "/"}, Origins: []string{app.URL}}, onLocalhost)
	prelude := `
		const { Latchkey, SignedOut, indexedDBStore } = await import("/latchkey.js");
		const issuer = "` + f.config.Issuer + `", store = indexedDBStore();
		const openBrowser = async (to) => (await fetch("` + f.control() + `/?to=" + encodeURIComponent(to))).json();
		const tab = (more) => new Latchkey({ issuer, clientId: "notes", redirectUri: location.origin + "/", scope: "email", deviceName: "page", openBrowser, ...more });
		const name = "latchkey " + issuer + " notes", kept = () => store.get(name);
		const whoami = async (by) => (await (await by.fetch(issuer + "/api/whoami?x=1")).json()).device_name;
		const due = async () => store.set(name, { ...await kept(), tokens: { ...(await kept()).tokens, refreshAt: 0 } });`
	c := openTab(t, app.URL, 390, true)
	run := func(body string) string {
		t.Helper()
		c.open("/", http.StatusOK)
		return evaluate[string](c, "(async () => {"+prelude+"\n"+body+"})().catch((error) => \"failed: \" + error.stack)")
	}
	if got := run(`
		const notes = tab();
		await notes.signIn();
		const { key } = await kept();
		const exported = await crypto.subtle.exportKey("jwk", key.privateKey).then(() => "exported", () => "refused");
		return [await whoami(notes), exported, localStorage.length, sessionStorage.length, document.cookie].join()`); got != "Notes here,refused,0,0," {
		t.Fatal(got)
	}
	// The page after a reload: the key and the tokens are there. A refresh is due in two tabs at once.
	before := f.rotations()
	if got := run(`
		await due();
		return [await Promise.all([whoami(tab()), whoami(tab())]), (await kept()).tokens.refresh].join()`); !strings.HasPrefix(got, "Notes here,Notes here,lk1.") || f.rotations() != before+1 {
		t.Fatalf("%s, %d refreshes", got, f.rotations()-before)
	} else if r := f.refresh(got[strings.LastIndexByte(got, ',')+1:]); r.text(t, "error") != "invalid_dpop_proof" {
		t.Errorf("a copy of the refresh token without the key: %d %s", r.status, r.body)
	}
	f.ahead.Add(int64(f.config.AccessTTL))
	if got := run(`
		let locks = [];
		const watch = async (...request) => (locks = (await navigator.locks.query()).held.map((lock) => lock.name), fetch(...request));
		const notes = tab({ fetch: watch }), late = await whoami(notes); // the server calls the token expired
		await notes.signOut();
		return [late, await whoami(notes).catch((error) => error instanceof SignedOut), await kept(), String(locks) === name].join()`); got != "Notes here,true,,true" || f.apps() != 0 {
		t.Fatal(got)
	}

	// On a phone, the names in the page's tables are not broken letter by letter.
	c.base = f.URL
	c.open("/docs/app", http.StatusOK)
	if high := evaluate[float64](c, `Math.max(...[...document.querySelectorAll(".docs-table th code")].map((name) => name.getBoundingClientRect().height))`); high > 60 {
		t.Errorf("a name in a table is %.0f pixels high", high)
	}
}
