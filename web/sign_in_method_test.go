package web_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/models"
)

// signedInBy is what the devices page says of this browser.
func (b *browser) signedInBy() string {
	b.t.Helper()
	for _, fact := range b.shown("/devices").one("div", "class", "device-current").texts("span") {
		if strings.HasPrefix(fact, "Signed in ") {
			return fact
		}
	}
	return ""
}

func TestADeviceTellsHowItSignedIn(t *testing.T) {
	eachLocalPost(t, func(t *testing.T, s *postOffice) {
		told := map[models.SignInMethod]string{}
		note := func(b *browser) {
			u, err := s.auth.Operator.FindUser(t.Context(), adaEmail)
			if email := b.shown("/devices").one("p", "class", "whose").attr("title"); email != adaEmail {
				u, err = s.auth.Operator.FindUser(t.Context(), email)
			}
			if err != nil {
				t.Fatal(err)
			}
			list, err := s.store.Devices(t.Context(), u.ID, [16]byte{}, 100)
			if err != nil {
				t.Fatal(err)
			}
			told[list[len(list)-1].SignedInBy] = b.signedInBy()
			s.clock.Advance(time.Second) // so that the next device comes last
		}
		note(s.signedIn())
		o := s.protected(adaEmail)
		alone := s.browser()
		alone.expect(alone.post("/login/passkey", o.key.confirm(alone.shown("/login").one("form", "action", "/login/passkey"))), http.StatusSeeOther, "/devices")
		note(alone)
		step := func(b *browser, answer func(form screen) url.Values) {
			form := b.passwordRight("")
			values := answer(form)
			values.Set("challenge", form.one("input", "name", "challenge").attr("value"))
			b.expect(b.post("/login/verify", values), http.StatusSeeOther, "/devices")
			note(b)
			s.exec("DELETE FROM attempts")
		}
		trusting := s.browser()
		step(trusting, func(screen) url.Values {
			return url.Values{"method": {"totp"}, "code": {o.app.next(s.site)}, "trust": {"1"}}
		})
		trusting.expect(trusting.post("/logout", nil), http.StatusSeeOther, "/login")
		trusting.signIn(adaEmail, adaPassword)
		note(trusting)
		step(s.browser(), func(screen) url.Values { return url.Values{"method": {"recovery_code"}, "code": {o.codes[0]}} })
		step(s.browser(), func(form screen) url.Values {
			return url.Values{"method": {"passkey"}, "passkey": {o.key.answer(form.one("div", "id", "passkey").attr("data-options"))}}
		})

		link, bea := s.signUp(s.browser(), beaEmail, adaPassword, ""), s.browser()
		bea.opened(link)
		bea.expect(bea.confirm(adaPassword), http.StatusSeeOther, "/devices")
		note(bea)
		cid := s.browser()
		cid.opened(s.invited("cid@example.com"))
		cid.expect(cid.accept(adaPassword), http.StatusSeeOther, "/devices")
		note(cid)

		want := map[models.SignInMethod]string{
			models.ByPassword: "with a password", models.ByPasswordTOTP: "with a password and a code", models.ByPasswordRecoveryCode: "with a password and a recovery code",
			models.ByPasswordPasskey: "with a password and a passkey", models.ByPasswordTrustedBrowser: "with a password in a trusted browser",
			models.ByPasskey: "with a passkey", models.BySignUp: "at sign-up", models.ByInvitation: "with an invitation",
		}
		for _, method := range models.SignInMethods {
			if want[method] == "" || !strings.HasSuffix(told[method], " "+want[method]) {
				t.Errorf("%s: the page says %q", method, told[method])
			}
			delete(told, method)
		}
		if len(told) > 0 {
			t.Errorf("other methods: %v", told)
		}
		s.exec("UPDATE devices SET signed_in_by = 'a later release'")
		if said := bea.signedInBy(); said == "" || slices.ContainsFunc(models.SignInMethods, func(m models.SignInMethod) bool { return strings.Contains(said, want[m]) }) {
			t.Errorf("a method of a later release: %q", said)
		}
	})
}
