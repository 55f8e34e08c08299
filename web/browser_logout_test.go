package web_test

import (
	"html"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"latchkey/models/modelstest"
)

// An app's website posts its wish to us, which carries no cookie; our page asks, and Chromium lets its form lead back to the app.
func TestASignOutLeadsBackToTheAppInARealBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("LEFT OUT: a short run does not test the portal in a browser")
	}
	chromium(t)
	s := newSite(t, modelstest.MigratedSQLite(t), onLocalhost) // another site than the app's, which is at an address
	s.URL = localhost(s.URL)
	app := s.notesApp()
	fields := map[string]string{"id_token_hint": s.idToken(app), "state": "a b", "client_id": "notes"}
	var website *httptest.Server
	website = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		const head = `<!doctype html><html lang="en"><title>Notes</title><link rel="icon" href="data:,"><meta name="viewport" content="width=device-width"><h1>`
		if r.URL.Path == "/bye" {
			_, _ = w.Write([]byte(head + `Bye ` + html.EscapeString(r.Method+" "+r.URL.Query().Get("state")) + `</h1>`))
			return
		}
		form := `<form method="post" action="` + s.URL + `/oauth/logout"><input type="hidden" name="post_logout_redirect_uri" value="` + website.URL + `/bye">`
		for name, value := range fields {
			form += `<input type="hidden" name="` + name + `" value="` + html.EscapeString(value) + `">`
		}
		_, _ = w.Write([]byte(head + `Notes</h1>` + form + `<button>Sign out</button></form>`))
	}))
	defer website.Close()

	c := openTab(t, s.URL, 390, true)
	c.signIn(adaEmail, adaPassword)
	c.arrive("the app's website", http.StatusOK, chromedp.Navigate(website.URL))
	c.follow("button").one("h1").says("Sign out of Notes?")
	c.arrive("back to the app", http.StatusOK, clicked(".button-danger")).one("h1").says("Bye GET a b")
	c.open("/devices", http.StatusOK).one("h1").says("Sign in")
	if r := s.request(http.MethodGet, "/api/devices", "", bearer(app.access)...); r.status != http.StatusUnauthorized {
		t.Errorf("the app is still signed in: %d", r.status)
	}
	for _, fault := range slices.DeleteFunc(c.takeFaults(), func(f string) bool { return strings.HasPrefix(f, "request to another host: "+website.URL+"/") }) {
		t.Error(fault)
	}
}
