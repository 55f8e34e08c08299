package web_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/auth/ratelimit"
	"latchkey/auth/services"
	"latchkey/models"
	"latchkey/web"
)

// thief is a browser of a person who is not the account's owner.
func (s *site) thief() *browser {
	b := s.browser()
	b.agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
	return b
}

// noDeviceOf fails when the thief's browser, or an app, is among ada's devices.
func (s *site) noDeviceOf(thief *browser, live int) {
	s.t.Helper()
	for _, path := range []string{"/devices", "/activity", "/security", "/security/codes", "/security/data", "/support"} {
		if r := thief.get(path); r.status != http.StatusSeeOther || !strings.HasPrefix(r.header.Get("Location"), "/login") {
			s.t.Errorf("a half-signed-in browser gets %s: %d to %q", path, r.status, r.header.Get("Location"))
		}
	}
	if names := s.liveBrowsers(adaEmail); len(names) != live {
		s.t.Errorf("%d browsers are signed in, want %d: %q", len(names), live, names)
	}
}

func TestAThiefWithThePasswordIsStoppedAndTheOwnerIsTold(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		s.signedIn().addApp(adaPassword)
		s.mails()
		thief := s.thief()
		told := func(when string, want int) {
			t.Helper()
			got := 0
			for _, m := range s.mails() {
				if m.To == adaEmail && m.Subject == "Someone may know your password" {
					got++
				}
			}
			if got != want {
				t.Errorf("%s: the owner gets %d mails about it, want %d", when, got, want)
			}
		}
		wrong := func(n int) {
			t.Helper()
			form := thief.passwordRight("")
			for left := n - 1; left >= 0; left-- {
				if r := thief.post("/login/verify", stepAnswer(form, "123123")); r.status != http.StatusUnprocessableEntity {
					t.Fatalf("a wrong code with %d to follow: %d", left, r.status)
				}
			}
			if r := thief.post("/login/verify", stepAnswer(form, "123123")); n == 5 && r.status != http.StatusConflict {
				t.Errorf("a sixth code: %d", r.status)
			}
		}
		wrong(5)
		s.noDeviceOf(thief, 1)
		told("five wrong codes", 1)
		wrong(5)
		told("ten wrong codes on one day", 0)
		form := thief.passwordRight("")
		if r := thief.post("/login/verify", stepAnswer(form, "123123")); r.status != http.StatusTooManyRequests {
			t.Errorf("the eleventh wrong code in an hour: %d", r.status)
		}
		if n := countKind(s.eventsOf(adaEmail), models.EventSecondStepMissed); n != 1 {
			t.Errorf("%d events of a missed second step on one day, want 1", n)
		}

		r := s.tryLogin(adaEmail, adaPassword, "phone")
		var problem map[string]any
		if err := json.Unmarshal([]byte(r.body), &problem); err != nil || r.status != http.StatusForbidden || problem["code"] != "second_factor_required" {
			t.Errorf("an app: %d %s", r.status, r.body)
		}
		if strings.Contains(r.body, "token") {
			t.Errorf("a half-signed-in app has a token: %s", r.body)
		}
		s.noDeviceOf(thief, 1)

		s.clock.Advance(25 * time.Hour)
		wrong(5)
		told("on the next day", 1)
	})
}

func TestAWrongPasswordTellsNothingAboutTheSecondFactor(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.addUser("eve@example.com", evePassword)
		s.signedIn().addApp(adaPassword)
		with, without := s.tryLogin(adaEmail, "not her password", "phone"), s.tryLogin("eve@example.com", "not her password", "phone")
		strip := func(r reply) string {
			var p map[string]any
			if err := json.Unmarshal([]byte(r.body), &p); err != nil {
				t.Fatal(err)
			}
			delete(p, "request_id")
			return fmt.Sprint(r.status, p)
		}
		if strip(with) != strip(without) {
			t.Errorf("with a second factor %s, without %s", with.body, without.body)
		}
	})
}

func TestACodeSeenOverTheShoulderWorksOnce(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		owner := s.signedIn()
		app := owner.addApp(adaPassword)
		seen := app.next(s)
		b := s.browser()
		b.expect(b.post("/login/verify", stepAnswer(b.passwordRight(""), seen)), http.StatusSeeOther, "/devices")
		thief := s.thief()
		for range 2 { // at once, and while the step is still accepted
			if r := thief.post("/login/verify", stepAnswer(thief.passwordRight(""), seen)); r.status != http.StatusUnprocessableEntity {
				t.Errorf("the code a second time: %d to %q", r.status, r.header.Get("Location"))
			}
			s.clock.Advance(20 * time.Second)
		}
		s.noDeviceOf(thief, 2)

		// The other way round: the thief is faster at an act that asks for a code.
		seen = app.next(s)
		fresh := s.browser()
		fresh.expect(fresh.post("/login/verify", stepAnswer(fresh.passwordRight(""), seen)), http.StatusSeeOther, "/devices")
		if r := owner.post("/security/app/remove", url.Values{"current_password": {adaPassword}, "code": {seen}}); r.status != http.StatusUnprocessableEntity {
			t.Errorf("the code of a sign-in confirms an act: %d", r.status)
		}
	})
}

// raced is how many uses of one proof are raced.
func raced() int {
	if os.Getenv("LATCHKEY_SOAK") == "1" {
		return 300
	}
	return 30
}

// roomForRaces lets that many sign-ins of one account begin.
func roomForRaces(a *services.Config, _ *web.Config) {
	a.Budgets = ratelimit.Budgets{Window: 10_000, Day: 10_000}
}

// race answers n second steps at once and returns how many of them signed in.
func race(browsers []*browser, answers []url.Values) int64 {
	var in atomic.Int64
	together(len(browsers), func(i int) {
		if r := browsers[i].post("/login/verify", answers[i]); r.status == http.StatusSeeOther && r.header.Get("Location") == "/devices" {
			in.Add(1)
		}
	})
	return in.Load()
}

func TestOfManyRacedUsesOfOneProofOneWins(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		owner := s.signedIn()
		app := owner.addApp(adaPassword)
		codes := owner.shownAfter("/security/codes", url.Values{"current_password": {adaPassword}, "code": {app.next(s)}}).texts("code")
		if len(codes) != 10 {
			t.Fatalf("recovery codes %q", codes)
		}
		n := raced()
		waiting := func() (list []*browser, forms []screen) {
			for range n {
				b := s.browser()
				list, forms = append(list, b), append(forms, b.passwordRight(""))
			}
			return list, forms
		}
		live := len(s.liveBrowsers(adaEmail))
		won := func(what string, n int64) {
			t.Helper()
			if now := len(s.liveBrowsers(adaEmail)); n != 1 || now != live+1 {
				t.Errorf("%s: %d answers signed in, and %d more devices are there; want 1", what, n, now-live)
			}
			live = len(s.liveBrowsers(adaEmail))
		}

		browsers, forms := waiting()
		code := app.next(s)
		var answers []url.Values
		for _, form := range forms {
			answers = append(answers, stepAnswer(form, code))
		}
		won("one code", race(browsers, answers))

		browsers, forms = waiting()
		answers = nil
		for _, form := range forms {
			a := stepAnswer(form, codes[0])
			a.Set("method", "recovery_code")
			answers = append(answers, a)
		}
		won("one recovery code", race(browsers, answers))
		if used := countKind(s.eventsOf(adaEmail), models.EventRecoveryCodeUsed); used != 1 {
			t.Errorf("%d events of a used recovery code", used)
		}

		// One challenge, copied to many browsers, with a right answer of its own for each.
		first := s.browser()
		form := first.passwordRight("")
		copied := first.cookie("latchkey-step")
		browsers, answers = nil, nil
		for i := range n {
			a := stepAnswer(form, codes[1+i%9])
			a.Set("method", "recovery_code")
			b := s.browser()
			b.carry(copied)
			browsers, answers = append(browsers, b), append(answers, a)
		}
		won("one challenge", race(browsers, answers))
		if used := countKind(s.eventsOf(adaEmail), models.EventRecoveryCodeUsed); used != 2 {
			t.Errorf("the challenge that one answer used took %d recovery codes", used-1)
		}
	}, roomForRaces)
}

// shownAfter is the page that a form's post shows.
func (b *browser) shownAfter(path string, form url.Values) screen {
	b.t.Helper()
	r := b.post(path, form)
	if r.status != http.StatusOK {
		b.t.Fatalf("POST %s: %d to %q\n%s", path, r.status, r.header.Get("Location"), r.body)
	}
	return r.screen(b.t)
}

// carry puts a copied cookie into a browser.
func (b *browser) carry(c *http.Cookie) {
	b.t.Helper()
	base, err := url.Parse(b.URL)
	if err != nil {
		b.t.Fatal(err)
	}
	b.client.Jar.SetCookies(base, []*http.Cookie{c})
}

// A sealed challenge has no row: its use must be known in every spelling of the same text.
func TestASealedChallengeWorksOnceInEverySpelling(t *testing.T) {
	eachLocal(t, func(t *testing.T, s *site) {
		owner := s.signedIn()
		k := owner.addPasskey(url.Values{"current_password": {adaPassword}})
		b := s.browser()
		answer := k.confirm(b.shown("/login").one("form", "action", "/login/passkey"))
		b.expect(b.post("/login/passkey", answer), http.StatusSeeOther, "/devices")
		sealed := answer.Get("challenge")
		for _, spelling := range []string{sealed, sealed + "\n", sealed + "\r\n", sealed[:20] + "\n" + sealed[20:], "s." + "\r" + sealed[2:]} {
			answer.Set("challenge", spelling)
			thief := s.thief()
			if r := thief.post("/login/passkey", answer); r.status == http.StatusSeeOther {
				t.Errorf("the same answer signs in once more with the challenge %q", spelling[max(0, len(spelling)-8):])
			}
		}
		var confirm url.Values
		for range 2 { // the second time they replace others, which always asks
			confirm = k.confirm(owner.shown("/security/codes").one("form", "action", "/security/codes"))
			owner.shownAfter("/security/codes", confirm)
		}
		confirm.Set("challenge", confirm.Get("challenge")+"\n")
		if r := owner.post("/security/codes", confirm); r.status == http.StatusOK {
			t.Error("one confirmation made recovery codes twice")
		}
	})
}

// A form that is sent twice at once: both answers lead on, to one and the same sign-in.
func TestASecondStepThatIsSentTwiceAtOnceSignsInOnce(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		app := s.signedIn().addApp(adaPassword)
		for range 5 {
			b := s.browser()
			answer := stepAnswer(b.passwordRight(""), app.next(s))
			cookies, live := cookieHeader(b), len(s.liveBrowsers(adaEmail))
			replies := make([]reply, 2)
			together(2, func(i int) { replies[i] = b.do(http.MethodPost, "/login/verify", answer, "Cookie", cookies) })
			for _, r := range replies {
				if r.status != http.StatusSeeOther || r.header.Get("Location") != "/devices" {
					t.Errorf("a form that was sent twice: %d to %q", r.status, r.header.Get("Location"))
				}
			}
			if now := len(s.liveBrowsers(adaEmail)); now != live+1 {
				t.Errorf("%d sign-ins", now-live)
			}
		}
	}, roomForRaces)
}

// A thief who has the password begins sign-ins until their budget is used up. The owner's passkey must still open the account.
func TestAThiefWithThePasswordCannotKeepThePasskeyOut(t *testing.T) {
	eachLocal(t, func(t *testing.T, s *site) {
		k := s.signedIn().addPasskey(url.Values{"current_password": {adaPassword}})
		thief := s.thief()
		refused := false
		for range 5 {
			r := thief.post("/login", url.Values{"email": {adaEmail}, "password": {adaPassword}})
			refused = refused || r.status == http.StatusTooManyRequests
		}
		if !refused {
			t.Fatal("the budget is not used up")
		}
		b := s.browser()
		b.expect(b.post("/login/passkey", k.confirm(b.shown("/login").one("form", "action", "/login/passkey"))), http.StatusSeeOther, "/devices")
	}, func(a *services.Config, _ *web.Config) { a.Budgets = ratelimit.Budgets{Window: 3, Day: 3} })
}
