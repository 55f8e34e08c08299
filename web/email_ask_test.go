package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/auth"
	"latchkey/models/modelstest"
)

// Whether somebody has the new address, had it lately or is shut out shows neither in the answer nor in what it costs.
func TestAskingForAnAddressTellsNobodyWhoHasIt(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		for _, email := range []string{eveEmail, "closed@example.com", "left@example.com"} {
			s.addUser(email, evePassword)
		}
		if _, err := s.auth.Disable(t.Context(), "closed@example.com"); err != nil {
			t.Fatal(err)
		}
		leaver := s.browser()
		leaver.signIn("left@example.com", evePassword)
		s.moved(leaver, "gone@example.com", evePassword)
		b := s.signedIn()
		type cost struct {
			status                          int
			location, body, page, kind      string
			statements, links, mails, lines int64
		}
		count := func(table string) (n int64) {
			if err := s.store.Pools()[0].QueryRowContext(t.Context(), "SELECT count(*) FROM "+table).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		ask := func(email string) (c cost) {
			s.clock.Advance(15 * time.Minute)
			s.mails()
			links, mails, lines := count("one_time_tokens"), count("mails"), count("events")
			before := s.statements.Load()
			r := b.move(email, adaPassword)
			c = cost{status: r.status, location: r.header.Get("Location"), body: r.body, statements: s.statements.Load() - before}
			c.links, c.mails, c.lines = count("one_time_tokens")-links, count("mails")-mails, count("events")-lines
			if err := s.store.Pools()[0].QueryRowContext(t.Context(), "SELECT kind FROM mails").Scan(&c.kind); err != nil {
				t.Fatal(err)
			}
			c.page = strings.ReplaceAll(b.shown("/security").text(), email, "IT")
			return c
		}
		ask("first@example.com") // there is a link from now on, which each of the others ends
		free := ask("nobody@example.com")
		if free.status != http.StatusSeeOther || free.links != 0 || free.mails != 1 || free.lines != 1 {
			t.Fatalf("%+v", free)
		}
		for email, subject := range map[string]string{
			eveEmail: "This e-mail address has an account already", "EVE@example.com": "This e-mail address has an account already", "closed@example.com": "This e-mail address has an account already",
			"left@example.com": "This e-mail address cannot be used yet", "another@example.com": "Confirm your new e-mail address",
		} {
			if got := ask(email); got != free { // the kind, too: it stands in the activity when the mail cannot be delivered
				t.Errorf("%s: %+v, an address that nobody has: %+v", email, got, free)
			}
			m := s.mail()
			if m.Subject != subject || m.To != email || strings.Contains(m.Text, "token=") != strings.HasPrefix(subject, "Confirm") || m.Subject != "Confirm your new e-mail address" && strings.Contains(m.Text, adaEmail) {
				t.Errorf("to %q: %q\n%s", m.To, m.Subject, m.Text)
			}
		}
	})
}

func TestARefusedAddressSaysWhyBesideTheFieldAndMailsNobody(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		b := s.signedIn()
		before := s.dump()
		for name, c := range map[string]struct{ email, password, field, problem string }{
			"none":                   {"", adaPassword, "email", "This is required."},
			"no address":             {"ada@", adaPassword, "email", "This is not an e-mail address."},
			"a display name":         {"Ada <ada2@example.com>", adaPassword, "email", "This is not an e-mail address."},
			"two addresses":          {"a@example.com, b@example.com", adaPassword, "email", "This is not an e-mail address."},
			"a header":               {"ada2@example.com\r\nBcc: eve@example.com", adaPassword, "email", "Control characters cannot be used here."},
			"a line feed":            {"ada2@example.com\nSubject: x", adaPassword, "email", "Control characters cannot be used here."},
			"a line feed before it":  {"x\n@example.com", adaPassword, "email", "Control characters cannot be used here."},
			"a NUL":                  {"ada2\x00@example.com", adaPassword, "email", "Control characters cannot be used here."},
			"a Unicode line end":     {"ada2\u0085@example.com", adaPassword, "email", "Control characters cannot be used here."},
			"a line separator":       {"ada2\u2028@example.com", adaPassword, "email", "No mail can be sent to this e-mail address: letters before the @ that mail servers do not take."},
			"a script":               {evil, adaPassword, "email", "This is not an e-mail address."},
			"an endless one":         {strings.Repeat("a", 250) + "@example.com", adaPassword, "email", "At most 254 characters."},
			"no domain":              {"ada@-example.com", adaPassword, "email", "No mail can be sent to this e-mail address: the part after the @ is no domain."},
			"letters mail knows not": {"ädä@example.com", adaPassword, "email", "No mail can be sent to this e-mail address: letters before the @ that mail servers do not take."},
			"her own":                {" ADA@EXAMPLE.com", adaPassword, "email", "This is your e-mail address already."},
			"no password":            {newEmail, "", "password", "This is required."},
		} {
			r := b.move(c.email, c.password)
			if r.status != http.StatusUnprocessableEntity {
				t.Errorf("%s: %d", name, r.status)
				continue
			}
			page := r.screen(t)
			form := page.one("form", "action", "/security/email")
			form.one("p", "id", c.field+"-problem").says(c.problem)
			form.one("div", "role", "alert")
			page.one("form", "action", "/security").none("div", "role", "alert")
			if field := page.one("input", "aria-invalid", "true"); field.attr("name") != c.field {
				t.Errorf("%s: the problem is at %q", name, field.attr("name"))
			}
			form.none("input", "type", "password", "value", "*")
		}
		if after := s.dump(); after != before {
			t.Errorf("a refused address changed the database from\n%s\nto\n%s", before, after)
		}
		r := b.move(newEmail, "not her password")
		r.screen(t).one("form", "action", "/security/email").one("p", "id", "password-problem").says("That is not your password.")
		r.screen(t).one("input", "name", "email", "value", newEmail)
		if list := s.mails(); len(list) != 0 {
			t.Errorf("%+v", list)
		}
	})
}

func TestAnInternationalDomainWorks(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		b := s.signedIn()
		b.expect(b.move("ada@bücher.example", adaPassword), http.StatusSeeOther, "/security")
		m := s.mail()
		if m.To != "ada@xn--bcher-kva.example" || strings.Contains(m.Text, "bücher") {
			t.Errorf("to %q\n%s", m.To, m.Text)
		}
		other := s.browser()
		other.opened(s.link(m))
		other.expect(other.settle(adaPassword), http.StatusSeeOther, "/security")
		if list := s.mails(); len(list) != 2 || !strings.Contains(list[1].Text, "ada@bücher.example") {
			t.Errorf("%+v", list)
		}
		s.browser().signIn("ADA@BÜCHER.example", adaPassword)
	})
}

func TestAskingForAnAddressIsLimited(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		s.addUser(eveEmail, evePassword)
		b, eve := s.signedIn(), s.browser()
		eve.signIn(eveEmail, evePassword)
		for range 2 {
			b.expect(b.move(newEmail, adaPassword), http.StatusSeeOther, "/security")
		}
		eve.expect(eve.move(newEmail, evePassword), http.StatusSeeOther, "/security")
		for who, r := range map[string]reply{"ada": b.move(newEmail, adaPassword), "eve": eve.move(strings.ToUpper(newEmail), evePassword)} {
			if r.status != http.StatusTooManyRequests || r.header.Get("Retry-After") != "900" {
				t.Errorf("%s: a fourth mail to one address: %d", who, r.status)
			}
		}
		for i := range 3 {
			b.expect(b.move(fmt.Sprintf("ada%d@example.com", i), adaPassword), http.StatusSeeOther, "/security")
		}
		if r := b.move("ada-9@example.com", adaPassword); r.status != http.StatusTooManyRequests {
			t.Errorf("a sixth address of one account: %d", r.status)
		}
		if list := s.mails(); len(list) != 6 {
			t.Errorf("%d mails", len(list))
		}
		s.clock.Advance(15 * time.Minute)
		for range 30 {
			b.move(newEmail, "a guess")
		}
		if r := b.move(newEmail, adaPassword); r.status != http.StatusTooManyRequests {
			t.Errorf("after thirty guesses: %d", r.status)
		}
		s.clock.Advance(15 * time.Minute)
		b.expect(b.move(newEmail, adaPassword), http.StatusSeeOther, "/security")
		if list := s.mails(); len(list) != 1 {
			t.Errorf("%d mails", len(list))
		}
		s.clock.Advance(15 * time.Minute)
		for i := range 20 {
			email := fmt.Sprintf("%d@example.org", i)
			s.addUser(email, evePassword)
			other := s.browser()
			other.signIn(email, evePassword)
			other.expect(other.move("new-"+email, evePassword), http.StatusSeeOther, "/security")
		}
		if r := b.move("ada-10@example.com", adaPassword); r.status != http.StatusTooManyRequests {
			t.Errorf("a twenty-first from one network: %d", r.status)
		}
	})
}

// What happens to the account between the wish and its confirmation ends the link.
func TestALinkToANewAddressEndsWithWhatItWasAskedOn(t *testing.T) {
	for name, end := range map[string]func(s *postOffice, b *browser){
		"a newer wish": func(s *postOffice, b *browser) { s.moving(b, "later@example.com", adaPassword) },
		"a wish for an address that somebody has": func(s *postOffice, b *browser) {
			s.addUser(eveEmail, evePassword)
			b.expect(b.move(eveEmail, adaPassword), http.StatusSeeOther, "/security")
		},
		"another password": func(s *postOffice, b *browser) {
			b.expect(b.post("/security", url.Values{"current_password": {adaPassword}, "new_password": {newPassword}}), http.StatusSeeOther, "/devices")
		},
		"an operator's password": func(s *postOffice, _ *browser) {
			if _, err := s.auth.SetPassword(s.t.Context(), adaEmail, newPassword); err != nil {
				s.t.Fatal(err)
			}
		},
		"a password chosen by mail": func(s *postOffice, _ *browser) {
			b := s.browser()
			b.forget(adaEmail)
			b.opened(s.link(s.mail()))
			b.expect(b.choose(newPassword), http.StatusSeeOther, "/login")
		},
		"a lock": func(s *postOffice, _ *browser) {
			s.login("phone")
			s.login("phone")
			list, b := s.mails(), s.browser()
			b.opened(s.link(list[len(list)-1]))
			b.expect(b.post("/not-me", nil), http.StatusSeeOther, b.links["/not-me"])
		},
		"an account that was closed for a while": func(s *postOffice, _ *browser) {
			if _, err := s.auth.Disable(s.t.Context(), adaEmail); err != nil {
				s.t.Fatal(err)
			}
			if err := s.auth.Enable(s.t.Context(), adaEmail); err != nil {
				s.t.Fatal(err)
			}
		},
		"an operator's address": func(s *postOffice, _ *browser) {
			for _, step := range [][2]string{{adaEmail, "set@example.com"}, {"set@example.com", adaEmail}} {
				if err := s.auth.SetEmail(s.t.Context(), step[0], step[1]); err != nil {
					s.t.Fatal(err)
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			posted(t, func(t *testing.T, s *postOffice) {
				b := s.signedIn()
				link, open := s.moving(b, newEmail, adaPassword), s.browser()
				open.opened(link)
				end(s, b)
				s.unchanged("a dead link", func() {
					open.dead("opened before", "/email/confirm")
					s.browser().dead("followed after", link)
				})
				if got := s.email(); got != adaEmail {
					t.Errorf("the address is %s", got)
				}
			})
		})
	}
}

func TestOfTwoAccountsOnOneAddressTheLoserIsTold(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		s.addUser(eveEmail, evePassword)
		b, eve := s.signedIn(), s.browser()
		eve.signIn(eveEmail, evePassword)
		racers := []*browser{s.browser(), s.browser()}
		racers[0].opened(s.moving(b, newEmail, adaPassword))
		racers[1].opened(s.moving(eve, newEmail, evePassword))
		var won, lost atomic.Int64
		together(2, func(i int) {
			switch r := racers[i].settle([]string{adaPassword, evePassword}[i]); r.status {
			case http.StatusSeeOther:
				won.Add(1)
			case http.StatusConflict:
				r.screen(t).one("p", "class", "notice-text").says("This e-mail address belongs to another account by now, or is kept for one. Nothing was changed.")
				lost.Add(1)
			default:
				t.Errorf("%d %s", r.status, r.body)
			}
		})
		if won.Load() != 1 || lost.Load() != 1 {
			t.Errorf("%d won, %d lost", won.Load(), lost.Load())
		}
		if n := strings.Count(s.dump(), "email_key=ada@new.example.net"); n != 1 {
			t.Errorf("%d accounts have it", n)
		}
	})
}

func TestWithoutMailTheAddressIsTheOperators(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b, p := s.signedIn(), s.login("phone")
		page := b.shown("/security")
		page.none("form", "action", "/security/email")
		page.one("form", "action", "/security")
		if text := page.one("div", "id", "change-email").text(); !strings.Contains(text, "only its operator can change your e-mail address") {
			t.Errorf("%q", text)
		}
		s.unchanged("asking all the same", func() {
			if r := b.move(newEmail, adaPassword); r.status != http.StatusNotFound {
				t.Errorf("%d", r.status)
			}
		})
		if err := s.auth.SetEmail(t.Context(), adaEmail, newEmail); err != nil {
			t.Fatal(err)
		}
		b.shown("/devices").one("p", "class", "whose").says("Signed in as " + newEmail)
		s.refreshed(p.refresh)
		s.browser().signIn(newEmail, adaPassword)
	})
}

func TestAnOperatorsAddressIsToldToBothAndTakenBackByNobody(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		s.addUser(eveEmail, evePassword)
		b := s.signedIn()
		left, _ := s.moved(b, "thief@evil.example", adaPassword)
		back := s.link(left)
		if err := s.auth.SetEmail(t.Context(), "thief@evil.example", newEmail); err != nil {
			t.Fatal(err)
		}
		list := s.mails()
		if len(list) != 2 || list[0].To == list[1].To {
			t.Fatalf("%+v", list)
		}
		for _, m := range list {
			if !strings.Contains(m.Text, "An administrator gave your account") || strings.Contains(m.Text, "token=") {
				t.Errorf("to %q: %s", m.To, m.Text)
			}
		}
		s.unchanged("a link from before", func() { s.browser().dead("to the former address", back) })
		for email, kind := range map[string]auth.Kind{eveEmail: auth.KindEmailTaken, "none": auth.KindInvalidRequest} {
			if err := s.auth.SetEmail(t.Context(), newEmail, email); auth.AsError(err).Kind != kind {
				t.Errorf("%s: %v", email, err)
			}
		}
		if err := s.auth.SetEmail(t.Context(), newEmail, adaEmail); err != nil { // it is held for nobody any more
			t.Error(err)
		}
	})
}

func TestAPersonChangesTheAddressAndBackInARealBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("LEFT OUT: a short run does not test the portal in a browser")
	}
	for _, c := range []struct {
		width   int64
		scripts bool
	}{{390, false}, {1280, true}} {
		t.Run(fmt.Sprintf("%d pixels wide, scripts %v", c.width, c.scripts), func(t *testing.T) {
			chromium(t) // before a database is made
			s := newPostOffice(t, modelstest.SQLite(t))
			phone := s.login("phone")
			b := openTab(t, s.URL, c.width, c.scripts)
			if c.scripts {
				b.load(vendored(t, "axe/axe.min.js"))
			}
			b.signIn(adaEmail, adaPassword).one("h1").says("Devices")
			s.mails()
			b.open("/security", http.StatusOK).one("h1").says("Security")
			b.shoot("security")
			b.write("#email", newEmail)
			b.write("#password", adaPassword)
			b.follow(`#change-email button[type="submit"]`).one("p", "class", "notice-text").says("A mail is on its way to " + newEmail + ". Your e-mail address changes when you follow the link in it.")
			b.check("a mail is on its way")
			b.shoot("email-asked")
			link := s.link(s.mail())
			b.open(link, http.StatusOK).one("h1").says("Confirm your new e-mail address")
			b.check("confirm")
			b.shoot("email-confirm")
			b.write("#password", adaPassword)
			page := b.follow(`main button[type="submit"]`)
			page.one("h1").says("Security")
			page.one("p", "class", "notice-text").says("The e-mail address was changed to " + newEmail + ". Sign in with it from now on.")
			b.shoot("email-changed")
			s.refreshed(phone.refresh)
			list := s.mails()
			if list[0].To != adaEmail {
				list[0], list[1] = list[1], list[0]
			}
			b.open(s.link(list[0]), http.StatusOK).one("h1").says("Take your e-mail address back?")
			b.check("undo")
			b.shoot("email-undo")
			b.follow(`main button[type="submit"]`).one("p", "class", "notice-text").says("Done: your e-mail address is " + adaEmail + " again.")
			b.shoot("email-undone")
			b.open("/devices", http.StatusOK).one("h1").says("Sign in")
			if faults := b.takeFaults(); len(faults) > 0 {
				t.Errorf("the browser complains: %q", faults)
			}
			b.open("/email/undo?token=used", http.StatusGone).one("h1").says("This link cannot be used")
		})
	}
}

// What a person or their browser writes goes to no address that may be a stranger's, in no part of a mail.
func TestMailsToStrangersRepeatNothingThatWasSent(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		const evil = "Verify-now-at-evil.example"
		wicked := strings.ToLower(evil) + "@example.net" // an account's address with words in it
		if _, err := s.auth.AddUser(t.Context(), wicked, adaPassword, "user"); err != nil {
			t.Fatal(err)
		}
		b := s.browser()
		b.agent = evil + "/9 (Windows NT 10.0)"
		b.signIn(wicked, adaPassword)
		s.mails()
		b.expect(b.move("stranger@example.org", adaPassword), http.StatusSeeOther, "/security") // no account's
		b.expect(b.move(adaEmail, adaPassword), http.StatusSeeOther, "/security")               // another account's
		other := s.browser()
		other.agent = evil + "/9 (Windows NT 10.0)"
		for _, email := range []string{"bea+" + evil + "@example.org", strings.ToUpper(adaEmail)} {
			if r := other.post("/signup", url.Values{"email": {email}, "password": {"nobody would guess it"}, "next": {"/" + evil}}); r.status != http.StatusSeeOther {
				t.Fatalf("%s: %d", email, r.status)
			}
		}
		list := s.mails()
		if len(list) != 4 {
			t.Fatalf("%d mails", len(list))
		}
		for _, m := range list {
			if all := strings.ToLower(m.Subject + m.Text + m.HTML); strings.Contains(all, "verify") || strings.Contains(all, "evil") || strings.Contains(all, "windows") {
				t.Errorf("to %s: %s\n%s", m.To, m.Subject, m.Text)
			}
		}
	})
}

// The owner's mails and pages call a browser by names of ours, whatever it calls itself.
func TestABrowserIsCalledByNamesOfOurs(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		s.login("phone")
		s.mails()
		b := s.browser()
		b.agent = "Verify-now-at-evil.example/9 (Windows NT 10.0)"
		b.signIn(adaEmail, adaPassword)
		b.expect(b.post("/security", url.Values{"current_password": {adaPassword}, "new_password": {newPassword}}), http.StatusSeeOther, "/devices")
		list := s.mails()
		if len(list) != 2 {
			t.Fatalf("%d mails", len(list))
		}
		for _, m := range list {
			if all := strings.ToLower(m.Subject + m.Text + m.HTML); strings.Contains(all, "verify") || !strings.Contains(all, "unknown browser") {
				t.Errorf("%s\n%s", m.Subject, m.Text)
			}
		}
		for _, path := range []string{"/devices", "/activity"} {
			if page := b.get(path).body; strings.Contains(page, "Verify-now") {
				t.Errorf("%s repeats it", path)
			}
		}
	})
}

func TestASummaryIsReadAndAnswered(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		her := s.signedIn()
		s.clock.Advance(2 * time.Hour)
		var refresh string
		for _, name := range []string{"his 1", "his 2", "his 3", "https://evil.example/verify", "his 5"} {
			refresh = s.login(name).refresh
			s.clock.Advance(time.Minute)
		}
		if list := s.mails(); len(list) != 3 {
			t.Fatalf("%d mails at first", len(list))
		}
		s.clock.Advance(10 * time.Minute)
		m := s.mail()
		for _, want := range []string{"“his 1”", "“his 5”", "“https evil example verify”", "127.0.0.1", "since 23 November 2026"} {
			if flat := strings.Join(strings.Fields(m.Text), " "); !strings.Contains(flat, want) || !strings.Contains(m.HTML, want) {
				t.Errorf("%q is missing in\n%s", want, m.Text)
			}
		}
		if m.Subject != "5 sign-ins to your account" || strings.Contains(m.Text+m.HTML, "evil.example") {
			t.Errorf("%s\n%s", m.Subject, m.Text)
		}
		b := s.browser()
		b.opened(s.link(m))
		if page := b.get("/not-me").body; !strings.Contains(page, "every device that signed in since 23 November 2026") {
			t.Errorf("the page: %s", page)
		}
		b.expect(b.post("/not-me", nil), http.StatusSeeOther, b.links["/not-me"])
		s.refused(refresh, auth.ReasonRevoked)
		her.shown("/devices")
	})
}
