package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/auth/notify"
	"latchkey/auth/token"
	"latchkey/models"
	"latchkey/models/modelstest"
)

const newPassword = "eight lemons in a bowl"

func (b *browser) forget(email string) {
	b.t.Helper()
	b.expect(b.post("/forgot", url.Values{"email": {email}}), http.StatusSeeOther, "/forgot/sent")
}

func (b *browser) choose(password string) reply {
	b.t.Helper()
	return b.post("/reset", url.Values{"new_password": {password}})
}

func TestAForgottenPasswordIsReplacedFromTheMail(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		home, p := s.signedIn(), s.login("phone")
		alarm := s.link(s.mail())
		s.browser().opened(alarm)
		thief := s.browser()
		thief.opened(alarm)
		thief.expect(thief.post("/not-me", nil), http.StatusSeeOther, thief.links["/not-me"]) // the password is locked, too
		s.clock.Advance(time.Minute)

		b := s.browser()
		b.shown("/login").one("a", "href", "/forgot")
		b.shown("/forgot").one("form", "action", "/forgot", "method", "post")
		b.forget(" ADA@example.com ")
		b.shown("/forgot/sent").one("h1").says("Check your e-mail")
		m := s.mail()
		if m.To != adaEmail || m.Subject != "Choose a new password" || !strings.Contains(m.Text, "127.0.0.1") || !strings.Contains(m.Text, "Firefox on Linux") {
			t.Errorf("to %q: %q\n%s", m.To, m.Subject, m.Text)
		}
		link := s.link(m)
		s.unchanged("looking at the link", func() {
			for range 3 {
				s.browser().get(link)
				form := b.opened(link).one("form", "action", b.links["/reset"])
				form.one("input", "autocomplete", "username", "value", adaEmail)
				form.none("input", "name", "current_password")
			}
		})
		for bad, problem := range map[string]string{"": "This is required.", adaPassword: "Choose a password that’s different from your current one.", "short": "Use at least 12 characters.", adaEmail: "Choose a password that isn’t your e-mail address."} {
			r := b.choose(bad)
			if r.status != http.StatusUnprocessableEntity {
				t.Fatalf("%q: %d", bad, r.status)
			}
			r.screen(t).one("p", "id", "new_password-problem").says(problem)
		}
		b.expect(b.choose(newPassword), http.StatusSeeOther, "/login")
		b.told("/login", "You’ve changed your password, and every device was signed out. Sign in with your new password.").one("input", "name", "email", "value", adaEmail)
		home.expect(home.get("/devices"), http.StatusSeeOther, "/login")
		s.refused(p.refresh, token.ReasonRevoked)
		if r := s.tryLogin(adaEmail, adaPassword, "phone"); r.status != http.StatusUnauthorized {
			t.Errorf("the old password: %d", r.status)
		}
		b.signIn(adaEmail, newPassword)
		list := s.mails()
		if len(list) != 1 || list[0].Subject != "Your password was changed" { // the browser that chose it is known
			t.Errorf("the owner is not told: %+v", list)
		}
		s.clock.Advance(10 * time.Minute)
		s.unchanged("used links", func() {
			s.browser().dead("used", link)
			b.dead("pressed twice", "/reset")
		})
		if got := b.shown("/activity").texts("p", "class", "event-text"); !strings.Contains(strings.Join(got, "|"), "You chose a new password with the link in an e-mail.") {
			t.Errorf("the activity says %q", got)
		}
	})
}

func TestALinkToANewPasswordIsGoodForItsTimeAndAccountOnly(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		s.addUser("eve@example.com", evePassword)
		ask := func(email string) string {
			s.clock.Advance(15 * time.Minute) // past the limits
			s.browser().forget(email)
			return s.link(s.mail())
		}
		first := ask(adaEmail)
		second := ask(adaEmail)
		s.browser().opened(first) // a newer one, which a stranger can ask for, ends no older one
		eves := ask("eve@example.com")
		alarms := strings.Replace(second, "/reset", "/not-me", 1)
		s.unchanged("links that are no good", func() {
			s.browser().dead("of another purpose", alarms)
			s.browser().dead("truncated", second[:len(second)-1])
			s.browser().dead("garbage", "/reset?token=x")
			s.browser().dead("none", "/reset")
		})
		if _, err := s.auth.Operator.Disable(t.Context(), adaEmail); err != nil {
			t.Fatal(err)
		}
		s.browser().dead("of a disabled account", second)
		if err := s.auth.Operator.Enable(t.Context(), adaEmail); err != nil {
			t.Fatal(err)
		}
		s.browser().dead("of an account that was disabled", second)
		b := s.browser()
		b.opened(eves)
		b.expect(b.choose(newPassword), http.StatusSeeOther, "/login")
		s.browser().signIn(adaEmail, adaPassword) // is hers alone
		s.browser().signIn("eve@example.com", newPassword)
		late := s.browser()
		s.clock.Advance(time.Second)
		s.mails()
		third := ask(adaEmail)
		late.opened(third)
		s.clock.Advance(notify.ResetLife)
		late.dead("half an hour old", third)
	})
}

func TestOfTwentyAnswersToOneLinkOneCounts(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		s.browser().forget(adaEmail)
		link := s.link(s.mail())
		browsers := make([]*browser, 20)
		for i := range browsers {
			browsers[i] = s.browser()
			browsers[i].opened(link)
		}
		var won atomic.Int64
		together(len(browsers), func(i int) {
			for {
				r := browsers[i].choose(fmt.Sprintf("%s %d", newPassword, i))
				switch r.status {
				case http.StatusSeeOther:
					won.Add(1)
				case http.StatusServiceUnavailable: // too many hash at once: nothing was used up
					continue
				default:
					t.Errorf("%d %s", r.status, r.body)
				}
				return
			}
		})
		if won.Load() != 20 || s.acts(models.EventPasswordReset) != 1 {
			t.Errorf("%d led on, %d changed the password", won.Load(), s.acts(models.EventPasswordReset))
		}
		var signedIn int
		for i := range browsers {
			s.clock.Advance(notify.ResetLife)
			if s.tryLogin(adaEmail, fmt.Sprintf("%s %d", newPassword, i), "phone").status == http.StatusOK {
				signedIn++
			}
		}
		if signedIn != 1 {
			t.Errorf("%d passwords are good", signedIn)
		}
	})
}

// Whether an address has an account shows neither in the answer, nor in its cookies, nor in what it costs.
func TestAForgottenPasswordTellsNobodyWhoHasAnAccount(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		s.addUser("closed@example.com", evePassword)
		if _, err := s.auth.Operator.Disable(t.Context(), "closed@example.com"); err != nil {
			t.Fatal(err)
		}
		s.mails()
		type cost struct {
			status                   int
			location, body, set      string
			statements, links, mails int64
		}
		count := func(table string) (n int64) {
			if err := s.store.Pools()[0].QueryRowContext(t.Context(), "SELECT count(*) FROM "+table).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		ask := func(email string) (c cost) {
			links, mails, before := count("one_time_tokens"), count("mails"), s.statements.Load()
			r := s.browser().post("/forgot", url.Values{"email": {email}})
			c = cost{r.status, r.header.Get("Location"), r.body, strings.Join(r.header.Values("Set-Cookie"), ""), s.statements.Load() - before, 0, 0}
			c.links, c.mails = count("one_time_tokens")-links, count("mails")-mails
			return c
		}
		known := ask(adaEmail)
		if known.status != http.StatusSeeOther || known.links != 1 || known.mails != 1 {
			t.Fatalf("%+v", known)
		}
		for _, email := range []string{"nobody@example.com", "closed@example.com", "no address at all"} {
			if got := ask(email); got != known {
				t.Errorf("%s: %+v, a known address: %+v", email, got, known)
			}
		}
		if list := s.mails(); len(list) != 1 || list[0].To != adaEmail || count("mails") != 0 {
			t.Errorf("%d mails arrive, %d wait: %+v", len(list), count("mails"), list)
		}
		for name, email := range map[string]string{"known": adaEmail, "unknown": "nobody@example.com"} {
			for range 2 {
				s.browser().forget(email)
			}
			r := s.browser().post("/forgot", url.Values{"email": {strings.ToUpper(email)}})
			if r.status != http.StatusTooManyRequests || r.header.Get("Retry-After") != "900" {
				t.Errorf("%s: a fourth mail in a quarter of an hour: %d", name, r.status)
			}
		}
		if list := s.mails(); len(list) != 2 {
			t.Errorf("%d more mails arrive", len(list))
		}
		for i := range 12 {
			s.browser().forget(fmt.Sprintf("somebody-%d@example.com", i))
		}
		if r := s.browser().post("/forgot", url.Values{"email": {"one-more@example.com"}}); r.status != http.StatusTooManyRequests {
			t.Errorf("a twenty-first from one network: %d", r.status)
		}
	})
}

func TestWithoutMailAForgottenPasswordIsTheOperators(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		page := s.browser().shown("/forgot")
		page.none("form", "action", "/forgot")
		if !strings.Contains(page.one("main").text(), "Ask your administrator") {
			t.Errorf("%q", page.one("main").text())
		}
		s.unchanged("asking all the same", func() {
			if r := s.browser().post("/forgot", url.Values{"email": {adaEmail}}); r.status != http.StatusNotFound {
				t.Errorf("%d", r.status)
			}
		})
	})
}

func TestAPersonGetsBackInFromTheMailInARealBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("LEFT OUT: a short run does not test the portal in a browser")
	}
	for _, width := range []int64{390, 800} {
		t.Run(fmt.Sprintf("%d pixels wide", width), func(t *testing.T) {
			chromium(t) // before a database is made
			s := newPostOffice(t, modelstest.MigratedSQLite(t))
			phone := s.login("phone")
			c := openTab(t, s.URL, width, false)
			c.open("/login", http.StatusOK)
			c.follow(`a[href="/forgot"]`).one("h1").says("Forgot your password?")
			c.shoot("forgot")
			c.write("#email", adaEmail)
			c.follow(`main button[type="submit"]`).one("h1").says("Check your e-mail")
			c.shoot("forgot-sent")
			c.open(s.link(s.mail()), http.StatusOK).one("h1").says("Choose a new password")
			c.shoot("reset")
			c.write("#new_password", newPassword)
			signIn := c.follow(`main button[type="submit"]`)
			signIn.one("div", "class", "notice", "tabindex", "-1").says("You’ve changed your password, and every device was signed out. Sign in with your new password.")
			signIn.one("input", "id", "email", "value", adaEmail)
			c.shoot("login-filled-in")
			c.write("#password", newPassword)
			c.follow(`main button[type="submit"]`).one("h1").says("Devices")
			s.refused(phone.refresh, token.ReasonRevoked)

			m := s.mails()[0]
			c.open(s.link(m), http.StatusOK).one("h1").says("Wasn’t this you?")
			c.shoot("not-me")
			if faults := c.takeFaults(); len(faults) > 0 {
				t.Errorf("the browser complains: %q", faults)
			}
			c.open("/reset?token=used", http.StatusGone).one("h1").says("This link doesn’t work")
			c.shoot("dead-link")
		})
	}
}
