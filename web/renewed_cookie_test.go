package web_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"latchkey/auth"
	"latchkey/auth/services"
	"latchkey/models"
	"latchkey/web"
)

// copied is another browser with the same cookies: a thief's copy of them, or a tab that has not got the latest answer.
func (b *browser) copied() *browser {
	b.t.Helper()
	base, err := url.Parse(b.URL)
	if err != nil {
		b.t.Fatal(err)
	}
	other := b.browser()
	jar, err := cookiejar.New(nil)
	if err != nil {
		b.t.Fatal(err)
	}
	jar.SetCookies(base, b.client.Jar.Cookies(base))
	other.client.Jar = jar
	return other
}

func (b *browser) confirmsADownload() {
	b.t.Helper()
	if r := b.download(adaPassword); r.status != http.StatusOK {
		b.t.Fatalf("%d %s", r.status, r.body)
	}
}

func TestALostAnswerToAConfirmationSignsNoOneOut(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.signedIn()
		lost := b.copied()
		lost.confirmsADownload() // its cookie never reaches b
		for range 3 {
			s.clock.Advance(time.Hour)
			b.shown("/devices")
		}
		before := b.cookie("latchkey").Value
		b.confirmsADownload()
		if b.cookie("latchkey").Value == before {
			t.Error("the browser got no new secret")
		}
		b.shown("/devices")
		s.clock.Advance(11 * time.Second)
		b.shown("/devices")
		lost.expect(lost.get("/devices"), http.StatusSeeOther, "/login")
	})
}

func TestAConfirmationInOneTabLeavesTheOtherSignedIn(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.signedIn()
		tab := b.copied() // its request was on its way with the old cookie
		b.confirmsADownload()
		tab.shown("/devices")
		b.shown("/devices")
		s.clock.Advance(9 * time.Second)
		tab.shown("/devices")
		s.clock.Advance(2 * time.Second)
		tab.expect(tab.get("/devices"), http.StatusSeeOther, "/login")
		b.shown("/devices")
	})
}

// The second of two sendings comes with the cookie from before the first. It changes nothing, whichever answer comes last.
func TestAFormThatIsSentTwiceRenewsTheCookieOnce(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.signedIn()
		again := b.copied()
		old := again.cookie("latchkey").Value
		b.confirmsADownload()
		again.confirmsADownload()
		if b.cookie("latchkey").Value == old || again.cookie("latchkey").Value != old {
			t.Error("not the first answer alone has a new cookie")
		}
		again.shown("/devices") // perhaps the first answer was lost
		s.clock.Advance(2 * time.Minute)
		b.shown("/devices")
		s.clock.Advance(11 * time.Second)
		b.shown("/devices")
	})
}

func TestACopiedCookieIsSignedOutByTheOwnersConfirmation(t *testing.T) {
	eachLocalPost(t, func(t *testing.T, s *postOffice) {
		o := &owner{browser: s.signedIn(), email: adaEmail, password: adaPassword}
		signsOut := func(what string, confirm func()) {
			t.Helper()
			thief := o.copied()
			thief.shown("/devices")
			confirm()
			thief.shown("/devices") // the owner may have lost the answer
			o.shown("/devices")
			s.clock.Advance(11 * time.Second)
			if r := thief.get("/devices"); r.status != http.StatusSeeOther || r.header.Get("Location") != "/login" {
				t.Errorf("%s: the copy shows %d", what, r.status)
			}
			o.shown("/devices")
		}
		signsOut("a password", o.confirmsADownload)
		var k *keychain
		signsOut("a first factor", func() { k = o.addPasskey(url.Values{"current_password": {adaPassword}}) })
		signsOut("a passkey", func() { o.does(sensitiveActs()[2], "a passkey", k.confirm) })
	})
}

// A copy of the cookie from before a confirmation still works for a moment, and lets no app in as if its holder had confirmed.
func TestTheFormerCookieIsNoFreshProof(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.addNotes()
		b := s.signedIn()
		s.clock.Advance(20 * time.Minute)
		thief := b.copied()
		b.confirmsADownload()
		page := thief.asks()
		thief.shown(page).one("input", "name", "current_password")
		if r := thief.allows(page); r.status != http.StatusUnprocessableEntity {
			t.Errorf("the former cookie lets an app in: %d to %s", r.status, r.header.Get("Location"))
		}
		if v := b.answered(b.allows(b.asks()), notesURI); s.redeem(v.Get("code")).status != http.StatusOK {
			t.Errorf("the owner, who has just confirmed: %v", v)
		}
		thief.shown("/devices") // the copy lives on for these seconds
	})
}

// SECURITY.md promises it: what a copied cookie cannot do, it cannot do in the minutes after the sign-in or a confirmation either.
func TestACopiedCookieDoesNoSensitiveAct(t *testing.T) {
	eachLocalPost(t, func(t *testing.T, s *postOffice) {
		ada := &owner{browser: s.signedIn(), email: adaEmail, password: adaPassword}
		thief := &owner{browser: ada.copied(), email: adaEmail, password: adaPassword}
		nothing := typed(nil)
		for _, a := range append(sensitiveActs()[:4], deletion) {
			thief.refuses(a, "a cookie, after the sign-in", "current_password", nothing)
		}
		app := ada.addApp(adaPassword)
		for what, copied := range map[string]*browser{"the former cookie": thief.browser, "the present cookie": ada.copied()} {
			thief := &owner{browser: copied, email: adaEmail, password: adaPassword}
			for _, a := range append(sensitiveActs()[:4], deletion) {
				thief.refuses(a, what, "current_password", nothing)
			}
			for path, form := range map[string]url.Values{"/security/codes": {"guided": {"1"}}, "/security/app/remove": nil} {
				if r := copied.post(path, form); r.status == http.StatusOK || r.status == http.StatusSeeOther {
					t.Errorf("%s: %s answers %d", what, path, r.status)
				}
			}
		}
		if r := ada.post("/security/codes", url.Values{"current_password": {adaPassword}, "code": {app.next(s.site)}}); r.status != http.StatusOK {
			t.Errorf("the owner's codes: %d", r.status)
		}
	})
}

// The set-up that a sign-in leads straight into counts as that sign-in: on the page that it led to, and not for its cookie.
func TestASignInCountsForTheSetUpThatItLeadsInto(t *testing.T) {
	required := func(a *services.Config, _ *web.Config) { a.SecondFactor = auth.FactorRequired }
	each(t, func(t *testing.T, s *site) {
		b := s.browser()
		r := b.post("/login", url.Values{"email": {adaEmail}, "password": {adaPassword}, "next": {"/activity"}})
		led := r.header.Get("Location")
		if r.status != http.StatusSeeOther || !strings.HasPrefix(led, "/security/setup?ticket=") || !strings.HasSuffix(led, "&next=%2Factivity") {
			t.Fatalf("%d to %q", r.status, led)
		}
		form := func(b *browser, path string) (url.Values, authenticator) {
			page := b.shown(path).one("form", "action", "/security/app")
			values, app := url.Values{}, authenticator{b.secretOf(page.text())}
			for _, hidden := range page.all("input", "type", "hidden") {
				values.Set(hidden.attr("name"), hidden.attr("value"))
			}
			values.Set("app_code", app.code(s))
			return values, app
		}
		thief := b.copied()
		values, _ := form(thief, "/security/setup?method=app")
		for _, ticket := range []string{"", "guess"} {
			values.Set("ticket", ticket)
			if r := thief.post("/security/app", values); r.status != http.StatusUnprocessableEntity || len(r.screen(t).all("p", "id", "current_password-problem")) != 1 {
				t.Errorf("the thief's app with ticket %q: %d", ticket, r.status)
			}
		}
		values, _ = form(b, led+"&method=app")
		other := s.browser() // the same person's: the ticket is of one sign-in
		other.post("/login", url.Values{"email": {adaEmail}, "password": {adaPassword}})
		if r := other.post("/security/app", values); r.status != http.StatusUnprocessableEntity {
			t.Errorf("the ticket in another browser: %d", r.status)
		}
		r = b.post("/security/app", values)
		led = r.header.Get("Location")
		if r.status != http.StatusSeeOther || !strings.HasPrefix(led, "/security/setup?ticket=") {
			t.Fatalf("%d to %q: %s", r.status, led, r.body)
		}
		if r := b.copied().post("/security/codes", url.Values{"guided": {"1"}}); r.status == http.StatusOK {
			t.Error("the thief gets recovery codes")
		}
		codes := url.Values{"guided": {"1"}, "ticket": {b.shown(led).one("form", "action", "/security/codes").one("input", "name", "ticket").attr("value")}}
		late := b.copied()
		if r := b.post("/security/codes", codes); r.status != http.StatusOK || len(r.screen(t).texts("code")) != 10 {
			t.Errorf("the owner's codes: %d", r.status)
		}
		if r := late.post("/security/codes", codes); r.status == http.StatusOK {
			t.Error("the ticket makes codes again")
		}
	}, required)
}

// A sign-in that is sent again after a confirmation finds its browser, and leaves it the newer cookie.
func TestASignInThatIsSentAgainAfterAConfirmationIsOne(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.browser()
		b.shown("/login")
		cookies, form := cookieHeader(b), url.Values{"email": {adaEmail}, "password": {adaPassword}}
		b.expect(b.post("/login", form), http.StatusSeeOther, "/devices")
		again := func(path string, form url.Values, cookies string) {
			t.Helper()
			form.Set("account", "")
			b.expect(b.do(http.MethodPost, path, form, "Cookie", cookies), http.StatusSeeOther, "/devices")
			if live := s.liveBrowsers(adaEmail); len(live) != 1 {
				t.Errorf("%s: signed in are %q", path, live)
			}
			s.clock.Advance(11 * time.Second)
			b.shown("/devices")
		}
		b.confirmsADownload()
		b.shown("/devices")
		again("/login", form, cookies)

		app := b.addApp(adaPassword)
		b.expect(b.post("/logout", nil), http.StatusSeeOther, "/login")
		step := b.passwordRight("")
		cookies = cookieHeader(b)
		answer := url.Values{"challenge": {step.one("input", "name", "challenge").attr("value")}, "method": {"totp"}, "code": {app.next(s)}}
		b.expect(b.post("/login/verify", answer), http.StatusSeeOther, "/devices")
		again("/login/verify", answer, cookies)
		if r := b.post("/security/data", url.Values{"current_password": {adaPassword}, "code": {app.next(s)}}); r.status != http.StatusOK {
			t.Fatalf("%d", r.status)
		}
		b.shown("/devices")
		again("/login/verify", answer, cookies)
	})
}

// A change of password that is sent twice is done once, and its code is not a wrong one.
func TestAChangeOfPasswordWithASecondFactorIsSentTwice(t *testing.T) {
	eachLocalPost(t, func(t *testing.T, s *postOffice) {
		o := s.protected(adaEmail)
		for n, proof := range []func(form screen) url.Values{typed(o.byCode()), o.key.confirm, typed(o.byRecoveryCode())} {
			for what, send := range map[string]func(form url.Values) []reply{
				"one after the other": func(form url.Values) []reply {
					cookies := cookieHeader(o.browser)
					return []reply{o.post("/security/password", form), o.do(http.MethodPost, "/security/password", form, "Cookie", cookies)}
				},
			} {
				form := proof(o.shown("/security/password"))
				form.Set("account", o.account())
				if form.Has("current_password") {
					form.Set("current_password", o.password)
				}
				next := numbered("a fine day %d at the sea", n+1)[n]
				form.Set("new_password", next)
				for _, r := range send(form) {
					if r.status != http.StatusSeeOther || r.header.Get("Location") != "/devices" {
						t.Fatalf("%d, %s: %d %s", n, what, r.status, r.screen(t).one("main").text())
					}
				}
				o.password = next
			}
			s.exec("DELETE FROM attempts")
		}
		// And both under way at once.
		form := o.byCode()
		form.Set("new_password", "a fine day at once")
		form.Set("account", o.account())
		tabs := []*browser{o.copied(), o.copied()}
		together(2, func(i int) {
			if r := tabs[i].post("/security/password", form); r.status != http.StatusSeeOther {
				t.Errorf("at once: %d %s", r.status, r.screen(t).one("main").text())
			}
		})
		list := s.eventsOf(adaEmail)
		if n := countKind(list, models.EventPasswordChanged); n != 4 {
			t.Errorf("%d changes are told, want 4", n)
		}
		for _, kind := range []models.EventKind{models.EventPasswordFailed, models.EventCodeFailed} {
			if n := countKind(list, kind); n != 0 {
				t.Errorf("%d %s are told", n, kind)
			}
		}
	})
}
