package web_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// No one translates the support desk and the manual, so they offer no language. Other people are told in theirs that there is no desk,
// as of any page that there is not.
func TestEnglishPagesOfferNoLanguage(t *testing.T) {
	s := newSite(t, modelstest.MigratedSQLite(t))
	if err := s.portal.Offer("en", "ar-XB", "en-XA"); err != nil {
		t.Fatal(err)
	}
	ada, sam := s.signedIn(), s.browser()
	s.addUser("sam@example.com", evePassword)
	if err := s.auth.Operator.SetRole(t.Context(), "sam@example.com", models.RoleSupport); err != nil {
		t.Fatal(err)
	}
	sam.signIn("sam@example.com", evePassword)
	for _, path := range []string{"/support", "/support?q=ada%40example.com", s.lookURL(adaEmail), "/docs", "/docs/form"} {
		r := sam.do(http.MethodGet, path, nil, "Accept-Language", "ar")
		if r.status != http.StatusOK || strings.Contains(r.body, `action="/language"`) || r.header.Get("Content-Language") != "en" {
			t.Errorf("%s: %d, in %q, or it offers languages", path, r.status, r.header.Get("Content-Language"))
		}
	}
	if !strings.Contains(sam.get("/devices").body, `action="/language"`) {
		t.Error("no page offers languages")
	}
	page := func(path string) string {
		r := ada.do(http.MethodGet, path, nil, "Accept-Language", "ar")
		if r.status != http.StatusNotFound || r.header.Get("Content-Language") != "ar-XB" {
			t.Errorf("%s: %d in %q", path, r.status, r.header.Get("Content-Language"))
		}
		body := strings.ReplaceAll(r.body, path, "/nowhere")
		return regexp.MustCompile(`<code id="request">[A-Z0-9]{16}</code>|clock" content="[^"]*"`).ReplaceAllString(body, "")
	}
	nowhere := page("/nowhere")
	for _, path := range []string{"/support", s.lookURL(adaEmail), "/support/users/x"} {
		if got := page(path); got != nowhere {
			t.Errorf("%s is another page than that of an unknown one", path)
		}
	}
}
