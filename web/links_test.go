package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/auth/notify"
	"latchkey/models"
)

// linkKind is one of the links that are mailed: how it comes into being, for which account, and how it is used.
type linkKind struct {
	life time.Duration
	made func(s *postOffice, email, password string) string
	use  func(b *browser, password string) reply
	done string           // where its use leads; empty: its own page tells what is left to do
	act  models.EventKind // the event of its use
	last string           // where a second use leads; empty: as the first
}

// ends is where the use of a link leads, in the browser that followed it.
func (k linkKind) ends(b *browser, link, done string) string {
	if done != "" {
		return done
	}
	path, _, _ := strings.Cut(link, "?")
	return b.links[path]
}

func (k linkKind) again() string {
	if k.last != "" {
		return k.last
	}
	return k.done
}

// acts counts the events of a kind.
func (s *site) acts(kind models.EventKind) (n int64) {
	s.t.Helper()
	if err := s.store.Pools()[0].QueryRowContext(s.t.Context(), "SELECT count(*) FROM events WHERE kind = '"+string(kind)+"'").Scan(&n); err != nil {
		s.t.Fatal(err)
	}
	return n
}

// linkKinds are all of them. A new kind goes here.
var linkKinds = map[string]linkKind{
	"a new password": {notify.ResetLife, func(s *postOffice, email, _ string) string {
		s.browser().forget(email)
		return s.link(s.mail())
	}, func(b *browser, _ string) reply { return b.choose(newPassword) }, "/login", models.EventPasswordReset, ""},
	"an invitation": {notify.InviteLife, func(s *postOffice, email, _ string) string {
		s.exec("DELETE FROM users WHERE email_key = '" + email + "'")
		return s.invited(email)
	}, func(b *browser, _ string) reply { return b.accept(newPassword) }, "/devices", models.EventPasswordReset, "/login"},
	"this wasn't me": {7 * 24 * time.Hour, func(s *postOffice, email, password string) string {
		for range 2 { // no one is told of the first sign-in of an account
			if r := s.tryLogin(email, password, "phone"); r.status != http.StatusOK {
				s.t.Fatal(r.body)
			}
		}
		list := s.mails()
		return s.link(list[len(list)-1])
	}, func(b *browser, _ string) reply { return b.post("/not-me", nil) }, "", models.EventLocked, ""},
	"this wasn't me, about every device": {7 * 24 * time.Hour, func(s *postOffice, email, password string) string {
		b := s.browser()
		b.signIn(email, password)
		b.expect(b.post("/security", url.Values{"current_password": {password}, "new_password": {"some other words here"}}), http.StatusSeeOther, "/devices")
		b.expect(b.post("/security", url.Values{"current_password": {"some other words here"}, "new_password": {password}}), http.StatusSeeOther, "/devices")
		list := s.mails()
		return s.link(list[len(list)-1])
	}, func(b *browser, _ string) reply { return b.post("/not-me", nil) }, "", models.EventLocked, ""},
	"a new account": {notify.SignupLife, func(s *postOffice, email, password string) string {
		return s.signUp(s.browser(), "new-"+email, password, "")
	}, func(b *browser, password string) reply { return b.confirm(password) }, "/devices", models.EventAccountCreated, "/login"},
	"a new address": {notify.EmailLife, func(s *postOffice, email, password string) string {
		b := s.browser()
		b.signIn(email, password)
		return s.moving(b, "other-"+email, password)
	}, func(b *browser, password string) reply { return b.settle(password) }, "/security", models.EventEmailChanged, ""},
	"a former address": {notify.EmailUndoLife, func(s *postOffice, email, password string) string {
		b := s.browser()
		b.signIn(email, password)
		left, _ := s.moved(b, "other-"+email, password)
		return s.link(left)
	}, func(b *browser, _ string) reply { return b.post("/email/undo", nil) }, "", models.EventEmailRestored, ""},
}

// eachLink runs fn for every kind of link, with two accounts.
func eachLink(t *testing.T, fn func(t *testing.T, s *postOffice, k linkKind)) {
	t.Helper()
	for name, k := range linkKinds {
		t.Run(name, func(t *testing.T) {
			posted(t, func(t *testing.T, s *postOffice) {
				s.addUser(eveEmail, evePassword)
				fn(t, s, k)
			})
		})
	}
}

func TestEveryLinkThatCannotBeUsedSaysSoAndChangesNothing(t *testing.T) {
	eachLink(t, func(t *testing.T, s *postOffice, k linkKind) {
		link := k.made(s, adaEmail, adaPassword)
		path, secret, _ := strings.Cut(link, "?token=")
		b := s.browser()
		s.unchanged("links that are no good", func() {
			for what, bad := range map[string]string{
				"truncated": link[:len(link)-1], "cut in half": link[:len(link)-20], "longer": link + "A", "without a secret": path + "?token=", "garbage": path + "?token=x",
				"guessed": path + "?token=" + strings.Repeat("A", len(secret)), "hostile": path + "?token=" + url.QueryEscape(evil),
			} {
				s.browser().dead(what, bad)
			}
			for _, other := range []string{"/reset", "/invite", "/not-me", "/signup/confirm", "/email/confirm", "/email/undo"} {
				if other != path {
					s.browser().dead("at "+other, other+"?token="+secret)
				}
			}
			for range 2 {
				b.opened(link)
			}
		})
		late := s.browser()
		late.opened(link)
		b.expect(k.use(b, adaPassword), http.StatusSeeOther, k.ends(b, link, k.done))
		s.mails()
		s.clock.Advance(models.UsedLinkLife - time.Second)
		s.unchanged("a link that was used minutes ago", func() {
			for what, again := range map[string]*browser{"the same browser": b, "another that had opened it": late} {
				if r := k.use(again, adaPassword); r.status != http.StatusSeeOther || r.header.Get("Location") != k.ends(again, link, k.again()) {
					t.Errorf("used again by %s: %d to %q", what, r.status, r.header.Get("Location"))
				}
			}
			third := s.browser()
			if r := third.get(link); r.status != http.StatusSeeOther {
				t.Fatalf("followed again: %d", r.status)
			}
			page := third.get(path)
			if want := k.again(); page.header.Get("Location") != want || want == "" && !strings.Contains(page.body, "Your password is locked") {
				t.Errorf("followed again it leads to %d %q", page.status, page.header.Get("Location"))
			}
			if page.header.Get("Location") == "/login" && third.shown("/login").one("input", "name", "email").attr("value") == "" {
				t.Error("the sign-in form has no address filled in")
			}
		})
		s.clock.Advance(time.Second)
		s.unchanged("a used link", func() {
			if r := k.use(late, adaPassword); r.status != http.StatusGone {
				t.Errorf("used by another browser that had opened it: %d", r.status)
			}
			s.browser().dead("used twice", link)
			b.dead("pressed twice", path)
		})
	})
}

func TestEveryLinkEndsWithItsTimeOrItsAccount(t *testing.T) {
	for name, end := range map[string]func(s *postOffice, k linkKind){
		"expired":           func(s *postOffice, k linkKind) { s.clock.Advance(k.life) },
		"a deleted account": func(s *postOffice, _ linkKind) { s.exec("DELETE FROM users WHERE email_key LIKE '%ada@example.com'") },
		"a disabled account": func(s *postOffice, _ linkKind) {
			if _, err := s.auth.Operator.Disable(s.t.Context(), s.email()); err != nil {
				s.t.Fatal(err)
			}
			s.mails()
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachLink(t, func(t *testing.T, s *postOffice, k linkKind) {
				link := k.made(s, adaEmail, adaPassword)
				if strings.HasPrefix(link, "/signup") && name != "expired" {
					return // of no account yet
				}
				open := s.browser()
				open.opened(link)
				end(s, k)
				s.unchanged("a dead link", func() {
					if r := k.use(open, adaPassword); r.status != http.StatusGone {
						t.Errorf("opened before: %d", r.status)
					}
					s.browser().dead("followed after", link)
				})
			})
		})
	}
}

func TestEveryLinkIsAboutItsOwnAccountOnly(t *testing.T) {
	eachLink(t, func(t *testing.T, s *postOffice, k linkKind) {
		ada := s.signedIn()
		link := k.made(s, eveEmail, evePassword)
		ofAda := func() (list string) {
			u, err := s.auth.Operator.FindUser(t.Context(), adaEmail)
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(s.dump()) {
				// A new account's browser is signed in to it, in ada's place.
				if strings.Contains(line, u.ID.String()) && !strings.HasPrefix(line, "devices ") && !strings.Contains(line, "kind=sign_out") {
					list += strings.TrimSpace(line) + "\n"
				}
			}
			return list
		}
		before := ofAda()
		ada.opened(link) // in a browser where another person is signed in
		ada.expect(k.use(ada, evePassword), http.StatusSeeOther, k.ends(ada, link, k.done))
		if after := ofAda(); after != before {
			t.Errorf("ada's rows changed from\n%s\nto\n%s", before, after)
		}
		s.browser().signIn(adaEmail, adaPassword)
	})
}

func TestOfTwentyUsesOfEveryLinkOneCounts(t *testing.T) {
	eachLink(t, func(t *testing.T, s *postOffice, k linkKind) {
		link := k.made(s, adaEmail, adaPassword)
		before := s.acts(k.act)
		browsers := make([]*browser, 20)
		for i := range browsers {
			browsers[i] = s.browser()
			browsers[i].opened(link)
		}
		var ledOn atomic.Int64
		together(len(browsers), func(i int) {
			for {
				switch r := k.use(browsers[i], adaPassword); r.status {
				case http.StatusSeeOther:
					ledOn.Add(1)
				case http.StatusServiceUnavailable: // too many hash at once: nothing was used up
					continue
				default:
					t.Errorf("%d %s", r.status, r.body)
				}
				return
			}
		})
		if acts := s.acts(k.act) - before; ledOn.Load() != 20 || acts != 1 {
			t.Errorf("%d led on, %d acts", ledOn.Load(), acts)
		}
	})
}
