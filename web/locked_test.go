package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// Who has locked an account by a link gets to a new password by one press, without typing the address.
func TestALockedAccountGetsANewPasswordByOnePress(t *testing.T) {
	eachLink(t, func(t *testing.T, s *postOffice, k linkKind) {
		if k.done != "" {
			return // locks nothing
		}
		link, b := k.made(s, adaEmail, adaPassword), s.browser()
		b.opened(link)
		page := b.links[link[:strings.Index(link, "?")]]
		s.unchanged("asking before it is used", func() {
			if r := b.post(page+"/password", nil); r.status != http.StatusGone {
				t.Errorf("%d", r.status)
			}
		})
		b.expect(b.post(page, nil), http.StatusSeeOther, page)
		s.mails()
		shown := b.shown(page)
		shown.one("h1").says("Your password is locked")
		if text := shown.one("form", "method", "post").text(); strings.Contains(text, adaEmail) != strings.HasPrefix(page, "/email/undo/") || !strings.Contains(text, "@example.com") {
			t.Errorf("the page says %q", text)
		}
		action := shown.one("form", "method", "post").attr("action")
		b.expect(b.post(action, nil), http.StatusSeeOther, "/forgot/sent")
		m := s.mail()
		if m.To != adaEmail || m.Subject != "Choose a new password" {
			t.Errorf("to %q: %q", m.To, m.Subject)
		}
		for range 2 {
			b.post(action, nil)
		}
		if r := b.post(action, nil); r.status != http.StatusTooManyRequests || r.screen(t).one("div", "class", "notice-error", "tabindex", "-1").text() == "" {
			t.Errorf("a fourth mail in a quarter of an hour: %d", r.status)
		}
		b.opened(s.link(m))
		b.expect(b.choose(newPassword), http.StatusSeeOther, "/login")
		b.get("/login") // takes the message
		s.mails()
		b.expect(b.get(page), http.StatusSeeOther, "/login")
		b.told("/login", "You’ve used this link, and your account has a new password. Sign in with it.")
		s.unchanged("asking once it is not locked any more", func() {
			if r := b.post(action, nil); r.status != http.StatusGone {
				t.Errorf("%d", r.status)
			}
		})
	})
}

// The link to a new password would go to the thief's address: the owner is told to take theirs back first.
func TestAnAlarmToAnAddressThatWasLeftLeadsToItsWayBack(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		thief := s.signedIn()
		s.login("phone")
		alarm, b := s.link(s.mail()), s.browser()
		s.moved(thief, "thief@evil.example", adaPassword)
		b.opened(alarm)
		b.expect(b.post("/not-me", nil), http.StatusSeeOther, b.links["/not-me"])
		page := b.shown("/not-me")
		page.one("h1").says("Your password is locked")
		page.none("form", "method", "post")
		if text := page.one("main").text(); !strings.Contains(text, "Your e-mail address was changed") || strings.Contains(text, "evil") {
			t.Errorf("the page says %q", text)
		}
		s.mails()
		if r := b.post(b.links["/not-me"]+"/password", nil); r.status != http.StatusGone || len(s.mails()) != 0 {
			t.Errorf("a mail all the same: %d", r.status)
		}
	})
}

func TestThePageForSecurityListsTheWaysBack(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		b := s.signedIn()
		b.shown("/security").none("a", "href", "/security/ways-back")
		left, _ := s.moved(b, newEmail, adaPassword)
		b.shown("/security").one("a", "href", "/security/ways-back")
		page := b.shown("/security/ways-back").one("main")
		page.none("form", "action", "/security/ways-back")
		if items := page.texts("li"); len(items) != 1 || !strings.HasPrefix(items[0], adaEmail+", until 30 November 2026") {
			t.Errorf("the page lists %q", items)
		}
		s.unchanged("a press on what cannot be ended", func() {
			b.expect(b.post("/security/ways-back", nil), http.StatusSeeOther, "/security/ways-back")
		})
		b.told("/security/ways-back", "There were no links to turn off. Links to older e-mail addresses expire on their own.")
		s.laterAddressLeft()
		b.shown("/security/ways-back").one("form", "action", "/security/ways-back", "method", "post").one("button", "type", "submit")
		for field, form := range map[string]url.Values{"nothing": nil, "a wrong password": {"current_password": {"a wrong guess at it"}}} {
			r := b.post("/security/ways-back", form)
			if r.status != http.StatusUnprocessableEntity || len(r.screen(t).all("p", "id", "current_password-problem")) != 1 {
				t.Errorf("with %s: %d", field, r.status)
			}
		}
		b.shown("/security/ways-back").one("form", "action", "/security/ways-back")
		b.expect(b.post("/security/ways-back", url.Values{"current_password": {adaPassword}}), http.StatusSeeOther, "/security/ways-back")
		b.told("/security/ways-back", "You’ve turned off the links to newer e-mail addresses.").none("form", "action", "/security/ways-back")
		s.browser().dead("the way back that was ended", s.link(left))
		if s.acts("ways_back_ended") != 1 {
			t.Error("the activity does not tell of it")
		}
	})
}

// laterAddressLeft makes it look as if the address that the account has by now had come before the one that it left.
func (s *site) laterAddressLeft() {
	s.t.Helper()
	s.exec("UPDATE users SET email_since = NULL WHERE email_key = 'ada@new.example.net'")
	s.exec("UPDATE former_addresses SET since = created_at")
}

func TestADeadLinkOffersTheNextStep(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		for path, want := range map[string][2]string{
			"/reset": {"/forgot", "Get a new link"}, "/invite": {"/forgot", "Get a new link"}, "/signup/confirm": {"/signup", "Get a new link"}, "/email/confirm": {"/security/email", "Get a new link"},
			"/email/undo": {"/forgot", "Choose a new password"}, "/not-me": {"/forgot", "Choose a new password"},
		} {
			for _, query := range []string{"", "?token=used", "?token=" + strings.Repeat("A", 43), "/AAAAAAAAAAAAAAAA"} {
				next := s.browser().get(path+query).screen(t).one("p", "class", "decision").one("a", "class", "button")
				if next.attr("href") != want[0] || next.text() != want[1] {
					t.Errorf("%s%s leads to %q, %q", path, query, next.attr("href"), next.text())
				}
			}
		}
	})
}

// The cookie of earlier releases, one for each path, is dropped; a form from before says what to do.
func TestTheCookieOfEarlierReleasesIsDropped(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		for _, path := range []string{"/reset", "/not-me", "/signup/confirm", "/email/confirm", "/email/undo"} {
			b := s.browser()
			site, err := url.Parse(s.URL + path)
			if err != nil {
				t.Fatal(err)
			}
			b.client.Jar.SetCookies(site, []*http.Cookie{{Name: "latchkey-link", Value: "of before", Path: path}})
			if r := b.post(path, url.Values{"new_password": {newPassword}}); r.status != http.StatusGone {
				t.Errorf("%s: %d", path, r.status)
			}
			if left := b.client.Jar.Cookies(site); len(left) != 0 {
				t.Errorf("%s: %v is left", path, left)
			}
		}
	})
}

// The owner's older address gets a fresh way back, by mail, each time the account goes on from a newer one.
func TestEveryOlderAddressIsToldWhenTheAccountMovesOn(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		thief := s.signedIn()
		s.moved(thief, "evil1@evil.example", adaPassword)
		s.clock.Advance(6 * 24 * time.Hour)
		thief.signIn("evil1@evil.example", adaPassword)
		link, other := s.moving(thief, "evil2@evil.example", adaPassword), s.browser()
		other.opened(link)
		other.expect(other.settle(adaPassword), http.StatusSeeOther, "/security")
		var fresh string
		for _, m := range s.mails() {
			if again(m) {
				if m.To != adaEmail || strings.Contains(m.Text, "evil2@") {
					t.Errorf("to %q:\n%s", m.To, m.Text)
				}
				fresh = s.link(m)
			}
		}
		s.clock.Advance(5 * 24 * time.Hour) // eleven days after the theft
		owner := s.browser()
		owner.opened(fresh)
		owner.expect(owner.post("/email/undo", nil), http.StatusSeeOther, owner.links["/email/undo"])
		if got := s.email(); got != adaEmail {
			t.Errorf("the address is %s", got)
		}
	})
}
