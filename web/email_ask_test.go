package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// Whether someone has the new address, had it lately or is shut out shows neither in the answer nor in what it costs.
func TestAskingForAnAddressTellsNobodyWhoHasIt(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		for _, email := range []string{eveEmail, "closed@example.com", "left@example.com"} {
			s.addUser(email, evePassword)
		}
		if _, err := s.auth.Operator.Disable(t.Context(), "closed@example.com"); err != nil {
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
			b.shown("/security")
			b.expect(b.move("first@example.com", adaPassword), http.StatusSeeOther, "/security") // its link is ended by the next one
			b.shown("/security")
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
		free := ask("nobody@example.com")
		if free.status != http.StatusSeeOther || free.links != 0 || free.mails != 1 || free.lines != 1 {
			t.Fatalf("%+v", free)
		}
		for email, subject := range map[string]string{
			eveEmail: "This e-mail address already has an account", "EVE@example.com": "This e-mail address already has an account", "closed@example.com": "This e-mail address already has an account",
			"left@example.com": "This e-mail address can’t be used yet", "another@example.com": "Confirm your new e-mail address",
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
			"no address":             {"ada@", adaPassword, "email", "This isn’t a valid e-mail address. Enter one like name@example.com."},
			"a display name":         {"Ada <ada2@example.com>", adaPassword, "email", "This isn’t a valid e-mail address. Enter one like name@example.com."},
			"two addresses":          {"a@example.com, b@example.com", adaPassword, "email", "This isn’t a valid e-mail address. Enter one like name@example.com."},
			"a header":               {"ada2@example.com\r\nBcc: eve@example.com", adaPassword, "email", "Remove control characters, such as tabs and line breaks."},
			"a line feed":            {"ada2@example.com\nSubject: x", adaPassword, "email", "Remove control characters, such as tabs and line breaks."},
			"a line feed before it":  {"x\n@example.com", adaPassword, "email", "Remove control characters, such as tabs and line breaks."},
			"a NUL":                  {"ada2\x00@example.com", adaPassword, "email", "Remove control characters, such as tabs and line breaks."},
			"a Unicode line end":     {"ada2\u0085@example.com", adaPassword, "email", "Remove control characters, such as tabs and line breaks."},
			"a line separator":       {"ada2\u2028@example.com", adaPassword, "email", "This e-mail address can’t receive e-mail. Use only plain letters, digits and symbols before the @."},
			"a script":               {evil, adaPassword, "email", "This isn’t a valid e-mail address. Enter one like name@example.com."},
			"an endless one":         {strings.Repeat("a", 250) + "@example.com", adaPassword, "email", "Enter at most 254 characters."},
			"no domain":              {"ada@-example.com", adaPassword, "email", "This e-mail address can’t receive e-mail. Check the part after the @."},
			"letters mail knows not": {"ädä@example.com", adaPassword, "email", "This e-mail address can’t receive e-mail. Use only plain letters, digits and symbols before the @."},
			"her own":                {" ADA@EXAMPLE.com", adaPassword, "email", "This is already your e-mail address."},
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
			form.one("div", "class", "notice-error", "tabindex", "-1")
			if field := page.one("input", "aria-invalid", "true"); field.attr("name") != c.field {
				t.Errorf("%s: the problem is at %q", name, field.attr("name"))
			}
			form.none("input", "type", "password", "value", "*")
		}
		if after := s.dump(); after != before {
			t.Errorf("a refused address changed the database from\n%s\nto\n%s", before, after)
		}
		r := b.move(newEmail, "not her password")
		r.screen(t).one("form", "action", "/security/email").one("p", "id", "password-problem").says("That’s not your password. Try again.")
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
			if _, err := s.auth.Operator.SetPassword(s.t.Context(), adaEmail, newPassword); err != nil {
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
			if _, err := s.auth.Operator.Disable(s.t.Context(), adaEmail); err != nil {
				s.t.Fatal(err)
			}
			if err := s.auth.Operator.Enable(s.t.Context(), adaEmail); err != nil {
				s.t.Fatal(err)
			}
		},
		"an operator's address": func(s *postOffice, _ *browser) {
			for _, step := range [][2]string{{adaEmail, "set@example.com"}, {"set@example.com", adaEmail}} {
				if err := s.auth.Operator.SetEmail(s.t.Context(), step[0], step[1]); err != nil {
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
				r.screen(t).one("p", "class", "notice-text").says("This e-mail address now belongs to another account or is reserved for one. Nothing was changed.")
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
