package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/auth"
)

// linkKind is one of the links that are mailed: how it comes into being, for which account, and how it is used.
type linkKind struct {
	life time.Duration
	made func(s *postOffice, email, password string) string
	use  func(b *browser, password string) reply
	done string // where its use leads
}

// linkKinds are all of them. A new kind goes here.
var linkKinds = map[string]linkKind{
	"a new password": {auth.ResetLife, func(s *postOffice, email, _ string) string {
		s.browser().forget(email)
		return s.link(s.mail())
	}, func(b *browser, _ string) reply { return b.choose(newPassword) }, "/login"},
	"this wasn't me": {7 * 24 * time.Hour, func(s *postOffice, email, password string) string {
		for range 2 { // the first sign-in of an account is told to nobody
			if r := s.tryLogin(email, password, "phone"); r.status != http.StatusOK {
				s.t.Fatal(r.body)
			}
		}
		list := s.mails()
		return s.link(list[len(list)-1])
	}, func(b *browser, _ string) reply { return b.post("/not-me", nil) }, "/forgot"},
	"this wasn't me, about every device": {7 * 24 * time.Hour, func(s *postOffice, email, password string) string {
		b := s.browser()
		b.signIn(email, password)
		b.expect(b.post("/security", url.Values{"current_password": {password}, "new_password": {"some other words here"}}), http.StatusSeeOther, "/devices")
		b.expect(b.post("/security", url.Values{"current_password": {"some other words here"}, "new_password": {password}}), http.StatusSeeOther, "/devices")
		list := s.mails()
		return s.link(list[len(list)-1])
	}, func(b *browser, _ string) reply { return b.post("/not-me", nil) }, "/forgot"},
	"a new account": {auth.SignupLife, func(s *postOffice, email, password string) string {
		return s.signUp(s.browser(), "new-"+email, password, "")
	}, func(b *browser, password string) reply { return b.confirm(password) }, "/devices"},
	"a new address": {auth.EmailLife, func(s *postOffice, email, password string) string {
		b := s.browser()
		b.signIn(email, password)
		return s.moving(b, "other-"+email, password)
	}, func(b *browser, password string) reply { return b.settle(password) }, "/security"},
	"a former address": {auth.EmailUndoLife, func(s *postOffice, email, password string) string {
		b := s.browser()
		b.signIn(email, password)
		left, _ := s.moved(b, "other-"+email, password)
		return s.link(left)
	}, func(b *browser, _ string) reply { return b.post("/email/undo", nil) }, "/forgot"},
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
			for _, other := range []string{"/reset", "/not-me", "/signup/confirm", "/email/confirm", "/email/undo"} {
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
		b.expect(k.use(b, adaPassword), http.StatusSeeOther, k.done)
		s.mails()
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
			if _, err := s.auth.Disable(s.t.Context(), s.email()); err != nil {
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
			u, err := s.auth.FindUser(t.Context(), adaEmail)
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
		ada.opened(link) // in a browser in which somebody else is signed in
		ada.expect(k.use(ada, evePassword), http.StatusSeeOther, k.done)
		if after := ofAda(); after != before {
			t.Errorf("ada's rows changed from\n%s\nto\n%s", before, after)
		}
		s.browser().signIn(adaEmail, adaPassword)
	})
}

func TestOfTwentyUsesOfEveryLinkOneCounts(t *testing.T) {
	eachLink(t, func(t *testing.T, s *postOffice, k linkKind) {
		link := k.made(s, adaEmail, adaPassword)
		browsers := make([]*browser, 20)
		for i := range browsers {
			browsers[i] = s.browser()
			browsers[i].opened(link)
		}
		var won, lost atomic.Int64
		together(len(browsers), func(i int) {
			for {
				switch r := k.use(browsers[i], adaPassword); r.status {
				case http.StatusSeeOther:
					won.Add(1)
				case http.StatusGone:
					lost.Add(1)
				case http.StatusServiceUnavailable: // too many hash at once: nothing was used up
					continue
				default:
					t.Errorf("%d %s", r.status, r.body)
				}
				return
			}
		})
		if won.Load() != 1 || lost.Load() != 19 {
			t.Errorf("%d won, %d lost", won.Load(), lost.Load())
		}
	})
}
