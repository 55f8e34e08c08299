package web_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// shownCode is a recovery code as pages group it.
var shownCode = regexp.MustCompile(`\b([0-9A-Z]{4}-){5}[0-9A-Z]{4}\b`)

// What a person is told at the turns where they could be locked out, or could think that they are protected.
func TestPagesSayWhatAFactorsUseOrRemovalMeans(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		tells := func(page screen, want string) {
			t.Helper()
			if got := page.text(); !strings.Contains(got, want) {
				t.Errorf("%q is missing in %q", want, got)
			}
		}
		owner := s.signedIn()
		app := owner.addApp(adaPassword)
		made := owner.post("/security/codes", url.Values{"guided": {"1"}, "current_password": {adaPassword}, "code": {app.next(s)}})
		code := shownCode.FindString(made.screen(t).text())
		if made.status != http.StatusOK || code == "" {
			t.Fatalf("recovery codes: %d %s", made.status, made.body)
		}

		lost := s.browser()
		tells(lost.shown("/login/verify").one("title"), "Sign in again")
		form := lost.passwordRight("")
		tells(lost.shown("/login/verify").one("title"), "One more step")
		challenge := form.one("input", "name", "challenge").attr("value")
		lost.expect(lost.post("/login/verify", url.Values{"challenge": {challenge}, "method": {"recovery_code"}, "code": {strings.ToLower(code)}}), http.StatusSeeOther, "/devices")
		tells(lost.shown("/devices"), "You’ve used a recovery code. It won’t work again.")

		refused := owner.post("/security/app/remove", url.Values{})
		tells(refused.screen(t).one("div", "class", "notice-error", "tabindex", "-1"), "The authenticator app wasn’t removed.")
		owner.expect(owner.post("/security/app/remove", url.Values{"current_password": {adaPassword}, "code": {app.next(s)}}), http.StatusSeeOther, "/security/app")
		tells(owner.shown("/security/app"), "Two-step sign-in is off. Your password alone is enough to sign in.")
	})
}
