package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// A form that asks for a mail, sent twice: each of the two mails leads to what was asked for, and once that is done, so does the other.
func TestOfTwoMailsThatWereAskedForEachIsGood(t *testing.T) {
	const chosen = "nobody would guess it"
	for name, c := range map[string]struct {
		ask, use   func(b *browser) reply
		path       string
		sent, done string // where the person is led
		told       string // with the other mail afterwards; empty: it is dead then
	}{
		"another address": {
			func(b *browser) reply { return b.move(newEmail, adaPassword) }, func(b *browser) reply { return b.settle(adaPassword) },
			"/email/confirm", "/security", "/security", "You’ve changed your e-mail address to " + newEmail + ". Use it to sign in from now on.",
		},
		"a new account": {
			func(b *browser) reply {
				return b.post("/signup", url.Values{"email": {"bea@example.com"}, "password": {chosen}})
			}, func(b *browser) reply { return b.confirm(chosen) },
			"/signup/confirm", "/signup/sent", "/devices", "Your account is ready.",
		},
		"a forgotten password": {
			func(b *browser) reply { return b.post("/forgot", url.Values{"email": {adaEmail}}) }, func(b *browser) reply { return b.choose(newPassword) },
			"/reset", "/forgot/sent", "/login", "",
		},
	} {
		for used := range 2 {
			t.Run(name+[]string{", the first", ", the second"}[used], func(t *testing.T) {
				posted(t, func(t *testing.T, s *postOffice) {
					b := s.signedIn()
					s.mails()
					b.expect(c.ask(b), http.StatusSeeOther, c.sent)
					s.clock.Advance(time.Second)
					b.expect(c.ask(b), http.StatusSeeOther, c.sent)
					list := s.mails()
					if len(list) != 2 || list[0].Subject != list[1].Subject {
						t.Fatalf("%+v", list)
					}
					reader, other := s.browser(), s.browser()
					reader.opened(s.link(list[used]))
					other.opened(s.link(list[1-used]))
					reader.expect(c.use(reader), http.StatusSeeOther, c.done)
					if c.told == "" {
						other.dead("the other link", c.path)
						return
					}
					s.clock.Advance(time.Hour)
					s.unchanged("the other link", func() {
						late := s.browser()
						for _, b := range []*browser{other, late} {
							if r := b.get(s.link(list[1-used])); r.status != http.StatusSeeOther {
								t.Errorf("%d %s", r.status, r.screen(t).text())
							}
							b.expect(b.get(b.links[c.path]), http.StatusSeeOther, strings.Replace(c.done, "/devices", "/login", 1))
							b.told("/login", c.told)
						}
						other.expect(c.use(other), http.StatusSeeOther, strings.Replace(c.done, "/devices", "/login", 1))
					})
				})
			})
		}
	}
}

// Once the account has gone on to a further address, no older mail leads it back.
func TestTheOtherMailEndsWithTheNextChange(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		b := s.signedIn()
		first := s.moving(b, newEmail, adaPassword)
		other := s.moving(b, newEmail, adaPassword)
		reader := s.browser()
		reader.opened(first)
		reader.expect(reader.settle(adaPassword), http.StatusSeeOther, "/security")
		s.moved(b, adaEmail, adaPassword)
		s.browser().dead("the other link", other)
	})
}
