package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"latchkey/auth"
	"latchkey/models/modelstest"
)

// comesBack is where a refused form leads on to after the page that it leads to.
func (b *browser) comesBack(r reply, first string) string {
	b.t.Helper()
	next, ok := strings.CutPrefix(r.header.Get("Location"), first+"?next=")
	page, err := url.QueryUnescape(next)
	if r.status != http.StatusSeeOther || !ok || err != nil {
		b.t.Errorf("%d to %q, want it by %s to a page", r.status, r.header.Get("Location"), first)
	}
	return page
}

// A person whose session has ended, or who must do something else first, comes back to the page that an app asked for, with what they typed.
func TestAFormOfAnAppsRequestLosesNothing(t *testing.T) {
	s := newSite(t, modelstest.MigratedSQLite(t), inGerman)
	s.addNotes()
	s.addUser(eveEmail, evePassword)
	tv := s.television()
	_, user := s.deviceCodes(tv)
	b := s.signedIn()
	signedOut := func() {
		t.Helper()
		if _, err := s.auth.Operator.SignOutUser(t.Context(), adaEmail); err != nil {
			t.Fatal(err)
		}
	}
	signsIn := func(page string) {
		t.Helper()
		b.expect(b.post("/login", url.Values{"email": {adaEmail}, "password": {adaPassword}, "next": {page}}), http.StatusSeeOther, page)
	}

	page := b.asks("ui_locales", "de")
	signedOut()
	back := b.comesBack(b.allows(page, "device_name", "Kitchen & laptop"), "/login")
	if lang := b.shown("/login?next=" + url.QueryEscape(back)).one("html").attr("lang"); lang != "de" {
		t.Errorf("the sign-in form speaks %s", lang)
	}
	signsIn(back)
	again := b.shown(back)
	if name := again.one("input", "name", "device_name").attr("value"); name != "Kitchen & laptop" || again.one("html").attr("lang") != "de" {
		t.Errorf("the page again: %q, %s", name, again.one("html").attr("lang"))
	}
	refused := b.allows(back, "device_name", "\u200b").screen(t)
	if refused.one("html").attr("lang") != "de" || strings.Contains(refused.text(), "The name") {
		t.Errorf("a refused name: %s", refused.one("main").text())
	}
	b.answered(b.allows(back), notesURI)

	signedOut()
	for _, path := range []string{"/security/password", "/security/app"} { // of what may have to come first
		if back := b.comesBack(b.post(path, url.Values{"next": {page}}), "/login"); back != page {
			t.Errorf("%s: back to %s", path, back)
		}
	}
	signsIn("/device")
	code := url.Values{"user_code": {user}}
	signedOut()
	back = b.comesBack(b.post("/device", code), "/login")
	if signsIn(back); b.shown(back).one("input", "name", "user_code").attr("value") != user {
		t.Errorf("the code is lost: %s", back)
	}
	found := b.post("/device", code).header.Get("Location")
	signedOut()
	form := url.Values{"request": {strings.TrimPrefix(found, "/device?request=")}, "device_name": {"Attic"}, "choice": {"allow"}, "current_password": {adaPassword}}
	back = b.comesBack(b.post("/device", form), "/login")
	if strings.Contains(back, "password") {
		t.Errorf("a password stands in an address: %s", back)
	}
	if signsIn(back); b.shown(back).one("input", "name", "device_name").attr("value") != "Attic" {
		t.Errorf("the name is lost: %s", back)
	}

	// A sign-out that an app asked for ends the app all the same.
	signedOut()
	app := s.notesOn("Pixel 9")
	if r := b.post("/oauth/logout", url.Values{"id_token_hint": {s.idToken(app)}, "account": {b.account()}, "end": {"both"}}); r.status != http.StatusOK {
		t.Errorf("a sign-out after the browser's: %d to %q", r.status, r.header.Get("Location"))
	}
	if r := s.request(http.MethodGet, "/api/devices", "", bearer(app.access)...); r.status != http.StatusUnauthorized {
		t.Errorf("the app is still signed in: %d", r.status)
	}
	signsIn("/device")
	app = s.notesOn("Pixel 9")
	logout := url.Values{"id_token_hint": {s.idToken(app)}, "state": {"s"}, "end": {"both"}}
	// Another person has signed in since: the page that says so leads back to the question.
	page = b.asks()
	eve := url.Values{"account": {b.account()}}
	b.expect(b.post("/logout", nil), http.StatusSeeOther, "/login")
	b.expect(b.post("/login", url.Values{"email": {eveEmail}, "password": {evePassword}}), http.StatusSeeOther, "/devices")
	for path, c := range map[string]struct {
		form url.Values
		back string
	}{
		"/authorize":    {url.Values{"request": {strings.TrimPrefix(page, "/authorize?request=")}, "choice": {"allow"}}, page},
		"/logout":       {url.Values{"next": {page}}, page},
		"/device":       {code, "/device?" + code.Encode()},
		"/oauth/logout": {logout, "/oauth/logout?" + url.Values{"id_token_hint": logout["id_token_hint"], "state": {"s"}}.Encode()},
		"/security":     {url.Values{"current_password": {"x"}}, "/devices"},
	} {
		c.form.Set("account", eve.Get("account"))
		r := b.post(path, c.form)
		if r.status != http.StatusConflict || len(r.screen(t).one("main").all("a", "href", c.back)) != 1 {
			t.Errorf("%s: %d, %s", path, r.status, r.screen(t).one("main").text())
		}
	}

	// A password of one's own, and a second factor, may be wanted first.
	if _, err := s.auth.Operator.SetPasswordGenerated(t.Context(), eveEmail, evePassword); err != nil {
		t.Fatal(err)
	}
	b.post("/login", url.Values{"email": {eveEmail}, "password": {evePassword}})
	if back := b.comesBack(b.allows(page), "/security/password"); !strings.Contains(back, strings.TrimPrefix(page, "/authorize?")) {
		t.Errorf("after the password: %s", back)
	}
	s = newSite(t, modelstest.MigratedSQLite(t), policy(auth.FactorRequired))
	s.addNotes()
	b = s.browser()
	b.post("/login", url.Values{"email": {adaEmail}, "password": {adaPassword}})
	page = b.asks()
	if back := b.comesBack(b.allows(page), "/security/setup"); !strings.Contains(back, strings.TrimPrefix(page, "/authorize?")) {
		t.Errorf("after the second factor: %s", back)
	}
}
