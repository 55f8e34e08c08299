package main

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"testing"
)

// newBrowser keeps cookies and shows redirects instead of following them.
func newBrowser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// accountIn is the account that the forms of a page are made for.
func accountIn(t *testing.T, page reply) string {
	t.Helper()
	found := regexp.MustCompile(`name="account" value="([^"]+)"`).FindStringSubmatch(page.body)
	if found == nil {
		t.Fatalf("%d: no form of somebody signed in\n%s", page.status, page.body)
	}
	return found[1]
}

// signedInBrowser signs ada in on the portal.
func signedInBrowser(t *testing.T, base string) *http.Client {
	t.Helper()
	browser := newBrowser(t)
	form := url.Values{"email": {ada}, "password": {password}}.Encode()
	send(t, browser, http.MethodPost, base+"/login", form, "Content-Type", formType).want(t, http.StatusSeeOther)
	send(t, browser, http.MethodGet, base+"/devices", "").want(t, http.StatusOK)
	return browser
}
