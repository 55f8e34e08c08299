package web_test

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/auth/client"
	"latchkey/views"
)

// forSignedOut are the forms that concern no one who is signed in: what they need stands in them, or came by mail, or is of the browser.
var forSignedOut = []string{"/language", "/login", "/signup", "/forgot", "/invite", "/signup/confirm", "/reset", "/email/confirm", "/email/undo", "/not-me"}

// A new route for a form of signed-in people must be guarded, and a new form must say whose it is.
func TestEveryFormOfSignedInPeopleSaysWhoseItIs(t *testing.T) {
	forms := 0
	for _, r := range allRoutes(t, "{id}") {
		if r.method != http.MethodPost || r.guard == "form" || r.guard == "anyPasswordForm" || r.guard == "setUpForm" || r.guard == "supportForm" || r.guard == "api" || r.guard == "bearer" || r.guard == "backend" || r.guard == "openID" || r.guard == "oauth" {
			continue
		}
		// A mailed link's form may stand at a page of its own below.
		known := slices.ContainsFunc(forSignedOut, func(path string) bool { return r.path == path || strings.HasPrefix(r.path, path+"/") })
		if r.path != "/logout" && r.path != "/oauth/authorize" && r.path != "/oauth/logout" && (!known || r.guard != "page") { // signing out also answers who is out already, and apps' requests only lead to pages; tests below, of authorize and of the sign-outs see their guards
			t.Errorf("POST %s is guarded by %s: it acts for whoever is signed in, not for whom its page was made", r.path, r.guard)
		}
	}
	for _, state := range views.Gallery(views.Assets{}) {
		var html strings.Builder
		if err := state.Component.Render(t.Context(), &html); err != nil {
			t.Fatal(err)
		}
		page := reply{header: http.Header{"Content-Type": {"text/html; charset=utf-8"}}, body: html.String()}.screen(t)
		account := page.all("meta", "name", "account")
		for _, f := range page.all("form", "method", "post") {
			path := f.attr("action")
			if slices.ContainsFunc(forSignedOut, func(p string) bool { return path == p || strings.HasPrefix(path, p+"/") }) {
				continue
			}
			if strings.HasPrefix(path, "https://") || path == "/oauth/logout" && len(account) == 0 {
				continue // to an app's website; and a person who is signed out can still sign the app out
			}
			forms++
			if len(account) != 1 {
				t.Errorf("%s: nobody is signed in, and there is a form to %s", state.Name, path)
				continue
			}
			if list := f.all("input", "type", "hidden", "name", "account"); len(list) != 1 || list[0].attr("value") != account[0].attr("content") {
				t.Errorf("%s: the form to %s does not say whose it is", state.Name, path)
			}
		}
	}
	if forms < 100 {
		t.Errorf("only %d forms were seen", forms)
	}
}

// anyID is the id of a device, a passkey or a trusted browser in a path.
var anyID = regexp.MustCompile(`/[0-9a-f]{8}-[0-9a-f-]{27}`)

// trustedBy signs a browser in that skips the second step from now on.
func (s *site) trustedBy(email string, app authenticator) {
	s.t.Helper()
	b := s.browser()
	b.expect(b.post("/login", url.Values{"email": {email}, "password": {adaPassword}}), http.StatusSeeOther, "/login/verify")
	id := b.shown("/login/verify").one("input", "name", "challenge").attr("value")
	b.expect(b.post("/login/verify", url.Values{"challenge": {id}, "method": {"totp"}, "code": {app.next(s)}, "trust": {"1"}}), http.StatusSeeOther, "/devices")
}

// filled is a form of a page, with every field filled in.
func filled(f screen, password string) url.Values {
	form := url.Values{}
	for _, field := range f.all("input", "name", "*") {
		form.Set(field.attr("name"), field.attr("value"))
	}
	for name, value := range map[string]string{"current_password": password, "password": password, "new_password": "a password of her own", "name": "mine", "email": eveEmail} {
		if form.Has(name) {
			form.Set(name, value)
		}
	}
	return form
}

// Ada opened pages, and then eve signed in on the same browser in another tab: ada's pages do nothing to eve.
func TestAPageOfOneAccountDoesNothingToAnother(t *testing.T) {
	eachLocalPost(t, func(t *testing.T, s *postOffice) {
		s.addUser(eveEmail, evePassword)
		b := s.signedIn()
		ada, phone := b.account(), s.login("phone")
		s.stolen("tablet")
		s.moving(b, "ada3@example.net", adaPassword)
		cancel := b.shown("/security").one("form", "action", "/security/email/cancel") // gone, as the next one, once the address is changed
		leave := b.shown("/security/delete").one("form", "action", "/security/delete")
		s.moved(b, newEmail, adaPassword)
		s.laterAddressLeft()
		setUp := b.shown("/security/app").one("form", "action", "/security/app") // gone once the app is set up
		app := b.addApp(adaPassword)
		b.addPasskey(url.Values{"current_password": {adaPassword}, "code": {app.next(s.site)}})
		s.trustedBy(newEmail, app)
		s.trustedBy(newEmail, app) // with two, there is a form to end them all
		if _, err := s.auth.Clients.Add(t.Context(), client.Registration{Name: "App", ID: "app", RedirectURIs: []string{notesURI}}); err != nil {
			t.Fatal(err)
		}
		type sent struct {
			path string
			form screen
		}
		forms := []sent{{"/security/app", setUp}, {"/security/email/cancel", cancel}, {"/security/delete", leave}}
		var rename, remove string
		for _, a := range b.shown("/security/passkeys").all("a", "class", "unknown") {
			if href := a.attr("href"); strings.HasSuffix(href, "/rename") {
				rename = href
			} else {
				remove = href
			}
		}
		for _, path := range []string{"/security/passkeys", rename, remove, "/security/app/remove", "/security/codes", "/security/browsers", b.asks("client_id", "app"), "/device", "/devices", "/devices/" + phone.id + "/revoke", "/devices/" + phone.id + "/revoke-since", "/devices/revoke-others", "/devices/revoke-selected?device=" + phone.id, "/security", "/security/password", "/security/email", "/security/ways-back", "/security/data", "/security/delete"} {
			for _, f := range b.shown(path).all("form", "method", "post") {
				forms = append(forms, sent{f.attr("action"), f})
			}
		}
		b.signIn(eveEmail, evePassword)
		newPhone(t, s.tryLogin(eveEmail, evePassword, "eve's phone"))
		seen := map[string]bool{}
		for _, f := range forms {
			seen[anyID.ReplaceAllString(f.path, "/"+phone.id)] = true
			for name, account := range map[string]string{"ada's": ada, "nobody's": "", "garbage": "x", "eve's with a space": b.account() + " "} {
				form := filled(f.form, evePassword)
				if form.Get("account") != ada {
					t.Errorf("the form to %s was made for %q", f.path, form.Get("account"))
				}
				form.Set("account", account)
				s.unchanged(name+" form to "+f.path, func() {
					r := b.post(f.path, form)
					if r.status != http.StatusConflict || r.header.Get("Cache-Control") != "no-store" {
						t.Errorf("%s form to %s: %d to %q", name, f.path, r.status, r.header.Get("Location"))
						return
					}
					page := r.screen(t)
					page.one("p", "class", "whose").says("Signed in as " + eveEmail)
					want := "A different account is signed in here now"
					if account == "" {
						want = "This page is out of date"
					}
					page.one("h1").says(want)
					back := "/devices"
					if f.path == "/authorize" || form.Get("next") != "" { // of a request that an app waits for
						back = "/authorize?request=" + form.Get("request") + strings.TrimPrefix(form.Get("next"), "/authorize?request=")
					}
					if got := page.one("main").one("a", "class", "button").attr("href"); !strings.Contains(got, strings.TrimPrefix(back, "/authorize?")) {
						t.Errorf("%s form to %s leads back to %s, want %s", name, f.path, got, back)
					}
				})
			}
		}
		s.unchanged("a form without the field", func() {
			if r := b.do(http.MethodPost, "/devices/revoke-others", url.Values{}); r.status != http.StatusConflict {
				t.Errorf("%d", r.status)
			}
		})
		for _, r := range append(pages(t, http.MethodPost, phone.id), route{"POST", "/logout", "form"}) {
			if r.path == "/security" || r.path == "/security/later" || r.path == "/security/setup/code" {
				continue // an alias; on pages of people with a common password (password_later_test.go); of support staff (policy_test.go)
			}
			if r.guard == "form" && !seen[r.path] {
				t.Errorf("no page has a form to %s", r.path)
			}
		}
		b.expect(b.post("/devices/revoke-others", url.Values{"account": {b.account()}}), http.StatusSeeOther, "/devices")
		b.expect(b.post("/logout", url.Values{"account": {b.account()}}), http.StatusSeeOther, "/login")
		s.refreshed(phone.refresh)
	})
}

// A page stays good when its own account signs in again, and once no one is signed in it leads to the sign-in form.
func TestAPageStaysGoodForItsOwnAccount(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b, phone := s.signedIn(), s.login("phone")
		form := filled(b.shown("/devices/"+phone.id+"/revoke").one("form", "class", "decision"), "")
		s.clock.Advance(25 * time.Hour) // the browser's sign-in idles out
		b.expect(b.post("/devices/"+phone.id+"/revoke", form), http.StatusSeeOther, "/login")
		b.signIn(adaEmail, adaPassword)
		b.expect(b.post("/devices/"+phone.id+"/revoke", form), http.StatusSeeOther, "/devices")
		b.told("/devices", "You’ve signed out “phone”.")
		b.expect(b.post("/logout", form), http.StatusSeeOther, "/login")
		b.expect(b.post("/logout", form), http.StatusSeeOther, "/login")
	})
}

func TestASignInFormAsksBeforeItEndsSomebodyElsesSignIn(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.addUser(eveEmail, evePassword)
		b := s.browser()
		form := b.shown("/login").one("form", "action", "/login")
		form.none("input", "name", "account")
		b.signIn(eveEmail, evePassword)
		eve := b.account()
		for _, password := range []string{adaPassword, "a wrong guess"} { // either way: the password is not asked
			s.unchanged("a form made for nobody", func() {
				r := b.do(http.MethodPost, "/login", url.Values{"email": {adaEmail}, "password": {password}, "next": {"/security"}})
				page := r.screen(t)
				page.one("div", "class", "notice-error", "tabindex", "-1").says("You weren’t signed in. " + eveEmail + " has signed in on this browser since you opened this page. If you sign in now, that account is signed out on this browser.")
				page.one("input", "name", "account", "value", eve)
				page.one("input", "name", "next", "value", "/security")
				page.one("input", "name", "email", "value", adaEmail)
				if r.status != http.StatusConflict {
					t.Errorf("%d", r.status)
				}
			})
		}
		r := b.do(http.MethodPost, "/login", url.Values{"email": {adaEmail}, "password": {"a wrong guess"}, "account": {eve}})
		r.screen(t).one("input", "name", "account", "value", eve) // it need not be asked again
		b.expect(b.do(http.MethodPost, "/login", url.Values{"email": {adaEmail}, "password": {adaPassword}, "account": {eve}}), http.StatusSeeOther, "/devices")
		b.expect(b.do(http.MethodPost, "/login", url.Values{"email": {" ADA@example.com"}, "password": {adaPassword}}), http.StatusSeeOther, "/devices")
		b.shown("/devices").one("p", "class", "whose").says("Signed in as " + adaEmail)
	})
}
