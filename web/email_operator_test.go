package web_test

import (
	"net/http"
	"strings"
	"testing"

	"latchkey/auth"
)

func TestWithoutMailTheAddressIsTheOperators(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b, p := s.signedIn(), s.login("phone")
		page := b.shown("/security/email")
		page.none("form", "action", "/security/email")
		if text := page.one("main").text(); !strings.Contains(text, "Ask your administrator to change your e-mail address") {
			t.Errorf("%q", text)
		}
		s.unchanged("asking all the same", func() {
			if r := b.move(newEmail, adaPassword); r.status != http.StatusNotFound {
				t.Errorf("%d", r.status)
			}
		})
		if err := s.auth.Operator.SetEmail(t.Context(), adaEmail, newEmail); err != nil {
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
		if err := s.auth.Operator.SetEmail(t.Context(), "thief@evil.example", newEmail); err != nil {
			t.Fatal(err)
		}
		list := s.mails()
		if len(list) != 2 || list[0].To == list[1].To {
			t.Fatalf("%+v", list)
		}
		for _, m := range list {
			if !strings.Contains(m.Text, "An administrator changed your account’s") || strings.Contains(m.Text, "token=") {
				t.Errorf("to %q: %s", m.To, m.Text)
			}
		}
		s.unchanged("a link from before", func() { s.browser().dead("to the former address", back) })
		for email, kind := range map[string]auth.Kind{eveEmail: auth.KindEmailTaken, "none": auth.KindInvalidRequest} {
			if err := s.auth.Operator.SetEmail(t.Context(), newEmail, email); auth.AsError(err).Kind != kind {
				t.Errorf("%s: %v", email, err)
			}
		}
		if err := s.auth.Operator.SetEmail(t.Context(), newEmail, adaEmail); err != nil { // it is held for no one any more
			t.Error(err)
		}
	})
}
