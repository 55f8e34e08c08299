package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"latchkey/auth/mail"
	"latchkey/models"
)

// askFor asks for another address from an app.
func (s *site) askFor(p phone, email string) reply {
	s.t.Helper()
	return s.request(http.MethodPut, "/api/account/email", `{"confirmation":"`+s.confirmed(p)+`","email":"`+email+`"}`, append(bearer(p.access), "Content-Type", jsonType)...)
}

func TestAnAppAsksForAnotherAddress(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		a, b := s.login("a"), s.login("b")
		s.mails()
		secret := s.confirmed(a)
		for _, c := range [][2]string{{adaEmail, "This is already your e-mail address."}, {"", "This is required."}, {"nothing", "address"}} {
			r := s.request(http.MethodPut, "/api/account/email", `{"confirmation":"`+secret+`","email":"`+c[0]+`"}`, append(bearer(a.access), "Content-Type", jsonType)...)
			if r.wants(t, c[0], http.StatusUnprocessableEntity, "invalid_request"); !strings.Contains(r.body, `"field":"email"`) || !strings.Contains(r.body, c[1]) {
				t.Errorf("%q: %s", c[0], r.body)
			}
		}
		r := s.accountAct(a, "the address", secret)
		if r.status != http.StatusAccepted || strings.TrimSpace(r.body) != `{"expires_in":86400}` {
			t.Fatalf("%d %s", r.status, r.body)
		}
		s.causedBy(models.EventEmailAsked, a)
		s.accountAct(a, "the address", secret).wants(t, "again", http.StatusForbidden, "invalid_confirmation")
		m := s.mail()
		if m.To != newEmail || m.Subject != "Confirm your new e-mail address" || strings.Contains(m.Text+m.HTML, adaEmail) || strings.Contains(m.Text, "Device:") || s.email() != adaEmail {
			t.Errorf("to %q: %q\n%s", m.To, m.Subject, m.Text)
		}
		browser := s.browser()
		browser.opened(s.link(m))
		browser.expect(browser.settle(adaPassword), http.StatusSeeOther, "/security")
		if s.email() != newEmail {
			t.Errorf("the address is %s", s.email())
		}
		list := s.mails()
		if len(list) != 2 || list[0].To != adaEmail && list[1].To != adaEmail {
			t.Fatalf("%+v", list)
		}
		left := list[0]
		if left.To != adaEmail {
			left = list[1]
		}
		browser.opened(s.link(left)) // the way back
		s.refreshed(a.refresh)
		s.refreshed(b.refresh)
	})
}

// The answer, and what it costs, are the same for an address that another account has.
func TestAnAppDoesNotLearnWhoHasAnAddress(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		s.addUser(eveEmail, evePassword)
		a := s.login("a")
		s.mails()
		ask := func(email string) (r reply, cost int64, m mail.Message) {
			secret := s.confirmed(a)
			before := s.statements.Load()
			r = s.request(http.MethodPut, "/api/account/email", `{"confirmation":"`+secret+`","email":"`+email+`"}`, append(bearer(a.access), "Content-Type", jsonType)...)
			return r, s.statements.Load() - before, s.mail()
		}
		_, _, _ = ask("first@example.net")
		free, freeCost, _ := ask("free@example.net")
		taken, takenCost, m := ask(eveEmail)
		if free.status != http.StatusAccepted || taken.status != free.status || taken.body != free.body || takenCost != freeCost {
			t.Errorf("free: %d %s, %d statements; taken: %d %s, %d", free.status, free.body, freeCost, taken.status, taken.body, takenCost)
		}
		if m.To != eveEmail || strings.Contains(m.Text, "?token=") {
			t.Errorf("to %q:\n%s", m.To, m.Text)
		}
	})
}

// The portal and apps share the limits on requests for another address.
func TestTheLimitsOfNewAddressesHoldForApps(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		a, browser := s.login("a"), s.signedIn()
		for _, email := range []string{"one@example.net", "two@example.net", "three@example.net"} {
			browser.expect(browser.move(email, adaPassword), http.StatusSeeOther, "/security")
		}
		for _, email := range []string{"four@example.net", "five@example.net"} {
			if r := s.askFor(a, email); r.status != http.StatusAccepted {
				t.Fatalf("%s: %d %s", email, r.status, r.body)
			}
		}
		s.askFor(a, "six@example.net").wants(t, "past the limit", http.StatusTooManyRequests, "rate_limited")
		if r := browser.move("six@example.net", adaPassword); r.status == http.StatusSeeOther {
			t.Errorf("the portal: %d", r.status)
		}
		s.clock.Advance(24 * time.Hour)
		a = s.refreshed(a.refresh)
		if r := s.askFor(a, "six@example.net"); r.status != http.StatusAccepted {
			t.Errorf("a day later: %d %s", r.status, r.body)
		}
	})
}
