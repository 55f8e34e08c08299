package web_test

import (
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"
	"time"
)

// stepAnswer is the form of a second step with a code.
func stepAnswer(form screen, code string) url.Values {
	return url.Values{"challenge": {form.one("input", "name", "challenge").attr("value")}, "method": {"totp"}, "code": {code}}
}

func TestATrustedBrowserSkipsTheSecondStepFor30Days(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		app := s.signedIn().addApp(adaPassword)
		b := s.browser()
		answer := stepAnswer(b.passwordRight(""), app.next(s))
		answer.Set("trust", "1")
		b.expect(b.post("/login/verify", answer), http.StatusSeeOther, "/devices")
		again := func(leads string) {
			t.Helper()
			b.post("/logout", nil)
			b.expect(b.post("/login", url.Values{"email": {adaEmail}, "password": {adaPassword}}), http.StatusSeeOther, leads)
		}
		again("/devices")
		s.clock.Advance(29 * 24 * time.Hour)
		again("/devices")
		s.clock.Advance(25 * time.Hour)
		again("/login/verify")
	})
}

func TestTrustEndsOnItsPageAndWithAChangeOfFactors(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		owner := s.signedIn()
		app := owner.addApp(adaPassword)
		trusted := func() *browser {
			t.Helper()
			b := s.browser()
			answer := stepAnswer(b.passwordRight(""), app.next(s))
			answer.Set("trust", "1")
			b.expect(b.post("/login/verify", answer), http.StatusSeeOther, "/devices")
			b.post("/logout", nil)
			return b
		}
		asks := func(b *browser) {
			t.Helper()
			b.expect(b.post("/login", url.Values{"email": {adaEmail}, "password": {adaPassword}}), http.StatusSeeOther, "/login/verify")
		}
		b := trusted()
		owner.expect(owner.post("/security/browsers/end", nil), http.StatusSeeOther, "/security/browsers")
		asks(b)

		b = trusted()
		owner.expect(owner.post("/security/app/remove", url.Values{"current_password": {adaPassword}, "code": {app.next(s)}}), http.StatusSeeOther, "/security/app")
		app = owner.addApp(adaPassword)
		asks(b)
	})
}

func TestOfManyUsesOfOneCodeOneSignsIn(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		app := s.signedIn().addApp(adaPassword)
		const n = 5 // as many as may try one challenge
		code := app.next(s)
		browsers, forms := make([]*browser, n), make([]url.Values, n)
		for i := range browsers {
			browsers[i] = s.browser()
			forms[i] = stepAnswer(browsers[i].passwordRight(""), code)
		}
		var in atomic.Int64
		together(n, func(i int) {
			if browsers[i].post("/login/verify", forms[i]).status == http.StatusSeeOther {
				in.Add(1)
			}
		})
		if in.Load() != 1 {
			t.Errorf("%d of %d sign-ins used the same code", in.Load(), n)
		}
	})
}
