package main

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
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

// signedInBrowser signs ada in on the portal.
func signedInBrowser(t *testing.T, base string) *http.Client {
	t.Helper()
	browser := newBrowser(t)
	form := url.Values{"email": {ada}, "password": {password}}.Encode()
	send(t, browser, http.MethodPost, base+"/login", form, "Content-Type", formType).want(t, http.StatusSeeOther)
	send(t, browser, http.MethodGet, base+"/devices", "").want(t, http.StatusOK)
	return browser
}
